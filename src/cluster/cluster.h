/* SPDX-License-Identifier: MIT
 *
 * A cluster: one master that owns the listening sockets and never reads a client's octet, and worker
 * processes in numbered slots that do. It knows nothing of what is spoken on the connections: the
 * program gives it functions to call in the master and in the workers (program.h).
 *
 *     cluster_run (master) -- fork --> worker: start ... connection ... drain ... exit */
#ifndef BROOD_CLUSTER_CLUSTER_H
#define BROOD_CLUSTER_CLUSTER_H

#include "base/address.h"
#include "base/privilege.h"
#include "cluster/program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_outlet;

enum cluster_accept {
	CLUSTER_ACCEPT_SHARED,    /* all workers accept on one socket */
	CLUSTER_ACCEPT_HANDOFF,   /* the master accepts and hands each connection to a worker */
	CLUSTER_ACCEPT_REUSEPORT, /* a socket per slot; the kernel spreads connections over them */
};

enum cluster_policy { CLUSTER_LEAST_CONNECTIONS, CLUSTER_ROUND_ROBIN };

/* Of a connection that a worker gets. */
enum {
	CLUSTER_SCARCE = 1, /* this process is out of descriptors: answer and close */
	CLUSTER_GIVEN = 2,  /* others have had it in their hands: it may wait where it should not (O_NONBLOCK) */
};

enum {
	CLUSTER_SLOTS_MAX = 1024,
	CLUSTER_LISTEN_MAX = 64, /* addresses */
	CLUSTER_WORKERS_MAX = CLUSTER_SLOTS_MAX * 8,
	CLUSTER_EXPECTED_MAX = 64, /* connections */
};

/* A listening socket's wishes. */
struct cluster_listen {
	struct address address;
	int fd; /* one that was inherited, to be taken, or -1: bind */
	int backlog;
	unsigned unix_mode;
	unsigned tag; /* the program's own; see worker_listener_tag */
};

/* When a worker has done enough, and is replaced. 0: no limit. */
struct recycle_limits {
	uint64_t requests, memory_bytes, age_ms;
};

/* A configuration, as far as a cluster has to know it; a reload may change all of it. */
struct cluster_options {
	enum cluster_accept accept;
	const struct cluster_listen *listen; /* borrowed for the call that gets the options */
	size_t listen_count;
	unsigned workers; /* slots, 1 to CLUSTER_SLOTS_MAX */
	enum cluster_policy policy;
	unsigned max_connections; /* held by one worker at a time; 0: what RLIMIT_NOFILE allows */
	unsigned start_timeout_ms, drain_timeout_ms, stop_timeout_ms;
	unsigned drain_delay_ms; /* between being told to stop and stopping */
	unsigned watchdog_ms;    /* silence that ends a worker; 0: none does */
	struct recycle_limits recycle;
	struct privilege privilege; /* whom workers become */
	unsigned number;            /* of this configuration; later ones have greater ones */
	unsigned error_log;         /* number of the log for what workers say (cluster_log_file) */
};

/* How the names of the master's children begin, as ps shows them. */
#define CLUSTER_CHILD_NAME "brood: "

/* Exit codes of a worker (and of the master). */
enum cluster_exit {
	CLUSTER_EXIT_DONE = 0,
	CLUSTER_EXIT_CRASH = 1,
	CLUSTER_EXIT_FATAL = 2,     /* set-up cannot succeed: no use in trying again soon */
	CLUSTER_EXIT_RESOURCES = 3, /* out of memory, descriptors: try again later */
};

/* And one of the master only: requests were cut, since somebody did not want to wait for them. */
enum { CLUSTER_EXIT_CUT = 3 };

/* Runs a master until it is told to stop; returns its exit status. What is wrong at the start has been
 * logged in one line. */
int cluster_run(const struct cluster_options *options, const struct cluster_program *program);

/* --- for the program, in the master --- */

/* Address number `index` as bound (with the port that the kernel chose), NULL behind the last one. */
const struct address *cluster_address(const struct listeners *listeners, unsigned index);

/* Its tag in the configuration in force; 0 behind the last one. */
unsigned cluster_tag(const struct listeners *listeners, unsigned index);

/* Numbers from here on no worker has ever had. */
unsigned cluster_numbers(const struct master *master);

/* Has a worker this number (worker_number), or had until just now? */
bool cluster_number_is_used(const struct master *master, unsigned number);

enum { CLUSTER_BROADCAST_MAX = 32768 };

/* Tells all workers there are something of the program's: at most CLUSTER_BROADCAST_MAX octets, and 64
 * descriptors, which are borrowed. Workers to come inherit what the program has in its memory. */
void cluster_broadcast(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
		       size_t fd_count);

/* The same, asking each what has become of it. The number of the question, never 0; answers to those before are
 * not heard any more. */
uint32_t cluster_ask(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
		     size_t fd_count);

/* What has been answered to the last question. Who was still starting when it was asked may answer, too, but need
 * not. */
struct cluster_answers {
	unsigned asked; /* who served then */
	unsigned yes, no;
	unsigned open; /* of `asked`: are there, and have not answered yet */
};
void cluster_answers(const struct master *master, struct cluster_answers *out);

/* As cluster_broadcast, for those that the last question did not reach: they have been started since. */
void cluster_broadcast_others(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
			      size_t fd_count);

/* The log of that number (from 1; kind: log_message.h) is this file from now on; fd is borrowed. -1: nobody
 * writes to it any more. 0, or -errno when it cannot be told now. */
int cluster_log_file(struct master *master, unsigned log, unsigned kind, int fd) __attribute__((warn_unused_result));

/* Is there a worker with a configuration of such a number, or what one has said and is not written yet? */
bool cluster_has_log_source(const struct master *master, unsigned first, unsigned last);

/* --- for the program, in a worker --- */

/* Where it leaves whole lines (log_outlet.h); its queue has no page where there is no log process. */
struct log_outlet *worker_log(struct worker *worker);

/* The worker has answered its own probe and may be given connections. */
void worker_ready(struct worker *worker);

/* A connection that the program was given has ended. */
void worker_connection_closed(struct worker *worker);

/* One gives way: it counts no more, though its descriptor will be closed a little later. Then it has been. */
void worker_connection_parting(struct worker *worker);
void worker_connection_parted(struct worker *worker);

/* Gives a connection away, once the worker drains: takes fd, copies the state (at most 64000 octets).
 * It counts as ended for the program; nothing may be read from or written to it any more. */
void worker_give(struct worker *worker, int fd, unsigned listener, const void *state, size_t size);

/* Figures for the scoreboard: a few times a second, and whenever that number changes (a full worker is given new
 * connections as long as some are idle). */
void worker_report(struct worker *worker, uint64_t requests);
void worker_report_idle(struct worker *worker, unsigned idle);

/* The set-up has failed after the program's `start` returned: leaves the loop with this exit code. */
void worker_fail(struct worker *worker, enum cluster_exit code);

/* The tag of the listener that a connection came by, as this worker's configuration has it; 0 for one
 * that it does not know. */
unsigned worker_listener_tag(const struct worker *worker, unsigned listener);

unsigned worker_slot(const struct worker *worker);
unsigned worker_generation(const struct worker *worker);

/* A number below CLUSTER_WORKERS_MAX that no other living worker has. */
unsigned worker_number(const struct worker *worker);

#endif
