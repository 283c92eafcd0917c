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
struct buffer;
struct cluster_obituary;
struct event_base;
struct listeners;
struct log_outlet;
struct master;
struct state_writer;
struct upgrade_state;
struct worker;

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
	CLUSTER_PLACES_MAX = CLUSTER_SLOTS_MAX * 8,
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

struct cluster_program {
	void *context;
	const char *version; /* of the program, for people */

	/* --- in the master --- */

	/* What prepare will open may keep whoever opens it waiting for ever, and not us: begin to have somebody else
	 * look at it. A descriptor, which stays the program's, or -errno; -EBUSY: too many still wait who were asked
	 * before. Until look_away is called, `looked` is each time that there is something to read: 0, it is over, and
	 * prepare can be called; -EAGAIN: it is not. May be NULL, all three. */
	int (*look)(void *context);
	int (*looked)(void *context);
	/* Nobody waits for it any more. What it waits for itself, if that is known, for people. */
	void (*look_away)(void *context, char *what, size_t room);
	/* Read the configuration again. 0 with *options filled in: it is the next one, beside the one in
	 * force, until commit or abandon is called. Negative: nothing has changed, and `reason` says why,
	 * for people. */
	int (*prepare)(void *context, struct cluster_options *options, char *reason, size_t reason_room);
	/* The next configuration takes the place of the one in force. */
	void (*commit)(void *context);
	/* It is forgotten. */
	void (*abandon)(void *context);
	/* A worker is about to be forked: with the next configuration, or the one in force. */
	void (*select)(void *context, bool next);
	/* USR1: reopen log files. */
	void (*reopen)(void *context);
	/* Tell the log process of all files (it is new), or of those that have changed: cluster_log_file. 0, or
	 * what that has returned: it will be asked again. */
	int (*log_files)(void *context, struct master *master, bool all);
	/* Every slot has been ready once (or is parked); `workers` of them. cluster_address tells where the
	 * server listens. Called once. */
	void (*ready)(void *context, const struct listeners *listeners, unsigned workers);
	/* A roll begins; it is over, well or not. */
	void (*rolling)(void *context);
	void (*rolled)(void *context);
	/* What was asked for ("reload", "upgrade") has failed, and why, for people; of a roll told before it is
	 * over. May be NULL. */
	void (*failed)(void *context, const char *kind, const char *reason);
	void (*stopping)(void *context);
	/* A worker hangs, or ended other than as told (obituary.h). May be NULL. */
	void (*obituary)(void *context, const struct cluster_obituary *obituary);
	/* A few times a second while the master runs: what is the program's own to look after. May call
	 * cluster_tell. May be NULL. */
	void (*look_after)(void *context, struct master *master);
	/* The same, and also while it stops, up to its end: the loop turns. May be NULL. */
	void (*alive)(void *context);
	/* The worker that had this place (worker_place) is gone; nobody has it yet again. May be NULL. */
	void (*ended)(void *context, const struct master *master, unsigned place);
	/* Descriptors that workers keep (root directory). */
	size_t (*keep)(void *context, int *fds, size_t room);

	/* What is wrong at the moment, for status: a line for each, ended by a newline. 0 or -errno. May be NULL. */
	int (*trouble)(void *context, struct buffer *out);
	/* The configuration in force as text, with so many workers where it has been told of another number than its
	 * own (0: it has not). 0 or -errno. May be NULL. */
	int (*config)(void *context, unsigned workers, struct buffer *out);
	/* What is known of the ends of a slot's workers, as text. 0 or -errno. May be NULL. */
	int (*why)(void *context, unsigned slot, struct buffer *out);

	/* Upgrades (upgrade.h). The state that this image was executed with, to go on from; NULL: a start. */
	struct upgrade_state *resumed;
	char **argv; /* what to execute the next image with */
	/* Its path. NULL: there are no upgrades. */
	const char *(*binary)(void *context);
	/* Puts the program's own records (STATE_PROGRAM and up). */
	void (*save)(void *context, struct state_writer *writer);

	/* --- in the admin process --- */

	/* Its life, with its end of the channel (command.h) and the boards as the master has them mapped;
	 * returns its exit code. NULL: there is no admin process. */
	int (*admin)(void *context, int channel, struct board *boards, unsigned board_count);
	/* In the master: descriptors that it keeps. */
	size_t (*keep_admin)(void *context, int *fds, size_t room);

	/* --- in the log process --- */

	/* Its life, with its end of the channel (log_message.h); returns its exit code. NULL: there is no log
	 * process, and workers' messages go to standard error. */
	int (*log)(void *context, int channel);

	/* --- in a worker --- */

