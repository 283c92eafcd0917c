/* SPDX-License-Identifier: MIT
 *
 * Limits that hold for all workers together: a table in shared memory, of a fixed size. Made by the
 * master before it forks; used by the workers; the master gives back what a worker held when its
 * process has ended.
 *
 * There are no locks. Whatever is counted lies in one 64-bit word that names its owner, and each
 * change is one atomic operation on it: so there is no moment at which the death of a process would
 * leave a count that belongs to nobody. Totals are sums over owners; one who wants to be let in first adds
 * itself and then looks, so that never more get in than may, and takes itself back when there are
 * too many.
 *
 * Workers are told apart by their number, which belongs to one living process at a time, and the number's
 * life, which counts those that have had it. */
#ifndef BROOD_HTTP_CLIENT_QUOTA_H
#define BROOD_HTTP_CLIENT_QUOTA_H

#include "http/client/client_key.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	QUOTA_WORKERS_MAX = 8192,
	QUOTA_CLIENT_MAX = 65535,          /* connections of one client */
	QUOTA_TOTAL_MAX = 1 << 30,         /* connections of all */
	QUOTA_RATE_MAX_PER_SECOND = 10000, /* requests of one client */
};

struct quota;

/* NULL and errno. Memory that is not used is not taken: about 6 MiB when all of it is. */
struct quota *quota_new(void);
void quota_free(struct quota *quota); /* NULL is allowed */

const struct client_secret *quota_secret(const struct quota *quota);

/* A set of workers' numbers; all-zero: none. */
struct quota_workers {
	uint64_t words[QUOTA_WORKERS_MAX / 64];
	unsigned end; /* numbers from there on nobody has ever had */
};

void quota_workers_add(struct quota_workers *workers, unsigned worker);

static inline bool quota_workers_have(const struct quota_workers *workers, unsigned worker)
{
	return workers->words[worker / 64] & UINT64_C(1) << worker % 64;
}

/* A process begins to use its number: what it finds there was never its own. Before it holds anything. */
void quota_take_number(struct quota *quota, unsigned worker);

/* Master: the process that had this number has ended, and nobody has it yet again. What a process that was
 * taken over may have written for numbers that nobody has, those not in `used`, goes as well; NULL: nothing is
 * known of others. */
void quota_give_back(struct quota *quota, unsigned worker, const struct quota_workers *used);

/* --- connections --- */

/* What one connection holds of the limits; all-zero: nothing. It may be carried to another worker
 * together with the connection. */
struct quota_hold {
	uint64_t client; /* client_key */
	uint32_t life;   /* of the number of who counts it */
	uint16_t worker;
	bool in_total, in_client;
};

/* Counts one more connection; false: there are `limit` of them already, in all or of this client. A
 * client for whom there is no room in the table is let in and not counted. */
bool quota_hold_total(struct quota *quota, unsigned worker, uint32_t limit, struct quota_hold *hold);
bool quota_hold_client(struct quota *quota, unsigned worker, uint32_t limit, uint64_t client, struct quota_hold *hold);

/* The connection has ended. *hold is all-zero afterwards. */
void quota_release(struct quota *quota, struct quota_hold *hold);

/* A connection has come from another worker, with what it held there; from here on it is held by
 * `worker`. It is never turned away, and counts without a gap: for some nanoseconds twice, then once.
 * Where the other one has ended meanwhile, nothing is taken from whoever has its number now. `total`,
 * `client` (0: none): what is to be held from here on. */
void quota_take_over(struct quota *quota, unsigned worker, bool total, uint64_t client, struct quota_hold *hold);

/* Now, of all workers. */
uint64_t quota_total(const struct quota *quota);
uint64_t quota_of_client(const struct quota *quota, uint64_t client);

/* --- room for those who wait --- */

/* Shown by each worker, at least a few times a second: how many of its connections are idle and may be
 * closed, and since when the longest is. */
void quota_show_idle(struct quota *quota, unsigned worker, uint32_t idle, uint64_t since_ms, uint64_t now_ms);

/* One more connection of this worker waits to be let in; one less. */
void quota_begin_wait(struct quota *quota, unsigned worker);
void quota_end_wait(struct quota *quota, unsigned worker);

/* With all that wait there would be more than `limit`. */
bool quota_lacks_room(const struct quota *quota, uint32_t limit);

/* Asks workers that show idle connections, those with the longest first, to close as many as are missing
 * and have not been asked for. False: there are not as many. */
bool quota_ask_for_room(struct quota *quota, uint32_t limit, uint64_t now_ms) __attribute__((warn_unused_result));

/* How many this worker was asked to close, which is its own affair from here on. */
uint32_t quota_take_asked(struct quota *quota, unsigned worker);

/* Does another worker show one that is idle since before that? */
bool quota_has_longer(struct quota *quota, unsigned worker, uint64_t since_ms, uint64_t now_ms);

/* --- requests per second --- */

/* A bucket that holds `burst` requests and is filled at the rate (GCRA, in microseconds). */
struct quota_rate {
	uint64_t interval_us;  /* from one request to the next; 0: no limit */
	uint64_t tolerance_us; /* how far ahead of that a client may be */
};

/* A burst that would take more than a day to fill again is cut down to that. */
struct quota_rate quota_rate_of(uint64_t requests_per_hour, unsigned burst);

/* One request of this client. 0: it is within the limit, and counted; else how long it is until one
 * would be, in microseconds. A client for whom there is no room, all others in its part of the table
 * being busy, is let in and not counted. */
uint64_t quota_ask(struct quota *quota, const struct quota_rate *rate, uint64_t client, uint64_t now_ms);

/* --- telling of it --- */

enum quota_kind { QUOTA_TOTAL, QUOTA_CLIENT, QUOTA_RATE, QUOTA_HANDSHAKES, QUOTA_KINDS, QUOTA_NONE = QUOTA_KINDS };

/* Counts a refusal. Not 0: it is time to tell, at most once a second for all workers: how many there
 * were since that was told last. */
uint64_t quota_refused(struct quota *quota, enum quota_kind kind, uint64_t now_ms);

#endif
