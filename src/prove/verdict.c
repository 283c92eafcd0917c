/* SPDX-License-Identifier: MIT
 *
 * The verdict (verdict.h). */
#include "prove/verdict.h"

#include <stdio.h>

unsigned verdict(const struct counts *counts, const struct verdict_facts *facts, const struct verdict_rules *rules)
{
	unsigned broken = 0;

	broken |= counts->failed ? VERDICT_FAILED : 0;
	broken |= counts->wrong ? VERDICT_WRONG : 0;
	broken |= counts->unasked ? VERDICT_UNASKED : 0;
	broken |= counts->refused ? VERDICT_REFUSED : 0;
	if (!rules->stops)
		broken |= counts->closed ? VERDICT_CLOSED : 0;
	broken |= counts->reset ? VERDICT_RESET : 0;
	broken |= counts->hung ? VERDICT_HUNG : 0;
	if (!rules->announced_close_allowed && !rules->stops)
		broken |= counts->announced ? VERDICT_ANNOUNCED : 0;
	if (!rules->killed_may_lose)
		broken |= counts->killed_lost || counts->killed_failed ? VERDICT_KILLED : 0;
	broken |= facts->stale ? VERDICT_STALE : 0;
	broken |= facts->events_done < facts->events_wanted ? VERDICT_EVENTS : 0;
	broken |= counts_balance(counts) ? 0 : VERDICT_UNCOUNTED;
	return broken;
}

struct phrase {
	unsigned bit;
	uint64_t count;
	const char *one, *many;
};

static size_t say(const struct phrase *phrase, char *out, size_t room, size_t used)
{
	int wrote = snprintf(out + used, room - used, "%s%llu %s", used ? ", " : "", (unsigned long long)phrase->count,
			     phrase->count == 1 ? phrase->one : phrase->many);

	used += wrote > 0 ? (size_t)wrote : 0;
	return used < room ? used : room - 1;
}

void verdict_describe(unsigned broken, const struct counts *counts, const struct verdict_facts *facts, char *out,
		      size_t room)
{
	uint64_t ended = counts->answered + counts->failed + counts->wrong + counts->killed_failed;
	const struct phrase phrases[] = {
		{VERDICT_FAILED, counts->failed, "request failed", "requests failed"},
		{VERDICT_WRONG, counts->wrong, "answer was wrong", "answers were wrong"},
		{VERDICT_UNASKED, counts->unasked, "connection got octets that nobody asked for",
		 "connections got octets that nobody asked for"},
		{VERDICT_REFUSED, counts->refused, "connection was refused", "connections were refused"},
		{VERDICT_CLOSED, counts->closed, "connection was closed without notice",
		 "connections were closed without notice"},
		{VERDICT_RESET, counts->reset, "connection was reset", "connections were reset"},
		{VERDICT_HUNG, counts->hung, "connection got no answer in time", "connections got no answer in time"},
		{VERDICT_ANNOUNCED, counts->announced, "connection was closed with notice",
		 "connections were closed with notice"},
		{VERDICT_KILLED, counts->killed_lost, "connection was lost with its worker",
		 "connections were lost with their worker"},
		{VERDICT_STALE, facts->stale, "kept connection stayed with a worker that was replaced",
		 "kept connections stayed with a worker that was replaced"},
		{VERDICT_EVENTS, facts->events_wanted - facts->events_done, "event was not carried through",
		 "events were not carried through"},
		{VERDICT_UNCOUNTED, counts->sent > ended ? counts->sent - ended : ended - counts->sent,
		 "request was not accounted for", "requests were not accounted for"},
	};
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (broken & phrases[i].bit)
			used = say(&phrases[i], out, room, used);
}
