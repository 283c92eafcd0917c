/* SPDX-License-Identifier: MIT
 *
 * What clients saw (counts.h). */
#include "prove/counts.h"

void counts_end_connection(struct counts *counts, enum counts_end how, bool outstanding, bool of_killed)
{
	/* A death can only close or reset; silence or wrong words are never excused. */
	bool excused = of_killed && (how == COUNTS_CLOSED || how == COUNTS_RESET);

	if (excused) {
		counts->killed_lost++;
		counts->killed_failed += outstanding;
		return;
	}
	switch (how) {
	case COUNTS_ANNOUNCED:
		counts->announced++;
		break;
	case COUNTS_CLOSED:
		counts->closed++;
		break;
	case COUNTS_RESET:
		counts->reset++;
		break;
	case COUNTS_HUNG:
		counts->hung++;
		break;
	case COUNTS_WRONG:
		counts->wrong += outstanding;
		counts->unasked += !outstanding;
		return;
	}
	counts->failed += outstanding;
}

void counts_add(struct counts *sum, const struct counts *more)
{
	sum->sent += more->sent;
	sum->answered += more->answered;
	sum->failed += more->failed;
	sum->wrong += more->wrong;
	sum->killed_failed += more->killed_failed;
	sum->opened += more->opened;
	sum->refused += more->refused;
	sum->announced += more->announced;
	sum->closed += more->closed;
	sum->reset += more->reset;
	sum->hung += more->hung;
	sum->unasked += more->unasked;
	sum->killed_lost += more->killed_lost;
}

bool counts_balance(const struct counts *counts)
{
	return counts->sent == counts->answered + counts->failed + counts->wrong + counts->killed_failed;
}
