// SPDX-License-Identifier: GPL-2.0-only
/* Lists of CPUs in files, as the kernel has them below /sys/devices/system/cpu. */
#include <stdio.h>
#include "user_check.h"

bool user_cpus_read(const char *path, struct user_cpus *ret)
{
	FILE *file = fopen(path, "re");
	char list[4096];
	bool fine;

	if (!file)
		return false;
	fine = fgets(list, sizeof(list), file) && user_cpus_parse(list, ret);
	fclose(file);
	return fine;
}
