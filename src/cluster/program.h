/* SPDX-License-Identifier: MIT
 *
 * What a program does in a cluster: functions that the cluster calls, in three kinds of process of its own and one
 * for what they log. All are optional; what happens without one is said behind "NULL:".
 *
 * A table's functions are called in the process that it is named after, from its event loop, one at a time, with
 * `context` first. The children of the master find that memory as it was when they were forked. Unless it is said
 * otherwise, what is pointed to is borrowed for the call, a descriptor too, errors are negative errno values, and a
 * function must not wait for anything: while it does, nothing else happens in its process. */
#ifndef BROOD_CLUSTER_PROGRAM_H
#define BROOD_CLUSTER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;
struct buffer;
struct cluster_obituary;
struct cluster_options;
struct event_base;
struct listeners;
struct master;
struct upgrade_writer;
struct upgrade_state;
struct worker;

struct cluster_master_callbacks {
	/* --- configurations: one in force, and during a reload the next one --- */

	/* What prepare will open may keep whoever opens it waiting for ever, and not us: begin to have somebody else
	 * look at it. A descriptor, which stays the program's, or -errno; -EBUSY: too many still wait who were asked
	 * before. NULL: nobody looks, and the next two are never called. */
	int (*look)(void *context);
	/* There is something to read from that descriptor. 0: it is over, and prepare can be called; -EAGAIN: it is
	 * not; else what keeps the reload from going on. NULL: it is over. */
	int (*looked)(void *context);
	/* Nobody waits for the look any more, however it went. Writes what it waits for itself, if that is known, for
	 * people. NULL: that is not known. */
	void (*look_away)(void *context, char *what, size_t room);
	/* Read the configuration again. 0 with *options filled in, whose list of listeners stays the program's: it is
	 * the next one, beside the one in force, until commit or abandon is called. Negative: nothing has changed, and
	 * `reason` says why, for people. NULL: a reload only replaces the workers. */
	int (*prepare)(void *context, struct cluster_options *options, char *reason, size_t room);
	/* The next configuration takes the place of the one in force. NULL: nothing. */
	void (*commit)(void *context);
	/* The next configuration is forgotten. NULL: nothing. */
	void (*abandon)(void *context);
	/* A worker is about to be forked: with the next configuration, or the one in force. NULL: nothing. */
	void (*use_config)(void *context, bool next);

	/* --- what happens; NULL: nothing is done about it --- */

	/* Every slot has been ready once (or is parked), `workers` of them. cluster_address tells where the server
	 * listens. Called once. */
	void (*ready)(void *context, const struct listeners *listeners, unsigned workers);
	/* A roll begins; it is over, well or not. */
	void (*rolling)(void *context);
	void (*rolled)(void *context);
	/* What was asked for ("reload", "upgrade") has failed, and why, for people; of a roll told before it is
	 * over. */
	void (*failed)(void *context, const char *kind, const char *reason);
	/* It has been told to stop. */
	void (*stopping)(void *context);
	/* A worker hangs, or ended other than as told (obituary.h). */
	void (*obituary)(void *context, const struct cluster_obituary *obituary);
	/* The worker that had this number (worker_number) is gone; nobody has it yet again. */
	void (*worker_ended)(void *context, const struct master *master, unsigned number);
	/* USR1: reopen log files. */
	void (*reopen)(void *context);
	/* A few times a second while it runs: what is the program's own to look after. May call cluster_broadcast. */
	void (*tick)(void *context, struct master *master);
	/* The same, and also while it stops, up to its end: the loop turns. */
	void (*alive)(void *context);

	/* --- what its children get --- */

	/* Descriptors that a worker about to be forked inherits, and that admin does; their number, at most `room`.
	 * NULL: none. */
	size_t (*worker_fds)(void *context, int *fds, size_t room);
	size_t (*admin_fds)(void *context, int *fds, size_t room);
	/* Tell the log process of all files (it is new), or of those that have changed: cluster_log_file. 0, or what
	 * that has returned: it will be asked again. NULL: there are none. */
	int (*log_files)(void *context, struct master *master, bool all);

	/* --- what broodctl asks for, as text appended to `out`; 0 or -errno --- */

	/* What is wrong at the moment: a line for each, ended by a newline. NULL: nothing is. */
	int (*trouble)(void *context, struct buffer *out);
	/* The configuration in force, with so many workers where it has been told of another number than its own (0:
	 * it has not). NULL: it is not supported. */
	int (*config)(void *context, unsigned workers, struct buffer *out);
	/* What is known of the ends of a slot's workers. NULL: it is not supported. */
	int (*why)(void *context, unsigned slot, struct buffer *out);

