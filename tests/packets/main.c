// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet tests: every group through both programs and both engines, that of XDP with and without
 * support of multi-buffer frames.
 *
 * Needs root; makes a network namespace of its own and leaves nothing behind.
 */
#include "lab.h"

#include <stdlib.h>
#include <sys/utsname.h>

static const char *const buffers_words[] = {
	[BUFFERS_ONE] = "",
	[BUFFERS_ASKED] = ", multi-buffer",
	[BUFFERS_SEEN] = ", multi-buffer, seen",
};

/* bpf_cast_to_kern_ctx() came with Linux 6.2. */
static bool kernel_shows_buffers(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname kernel;

	uname(&kernel);
	sscanf(kernel.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 2);
}

static int run_all(enum engine engine, enum buffers buffers, bool tc)
{
	char label[64];
	int failed;

	snprintf(label, sizeof(label), "%s%s", engine == ENGINE_DIR24 ? "dir24" : "lpm",
		 tc ? ", tc" : buffers_words[buffers]);
	lab = lab_new(engine, buffers, tc);
	printf("# engine %s\n", label);
	if (!lab) {
		fprintf(stderr, "%s: cannot load the program: %s\n", label, strerror(errno));
		return 1;
	}
	failed = run_rows() + run_source() + run_macs() + run_policy() + run_states() +
		 run_rewrite() + run_groups() + run_user() + run_user_drop() + run_fuzz();
	failed += tc ? run_tc() + run_live() : run_cpus() + run_transmit();
	lab_free(lab);
	return failed;
}

int main(void)
{
	enum buffers last = kernel_shows_buffers() ? BUFFERS_SEEN : BUFFERS_ASKED;
	int failed = 0, err = lab_devices_create();

	if (err) {
		fprintf(stderr, "network namespace with lab devices: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	for (enum buffers buffers = BUFFERS_ONE; buffers <= last; buffers++) {
		failed += run_all(ENGINE_DIR24, buffers, false);
		failed += run_all(ENGINE_LPM, buffers, false);
	}
	/* Buffers of a frame are nothing to TC, whatever XDP makes of them. */
	failed += run_all(ENGINE_DIR24, last, true);
	failed += run_all(ENGINE_LPM, BUFFERS_ONE, true);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
