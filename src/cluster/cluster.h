/* SPDX-License-Identifier: MIT
 *
 * A cluster: one master that owns the listening sockets and never reads a client's octet, and worker
 * processes in numbered slots that do. It knows nothing of what is spoken on the connections: the
 * program gives it functions to call in the master and in the workers.
 *
 *     cluster_run (master) -- fork --> worker: program->start ... program->connection ... exit */
#ifndef BROOD_CLUSTER_CLUSTER_H
#define BROOD_CLUSTER_CLUSTER_H

#include "base/address.h"
#include "base/privilege.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct event_base;
struct listeners;
struct worker;

enum cluster_accept {
	CLUSTER_ACCEPT_SHARED,    /* all workers accept on one socket */
	CLUSTER_ACCEPT_HANDOFF,   /* the master accepts and hands each connection to a worker */
	CLUSTER_ACCEPT_REUSEPORT, /* a socket per slot; the kernel spreads connections over them */
};

enum cluster_policy { CLUSTER_LEAST_CONNECTIONS, CLUSTER_ROUND_ROBIN };

enum {
	CLUSTER_SLOTS_MAX = 1024,
	CLUSTER_LISTEN_MAX = 64, /* addresses */
};

/* What may change at a reload. */
struct cluster_options {
	unsigned workers;         /* slots, 1 to CLUSTER_SLOTS_MAX */
	enum cluster_policy policy;
	unsigned max_connections; /* held by one worker at a time; 0: what RLIMIT_NOFILE allows */
	unsigned start_timeout_ms, drain_timeout_ms, stop_timeout_ms;
	struct privilege privilege; /* whom workers become */
};

/* A listening socket's wishes. */
struct cluster_listen {
	struct address address;
	int fd;            /* one that was inherited, to be taken, or -1: bind */
	int backlog;
	unsigned unix_mode;
};

/* Exit codes of a worker (and of the master). */
enum cluster_exit {
	CLUSTER_EXIT_DONE = 0,
	CLUSTER_EXIT_CRASH = 1,
	CLUSTER_EXIT_FATAL = 2,     /* set-up cannot succeed: no use in trying again soon */
	CLUSTER_EXIT_RESOURCES = 3, /* out of memory, descriptors: try again later */
};

struct cluster_program {
	void *context;

	/* --- in the master --- */

	/* HUP: read the configuration again. 0 with *options filled in: workers forked from now on have
	 * it (the program has swapped its own). Negative: nothing has changed; the program has said why. */
	int (*reload)(void *context, struct cluster_options *options);
	/* USR1: reopen log files. The descriptors to give to workers are in fds[0..count). */
	size_t (*reopen)(void *context, int *fds, size_t room);
	/* Every slot has been ready once (or is parked); `workers` of them. cluster_address tells where the
	 * server listens. Called once. */
	void (*ready)(void *context, const struct listeners *listeners, unsigned workers);
	void (*stopping)(void *context);
	/* Descriptors that workers keep (root directory, logs). */
	size_t (*keep)(void *context, int *fds, size_t room);

	/* --- in a worker --- */

	/* Set up; the privileges are dropped. 0, or a cluster_exit code. Once it can answer (now or
	 * later, from the loop) the program calls worker_ready. */
	int (*start)(void *context, struct worker *worker, struct event_base *base);
	/* Takes a connected socket. The program must call worker_connection_closed once for each, also
	 * from within this call. `listener` counts from 0 in the order of the addresses. `scarce`: this
	 * process is out of descriptors; answer and close. */
	void (*connection)(void *context, int fd, unsigned listener, bool scarce);
	/* Accepts nothing more: say goodbye on the next answer, keep idle connections for it. */
	void (*retire)(void *context);
	/* Finish what is in flight, close what is idle. */
	void (*stop)(void *context);
	/* Time is up: close everything now. */
	void (*abort)(void *context);
	/* A few times a second. */
	void (*tick)(void *context);
	/* New log descriptors, to be taken (they replace the old ones). */
	void (*logs)(void *context, const int *fds, size_t count);
	/* The process is about to exit, all connections gone: write out what is buffered. */
	void (*finish)(void *context);
};

/* Runs a master until it is told to stop; returns its exit status. What is wrong at the start has been
 * logged in one line. */
int cluster_run(enum cluster_accept accept, const struct cluster_listen *listen, size_t listen_count,
		const struct cluster_options *options, const struct cluster_program *program);

/* --- for the program, in the master --- */

/* Address number `index` as bound (with the port that the kernel chose), NULL behind the last one. */
const struct address *cluster_address(const struct listeners *listeners, unsigned index);

/* --- for the program, in a worker --- */

/* The worker has answered its own probe and may be given connections. */
void worker_ready(struct worker *worker);

/* A connection given by program->connection has ended. */
void worker_connection_closed(struct worker *worker);

/* Figures for the scoreboard. */
void worker_report(struct worker *worker, uint64_t requests, unsigned idle);

/* The set-up has failed after program->start returned: leaves the loop with this exit code. */
void worker_fail(struct worker *worker, enum cluster_exit code);

unsigned worker_slot(const struct worker *worker);
unsigned worker_generation(const struct worker *worker);

#endif
