// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules by iif against a model of what the kernel attaches them to: net/core/fib_rules.c, as tests with
 * devices have shown it. The mirror may not know, but what it knows has to be so.
 *
 * Devices come, go and are renamed, alternative names are given, taken away and become names of other
 * devices, notifications are late or lost, and all of this happens between the parts of a dump, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/fib_rules.h>
#include "daemon/mirror_internal.h"
#include "support_events.h"

enum {
	DEVICES = 4,
	NAMES = 5,
	RULES = 4,
	QUEUE = 512,
	ROUNDS = 60,
	STEPS = 100,
};

static const char *const names[NAMES] = { "red", "green", "blue", "white", "black" };

struct device {
	uint32_t ifindex; /* 0: is not there */
	int name, alt;	  /* number of the name, -1: none */
	uint32_t mtu;
};

struct rule {
	bool present;
	int name;
	uint32_t attached; /* ifindex, 0: detached */
};

struct model {
	struct device devices[DEVICES];
	struct rule rules[RULES]; /* by priority */
	uint32_t last_ifindex;
	struct event queue[QUEUE]; /* what the kernel announced and the mirror has not heard */
	size_t n_queue;
	struct mirror *mirror;
	bool losses, lost, answers;
	unsigned int seed;
	unsigned long known, unknown, attached;
};

static unsigned int pick(struct model *m, unsigned int n)
{
	return (unsigned int)rand_r(&m->seed) % n;
}

/* ---- the kernel --------------------------------------------------------------------------------- */

static void announce(struct model *m, const struct event *ev)
{
	assert_true(m->n_queue < QUEUE);
	m->queue[m->n_queue++] = *ev;
}

static struct event *link_event(const struct device *device, int op)
{
	struct event *ev = ev_link(op, device->ifindex, LINK_RUNS);

	snprintf(ev->link.name, sizeof(ev->link.name), "%s", names[device->name]);
	ev->link.mtu = device->mtu;
	return ev;
}

static struct event *rule_event(const struct model *m, int i, int op)
{
	struct event *ev = ev_rule(op, 100 + (uint32_t)i, 100 + (uint32_t)i);

	snprintf(ev->rule.iif, sizeof(ev->rule.iif), "%s", names[m->rules[i].name]);
	ev->rule.flags = m->rules[i].attached ? 0 : FIB_RULE_IIF_DETACHED;
	return ev;
}

static bool is_taken(const struct model *m, int name)
{
	for (int i = 0; i < DEVICES; i++)
		if (m->devices[i].ifindex &&
		    (m->devices[i].name == name || m->devices[i].alt == name))
			return true;
	return false;
}

static void detach(struct model *m, uint32_t ifindex)
{
	for (int i = 0; i < RULES; i++)
		if (m->rules[i].attached == ifindex)
			m->rules[i].attached = 0;
}

static void attach(struct model *m, const struct device *device)
{
	for (int i = 0; i < RULES; i++)
		if (!m->rules[i].attached && m->rules[i].name == device->name)
			m->rules[i].attached = device->ifindex;
}

/* Now and then that of one that has gone. */
static uint32_t new_ifindex(struct model *m)
{
	uint32_t ifindex = m->last_ifindex - pick(m, 2);

	for (int i = 0; i < DEVICES; i++)
		if (m->devices[i].ifindex == ifindex)
			return ++m->last_ifindex;
	return ifindex;
}

static void change_device(struct model *m, struct device *device)
{
	int name = (int)pick(m, NAMES);

	if (!device->ifindex) {
		if (is_taken(m, name))
			return;
		*device = (struct device){ .ifindex = new_ifindex(m), .name = name, .alt = -1 };
		attach(m, device);
		announce(m, link_event(device, EVENT_NEW));
		return;
	}
	switch (pick(m, 5)) {
	case 0:
		detach(m, device->ifindex);
		announce(m, link_event(device, EVENT_DEL));
		device->ifindex = 0;
		return;
	case 1:
		if (is_taken(m, name))
			return;
		device->name = name;
		detach(m, device->ifindex);
		attach(m, device);
		break;
	case 2:
		device->alt = device->alt < 0 && !is_taken(m, name) ? name : -1;
		break;
	default:
		device->mtu = 1000 + pick(m, 2);
	}
	announce(m, link_event(device, EVENT_NEW));
}

static void change_rule(struct model *m, int i)
{
	struct rule *rule = &m->rules[i];

	if (rule->present) {
		announce(m, rule_event(m, i, EVENT_DEL));
		*rule = (struct rule){ .name = -1 };
		return;
	}
	*rule = (struct rule){ .present = true, .name = (int)pick(m, NAMES) };
	for (int d = 0; d < DEVICES; d++)
		if (m->devices[d].ifindex &&
		    (m->devices[d].name == rule->name || m->devices[d].alt == rule->name))
			rule->attached = m->devices[d].ifindex;
	announce(m, rule_event(m, i, EVENT_NEW));
}

static void change(struct model *m, unsigned int n)
{
	while (n--) {
		if (pick(m, 4))
			change_device(m, &m->devices[pick(m, DEVICES)]);
		else
			change_rule(m, (int)pick(m, RULES));
	}
}

/* ---- the daemon --------------------------------------------------------------------------------- */

static void apply(struct model *m, const struct event *ev)
{
	assert_int_equal(mirror_apply(m->mirror, ev), 0);
}

