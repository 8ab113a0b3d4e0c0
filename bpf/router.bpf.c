// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet's way: decide (parse, check, look up, check), then redirect and rewrite, or count and
 * pass. Two programs that differ in how the frame is handed over and sent: hook_xdp.h, hook_tc.h.
 */
#include "hook_tc.h"
#include "hook_xdp.h"

char _license[] SEC("license") = "GPL";
