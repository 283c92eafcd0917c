/* SPDX-License-Identifier: MIT
 *
 * The wheel. Steps are counted from the clock's zero; a deadline belongs to the first step that
 * begins at or after its time. */
#include "http/connection/deadline.h"

void deadlines_init(struct deadlines *deadlines)
{
	for (unsigned kind = 0; kind < DEADLINE_KINDS; kind++)
		deadlines->timeout_ms[kind] = 0;
	for (unsigned i = 0; i < DEADLINE_STEPS; i++)
		list_init(&deadlines->steps[i]);
	list_init(&deadlines->met);
	deadlines->swept = 0;
}

void deadline_init(struct deadline *deadline)
{
	list_init(&deadline->link);
	deadline->at_ms = UINT64_MAX;
	deadline->kind = DEADLINE_KINDS;
}

/* Also of UINT64_MAX, which stays beyond all times. */
static uint64_t step_of(uint64_t at_ms)
{
	return ((at_ms - 1) >> DEADLINE_STEP_SHIFT) + 1;
}

static void insert(struct deadlines *deadlines, struct deadline *deadline)
{
	list_append(&deadlines->steps[step_of(deadline->at_ms) % DEADLINE_STEPS], &deadline->link);
}

static bool set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind, uint64_t at_ms)
{
	uint64_t before_ms = deadline->at_ms;

	deadline->at_ms = at_ms;
	deadline->kind = kind;
	if (step_of(at_ms) == step_of(before_ms))
		return false;
	list_remove(&deadline->link);
	insert(deadlines, deadline);
	return true;
}

bool deadline_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind, uint64_t now_ms)
{
	return set(deadlines, deadline, kind, now_ms + deadlines->timeout_ms[kind]);
}

void deadline_resume(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind, uint64_t left_ms,
		     uint64_t now_ms)
{
	if (left_ms > deadlines->timeout_ms[kind])
		left_ms = deadlines->timeout_ms[kind];
	/* The list of this very step may have been looked at. */
	if (left_ms == 0)
		left_ms = 1;
	set(deadlines, deadline, kind, now_ms + left_ms);
}

void deadline_clear(struct deadline *deadline)
{
	list_remove(&deadline->link);
	deadline_init(deadline);
}

uint64_t deadline_left_ms(const struct deadline *deadline, uint64_t now_ms)
{
	return deadline->at_ms > now_ms ? deadline->at_ms - now_ms : 0;
}

struct deadline *deadlines_passed(struct deadlines *deadlines, uint64_t now_ms)
{
	uint64_t now = now_ms >> DEADLINE_STEP_SHIFT;

	/* Once around is all there is. */
	if (now - deadlines->swept > DEADLINE_STEPS)
		deadlines->swept = now - DEADLINE_STEPS;
	while (deadlines->swept < now)
		list_append_all(&deadlines->met, &deadlines->steps[++deadlines->swept % DEADLINE_STEPS]);
	while (!list_empty(&deadlines->met)) {
		struct deadline *first = LIST_ENTRY(deadlines->met.next, struct deadline, link);

		if (step_of(first->at_ms) <= now)
			return first;
		list_remove(&first->link);
		insert(deadlines, first);
	}
	return NULL;
}