static void hear(struct model *m, size_t n)
{
	n = n < m->n_queue ? n : m->n_queue;
	for (size_t i = 0; i < n; i++)
		apply(m, &m->queue[i]);
	memmove(m->queue, m->queue + n, (m->n_queue - n) * sizeof(m->queue[0]));
	m->n_queue -= n;
}

static void lose(struct model *m)
{
	if (!m->n_queue)
		return;
	m->n_queue -= pick(m, (unsigned int)m->n_queue) + 1;
	mirror_lost(m->mirror);
	m->lost = true;
}

static const struct rule *rule_of(const struct model *m, const struct mirror_rule *rule)
{
	return &m->rules[rule->e.priority - 100];
}

/* As sync_rules.c may do it: is it the device that has the name now? */
static void ask(struct model *m)
{
	for (const struct mirror_rule *r = mirror_rules(m->mirror); r; r = r->next) {
		const struct mirror_link *link = mirror_link_by_name(m->mirror, r->e.iif);

		if (!r->iif_known && link && rule_of(m, r)->attached == link->e.ifindex)
			mirror_set_rule_iif(m->mirror, r, link->e.ifindex);
	}
}

static void resync(struct model *m)
{
	m->lost = false;
	mirror_resync_begin(m->mirror);
	change(m, pick(m, 12));
	for (int i = 0; i < DEVICES; i++)
		if (m->devices[i].ifindex)
			apply(m, link_event(&m->devices[i], EVENT_DUMP));
	change(m, pick(m, 12));
	for (int i = 0; i < RULES; i++)
		if (m->rules[i].present)
			apply(m, rule_event(m, i, EVENT_DUMP));
	change(m, pick(m, 12));
	hear(m, QUEUE);
	mirror_resync_end(m->mirror);
	if (m->answers)
		ask(m);
	mirror_replay_end(m->mirror);
}

/* Nothing is under way, but for a dump that tells of what was heard and its end lost. */
static void check(struct model *m)
{
	bool complete = !m->losses || !mirror_wants_resync(m->mirror, NULL);
	int n = 0;

	for (const struct mirror_rule *r = mirror_rules(m->mirror); r; r = r->next, n++) {
		const struct rule *rule = rule_of(m, r);

		assert_true(rule->present || !complete);
		if (!rule->present || (!complete && strcmp(r->e.iif, names[rule->name]) != 0))
			continue;
		assert_string_equal(r->e.iif, names[rule->name]);
		if (r->iif_known)
			assert_int_equal(r->iif, rule->attached);
		m->known += r->iif_known;
		m->unknown += !r->iif_known;
		m->attached += rule->attached != 0;
	}
	for (int i = 0; i < RULES; i++)
		n -= m->rules[i].present;
	assert_true(n == 0 || !complete);
}

/* Quiet: a dump tells of every rule that is detached, and of those that were followed. */
static void check_quiet(struct model *m)
{
	for (int i = 0; i < 2; i++) {
		mirror_resync_begin(m->mirror);
		for (int d = 0; d < DEVICES; d++)
			if (m->devices[d].ifindex)
				apply(m, link_event(&m->devices[d], EVENT_DUMP));
		for (int r = 0; r < RULES; r++)
			if (m->rules[r].present)
				apply(m, rule_event(m, r, EVENT_DUMP));
		hear(m, QUEUE);
		mirror_resync_end(m->mirror);
		mirror_replay_end(m->mirror);
	}
	m->lost = false;
	for (const struct mirror_rule *r = mirror_rules(m->mirror); r; r = r->next)
		assert_true(r->iif_known || (rule_of(m, r)->attached && !r->by_name));
	check(m);
}

static void run(unsigned int seed, bool losses, bool answers, struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->last_ifindex = 9;
	m->seed = seed;
	m->losses = losses;
	m->answers = answers;
	for (int i = 0; i < RULES; i++)
		m->rules[i].name = -1;
	m->mirror = mirror_new();
	assert_non_null(m->mirror);
	change(m, pick(m, 20));
	m->n_queue = 0; /* before the daemon */
	resync(m);
	for (int i = 0; i < STEPS; i++) {
		change(m, pick(m, 3));
		hear(m, pick(m, 4));
		if (losses && !pick(m, 20))
			lose(m);
		if (!pick(m, 12) || (mirror_wants_resync(m->mirror, NULL) && !pick(m, 4)))
			resync(m);
		if (!pick(m, 4))
			hear(m, QUEUE);
		if (!m->n_queue && !m->lost)
			check(m);
	}
	check_quiet(m);
	mirror_destroy(m->mirror);
}

static void run_all(bool losses, bool answers)
{
	static struct model m;
	unsigned long known = 0, unknown = 0, attached = 0;

	for (unsigned int seed = 1; seed <= ROUNDS; seed++) {
		run(seed, losses, answers, &m);
		known += m.known;
		unknown += m.unknown;
		attached += m.attached;
	}
	printf("rules: %lu known, %lu not, %lu attached\n", known, unknown, attached);
	assert_true(known > 1000 && unknown > 1000 && attached > 1000);
}

static void test_followed(void **state)
{
	(void)state;
	run_all(false, false);
}

static void test_asked(void **state)
{
	(void)state;
	run_all(false, true);
}

static void test_lost(void **state)
{
	(void)state;
	run_all(true, false);
	run_all(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
