/* SPDX-License-Identifier: MIT
 *
 * Deadlines on lists. */
#include "http/deadline.h"

void deadlines_init(struct deadlines *deadlines)
{
	for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
		list_init(&deadlines->lists[kind]);
		deadlines->timeout_ms[kind] = 0;
	}
}

void deadline_init(struct deadline *deadline)
{
	list_init(&deadline->link);
	deadline->at_ms = 0;
	deadline->kind = DEADLINE_KINDS;
}

void deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind,
		  uint64_t now_ms)
{
	uint64_t at_ms = now_ms + deadlines->timeout_ms[kind] + DEADLINE_STEP_MS - 1;

	at_ms -= at_ms % DEADLINE_STEP_MS;
	if (deadline->kind == kind && deadline->at_ms == at_ms)
		return;
	list_remove(&deadline->link);
	list_append(&deadlines->lists[kind], &deadline->link);
	deadline->at_ms = at_ms;
	deadline->kind = kind;
}

void deadline_clear(struct deadline *deadline)
{
	list_remove(&deadline->link);
	deadline->kind = DEADLINE_KINDS;
}

struct deadline *deadlines_passed(const struct deadlines *deadlines, uint64_t now_ms)
{
	for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++) {
		struct list *first = deadlines->lists[kind].next;

		if (first == &deadlines->lists[kind])
			continue;

		struct deadline *deadline = LIST_ENTRY(first, struct deadline, link);

		if (deadline->at_ms <= now_ms)
			return deadline;
	}
	return NULL;
}

struct deadline *deadlines_any(const struct deadlines *deadlines)
{
	return deadlines_passed(deadlines, UINT64_MAX);
}
