// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet tests: every group under both engines, with and without support of multi-buffer frames.
 *
 * Needs root; makes a network namespace of its own and leaves nothing behind.
 */
#include "lab.h"

#include <stdlib.h>

static int run_all(enum engine engine, bool multi_buffer)
{
	char label[64];
	int failed;

	snprintf(label, sizeof(label), "%s%s", engine == ENGINE_DIR24 ? "dir24" : "lpm",
		 multi_buffer ? ", multi-buffer" : "");
	lab = lab_new(engine, multi_buffer);
	printf("# engine %s\n", label);
	if (!lab) {
		fprintf(stderr, "%s: cannot load the program: %s\n", label, strerror(errno));
		return 1;
	}
	failed = run_rows() + run_source() + run_macs() + run_policy() + run_states() +
		 run_rewrite() + run_groups() + run_fuzz() + run_transmit();
	lab_free(lab);
	return failed;
}

int main(void)
{
	int failed = 0, err = lab_devices_create();

	if (err) {
		fprintf(stderr, "network namespace with lab devices: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	for (int multi_buffer = 0; multi_buffer < 2; multi_buffer++) {
		failed += run_all(ENGINE_DIR24, multi_buffer);
		failed += run_all(ENGINE_LPM, multi_buffer);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
