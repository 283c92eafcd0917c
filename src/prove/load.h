/* SPDX-License-Identifier: MIT
 *
 * The clients of an experiment:
 *   idle ones   open a connection, ask once, and then only when the experiment wants to know
 *               whether it lives;
 *   busy ones   ask all the time, at a fixed rate;
 *   fresh ones  connect, ask once with Connection: close, and connect again, at a fixed rate.
 * Idle and busy connections are kept: one that is lost is opened anew. */
#ifndef BROOD_PROVE_LOAD_H
#define BROOD_PROVE_LOAD_H

#include "prove/prove_client.h"
#include "prove/counts.h"
#include "prove/latency.h"
#include "prove/prove_site.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOAD_SLOTS_MAX = 1024, LOAD_KILLS_MAX = 1000 };

/* What is counted during one phase of the experiment. */
struct load_figures {
	struct counts counts;
	struct latency latency; /* of requests on kept connections */
};

struct load_worker {
	struct answer_worker worker;
	unsigned connections; /* kept ones that it answered last */
};

struct load_client; /* private */

struct load {
	struct client_group group;
	const struct site *site;
	struct load_client *client; /* idle, then busy, then fresh ones */
	size_t idle, busy, fresh;
	struct event tick;
	bool ticking;
	struct load_figures *figures; /* of the present phase; the experiment's */
	unsigned generation;          /* kept connections are settled when answered from this one */
	bool held;                    /* no connection is opened */
	unsigned pause_us; /* between an answer and the next request of a busy one; 0: it keeps to its rate */
	bool resting;      /* no request is sent */
	pid_t killed[LOAD_KILLS_MAX];
	size_t killed_count;
	struct answer_worker seen[LOAD_SLOTS_MAX]; /* by slot: who answered last */
	const char *wrong;                         /* what was wrong with the last wrong answer */
	int error;                                 /* -errno: we ourselves could not go on */
};

/* Starts to open connections. 0 or -errno; in every case load_stop is to follow. */
int load_start(struct load *load, struct event_base *base, const struct sockaddr_storage *address,
	       const struct site *site, size_t idle, size_t busy, struct load_figures *figures)
	__attribute__((warn_unused_result));
void load_stop(struct load *load);

/* Latency is measured from now on: what opening all connections at once took is forgotten. */
void load_measure(struct load *load);

/* From here on is counted there; requests that are outstanding count as sent there. */
void load_phase(struct load *load, struct load_figures *figures);

/* Lets each idle connection ask once. */
void load_ask_idle(struct load *load);

/* Every kept connection is open, has been answered by a worker of `generation` or later, and no
 * idle one has still to ask. */
bool load_settled(const struct load *load);

/* The kept connections of earlier generations. */
unsigned load_stale(const struct load *load);

/* No connection is being opened or waits for its first answer: each one's worker is known. */
bool load_attributed(const struct load *load);

/* This worker was killed: what its connections lose counts apart. */
void load_killed(struct load *load, pid_t pid);

/* No request is outstanding. */
bool load_quiet(const struct load *load);

/* No connection is left. */
bool load_over(const struct load *load);

/* Kept connections by worker, in order of slots, an array that the caller frees. Returns how many
 * workers, or -ENOMEM. */
int load_workers(const struct load *load, struct load_worker **out) __attribute__((warn_unused_result));

#endif