	/* --- upgrades (upgrade.h) --- */

	/* The path of the next image, the program's. NULL: there are no upgrades. */
	const char *(*binary)(void *context);
	/* Puts the program's own records (RECORD_PROGRAM and up). NULL: it has none. */
	void (*save)(void *context, struct upgrade_writer *writer);
};

struct cluster_admin_callbacks {
	/* Its life, with its end of the channel (command.h), which it takes, and the boards as the master has them
	 * mapped; returns its exit code. NULL: there is no admin process. */
	int (*run)(void *context, int channel, struct board *boards, unsigned board_count);
};

struct cluster_log_callbacks {
	/* Its life, with its end of the channel (log_message.h), which it takes; returns its exit code. NULL: there is
	 * no log process, and workers' messages go to standard error. */
	int (*run)(void *context, int channel);
};

struct cluster_worker_callbacks {
	/* Set up; the privileges are dropped. 0, or a cluster_exit code. Once it can answer (now or later, from the
	 * loop) the program calls worker_ready. NULL: it is ready at once. */
	int (*start)(void *context, struct worker *worker, struct event_base *base);
	/* A few times a second. NULL: nothing. */
	void (*tick)(void *context);

	/* --- connections: for each that it was given, the program calls worker_connection_closed or worker_give once,
	 *     also from within the call. `listener` is a number for as long as that one lives --- */

	/* Takes a connected socket. `flags`: CLUSTER_SCARCE and so on. NULL: it is closed. */
	void (*connection)(void *context, int fd, unsigned listener, unsigned flags);
	/* Could `moved` take one with this state? Asked before it is the worker's. NULL: no. */
	bool (*understands)(void *context, const void *state, size_t size);
	/* One is about to be the worker's, and `moved` comes next: for all of those that are expected, at most
	 * CLUSTER_EXPECTED_MAX, in the same order. The worker that gave it may be gone by then, so whatever is counted
	 * for it is to be counted here from now on. NULL: nothing. */
	void (*expect)(void *context, const void *state, size_t size);
	/* Takes a connection that has moved here from another worker, with the state that it was given with. 0;
	 * negative: the state is not understood, and the fd is still the caller's. NULL: no state is. */
	int (*moved)(void *context, int fd, unsigned listener, const void *state, size_t size);
	/* Takes back one that nobody else could take: it is not to be given away again, but said goodbye to. NULL: it
	 * is closed. */
	void (*returned)(void *context, int fd, unsigned listener, const void *state, size_t size);
	/* How many could move now and were not given yet. NULL: none. */
	unsigned (*movable)(void *context);
	/* How many are idle and could give way to new ones. NULL: none. */
	unsigned (*evictable)(void *context);
	/* One of them gives way, or turns out not to be idle. False: there is none. NULL: there is none. */
	bool (*make_room)(void *context);
	/* Descriptors are short: true when one has been closed, else a few will be in a moment. NULL: none ever is. */
	bool (*free_descriptor)(void *context);

	/* --- what the master says --- */

	/* What the program said in the master (cluster_broadcast, cluster_ask). Takes the descriptors that it wants by
	 * putting -1 in their place; the others are closed. Whether it could be used, for who has asked. NULL: it
	 * cannot. */
	bool (*broadcast)(void *context, uint32_t kind, const void *data, size_t size, int *fds, size_t fd_count);
	/* The server has been told to stop, and will in a moment, or after drain_delay_ms: tell clients so, and go on
	 * serving. NULL: nothing. */
	void (*leaving)(void *context);

	/* --- the end, in this order --- */

	/* The worker accepts nothing more. Give each connection away (worker_give) as soon as it can move; say goodbye
	 * on the next answer of those that cannot. NULL: they go on until the time to drain is over. */
	void (*drain)(void *context);
	/* The time to drain is over, and soon everything is closed: what is idle is to end in order before. NULL:
	 * everything is closed now. */
	void (*close_idle)(void *context);
	/* In place of both: finish what is in flight, close what is idle. NULL: as for drain. */
	void (*stop)(void *context);
	/* Time is up: close everything now. How many requests that has cut. NULL: none. */
	unsigned (*abort)(void *context);
};

struct cluster_program {
	void *context;
	const char *version;           /* of the program, for people; NULL: "" */
	char **argv;                   /* what to execute the next image with; NULL: there are no upgrades */
	struct upgrade_state *resumed; /* what this image was executed with, to go on from; NULL: a start */
	struct cluster_master_callbacks master;
	struct cluster_admin_callbacks admin;
	struct cluster_log_callbacks log;
	struct cluster_worker_callbacks worker;
};

#endif
