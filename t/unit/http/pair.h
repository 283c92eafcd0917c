/* SPDX-License-Identifier: MIT
 *
 * For tests of connections that move: two servers in one loop, with a client (talk.h). */
#ifndef BROOD_UNIT_HTTP_PAIR_H
#define BROOD_UNIT_HTTP_PAIR_H

#include "talk.h"

enum { KEPT_MAX = 512 };

struct kept {
	int fd;
	size_t size;
	char *state;
};

struct end {
	struct pair *pair;
	unsigned closed, moved;
};

struct pair {
	struct talk *talk;
	struct http_server *servers[2];
	struct end ends[2];
	bool keeps;           /* what moves is kept in `kept`; else it goes to the other server */
	bool returns;         /* or comes back at once */
	uint64_t duration_us; /* of the last request that was logged, and who has made it */
	char client[INET6_ADDRSTRLEN];
	struct kept kept[KEPT_MAX];
	unsigned kept_count;
};

/* For cmocka: *state is a struct pair. Timeouts: head 1 s, write 4 s, keepalive 5 s. Of talk.h's
 * files only small.txt, kilo.txt and index.html are held in memory. */
int pair_start(void **state);
int pair_stop(void **state);

struct http_stats pair_stats(const struct pair *pair, unsigned i);

/* Ends what http_server_move_away began, as if it had never been: an owner has no use for this. */
void pair_stay(struct pair *pair, unsigned i);

/* All that can move from one server does. Returns how many have. */
unsigned pair_move(struct pair *pair, unsigned i);

/* Where the only connection is. */
unsigned pair_home(const struct pair *pair);

/* Both servers' clock goes on, and both look at it. */
void pair_pass_time(struct pair *pair, unsigned ms);

/* For http_events.log. */
void pair_on_log(void *context, const struct http_log_entry *entry);

/* To be freed by the caller. */
char *pair_repeat(const char *text, unsigned count);

#endif