	/* Set up; the privileges are dropped. 0, or a cluster_exit code. Once it can answer (now or
	 * later, from the loop) the program calls worker_ready. */
	int (*start)(void *context, struct worker *worker, struct event_base *base);
	/* Takes a connected socket. The program must call worker_connection_closed once for each, also
	 * from within this call. `listener` is a number for as long as that one lives. `flags`: CLUSTER_SCARCE
	 * and so on. */
	void (*connection)(void *context, int fd, unsigned listener, unsigned flags);
	/* A connection that has moved here from another worker, with the state that it was given with. 0;
	 * negative: the state is not understood, and the fd is still the caller's. Else as `connection`. */
	int (*moved)(void *context, int fd, unsigned listener, const void *state, size_t size);
	/* Could `moved` take it? Asked before the connection is the worker's. */
	bool (*understands)(void *context, const void *state, size_t size);
	/* It is about to be the worker's, and `moved` comes next: for all of those that are expected, at most
	 * CLUSTER_EXPECTED_MAX, in the same order. The worker that gave it may be gone by then, so whatever is
	 * counted for it is to be counted here from now on. May be NULL. */
	void (*expect)(void *context, const void *state, size_t size);
	/* The worker accepts nothing more. Give each connection away (worker_give) as soon as it can move;
	 * say goodbye on the next answer of those that cannot. */
	void (*retire)(void *context);
	/* One that nobody could take comes back: do not give that one away again, say goodbye instead. */
	void (*returned)(void *context, int fd, unsigned listener, const void *state, size_t size);
	/* How many connections are idle and could give way to new ones. May be NULL: none ever. */
	unsigned (*evictable)(void *context);
	/* One of them gives way, or turns out not to be idle. False: there is none. */
	bool (*make_room)(void *context);
	/* Descriptors are short: true when one has been closed, else a few will be in a moment. */
	bool (*free_descriptor)(void *context);
	/* How many connections could move now and were not given yet. */
	unsigned (*movable)(void *context);
	/* The server has been told to stop, and will in a moment, or after drain_delay_ms: tell clients so, and go on
	 * serving. May be NULL. */
	void (*leaving)(void *context);
	/* Finish what is in flight, close what is idle. */
	void (*stop)(void *context);
	/* The time to retire is over, and soon everything is closed: what is idle is to end in order before. May be
	 * NULL. */
	void (*finish)(void *context);
	/* Time is up: close everything now. How many requests that has cut. */
	unsigned (*abort)(void *context);
	/* A few times a second. */
	void (*tick)(void *context);
	/* What the program said in the master (cluster_tell, cluster_ask). Takes the descriptors that it wants by
	 * putting -1 in their place; the others are closed. Whether it could be used, for who has asked. May be
	 * NULL: nothing ever can. */
	bool (*news)(void *context, uint32_t kind, const void *data, size_t size, int *fds, size_t fd_count);
};

/* Runs a master until it is told to stop; returns its exit status. What is wrong at the start has been
 * logged in one line. */
int cluster_run(const struct cluster_options *options, const struct cluster_program *program);

/* --- for the program, in the master --- */

/* Address number `index` as bound (with the port that the kernel chose), NULL behind the last one. */
const struct address *cluster_address(const struct listeners *listeners, unsigned index);

/* Its tag in the configuration in force; 0 behind the last one. */
unsigned cluster_tag(const struct listeners *listeners, unsigned index);

/* Places from here on no worker has ever had. */
unsigned cluster_places(const struct master *master);

/* Has a worker this place (worker_place), or had until just now? */
bool cluster_place_is_used(const struct master *master, unsigned place);

enum { CLUSTER_NEWS_MAX = 32768 };

/* Tells all workers there are something of the program's: at most CLUSTER_NEWS_MAX octets, and 64
 * descriptors, which are borrowed. Workers to come inherit what the program has in its memory. */
void cluster_tell(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds, size_t fd_count);

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

/* As cluster_tell, for those that the last question did not reach: they have been started since. */
void cluster_tell_others(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
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

/* A connection given by program->connection or program->moved has ended. */
void worker_connection_closed(struct worker *worker);

/* One gives way: it counts no more, though its descriptor will be closed a little later. Then it has been. */
void worker_connection_parting(struct worker *worker);
void worker_connection_parted(struct worker *worker);

/* Gives a connection away, after program->retire: takes fd, copies the state (at most 64000 octets).
 * It counts as ended for the program; nothing may be read from or written to it any more. */
void worker_give(struct worker *worker, int fd, unsigned listener, const void *state, size_t size);

/* Figures for the scoreboard: a few times a second, and whenever that number changes (a full worker is given new
 * connections as long as some are idle). */
void worker_report(struct worker *worker, uint64_t requests);
void worker_report_idle(struct worker *worker, unsigned idle);

/* The set-up has failed after program->start returned: leaves the loop with this exit code. */
void worker_fail(struct worker *worker, enum cluster_exit code);

/* The tag of the listener that a connection came by, as this worker's configuration has it; 0 for one
 * that it does not know. */
unsigned worker_listener_tag(const struct worker *worker, unsigned listener);

unsigned worker_slot(const struct worker *worker);
unsigned worker_generation(const struct worker *worker);

/* A number below CLUSTER_PLACES_MAX that no other living worker has. */
unsigned worker_place(const struct worker *worker);

#endif
