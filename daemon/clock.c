// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"

int64_t clock_ahead_ns;
