// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that user routes steer to: each is in the map while slots name it. It is entered before the first
 * one does, and taken out behind the last. One that is offline, or that the kernel does not take, is not
 * there, and the programs leave its packets to the kernel where they are (user_pass).
 */
#include "fib_internal.h"

static int room_for(struct fib *fib, uint32_t n)
{
	const struct fib_cpu none = { .refs = 0 };

	while (fib->cpus.n < n)
		if (vec_push(&fib->cpus, &none, sizeof(none)))
			return -ENOMEM;
	return 0;
}

static bool is_online(const struct fib *fib, uint32_t cpu)
{
	return !fib->cpus_known || user_cpus_has(&fib->cpus_online, cpu);
}

static int enter(struct fib *fib, struct fib_cpu *c, uint32_t cpu, bool in)
{
	int err = 0;

	if (c->entered == in || (in && !is_online(fib, cpu)))
		return 0;
	if (fib->sink->ops->set_cpu)
		err = fib->sink->ops->set_cpu(fib->sink, cpu, in);
	if (err == -ENODEV)
		return 0;
	if (!fib_wrote(fib, err))
		c->entered = in;
	return err;
}

int fib_cpus_get(struct fib *fib, uint32_t first, uint32_t n)
{
	int err = room_for(fib, first + n);

	for (uint32_t i = 0; i < n && !err; i++) {
		struct fib_cpu *c = &((struct fib_cpu *)fib->cpus.items)[first + i];

		err = enter(fib, c, first + i, true);
		if (!err)
			c->refs++;
		else
			fib_cpus_put(fib, first, i);
	}
	return err;
}

void fib_cpus_put(struct fib *fib, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		((struct fib_cpu *)fib->cpus.items)[first + i].refs--;
	fib->cpus_idle |= n > 0;
}

void fib_cpus_release(struct fib *fib)
{
	if (!fib->cpus_idle)
		return;
	fib->cpus_idle = false;
	for (uint32_t cpu = 0; cpu < fib->cpus.n; cpu++) {
		struct fib_cpu *c = &((struct fib_cpu *)fib->cpus.items)[cpu];

		if (!c->refs && enter(fib, c, cpu, false))
			fib->cpus_idle = true;
	}
}

int fib_cpus_online(struct fib *fib, const struct user_cpus *online)
{
	int err = 0;

	fib->cpus_online = *online;
	fib->cpus_known = true;
	for (uint32_t cpu = 0; cpu < fib->cpus.n && !err; cpu++) {
		struct fib_cpu *c = &((struct fib_cpu *)fib->cpus.items)[cpu];

		err = enter(fib, c, cpu, c->refs && is_online(fib, cpu));
	}
	return err;
}
