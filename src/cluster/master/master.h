/* SPDX-License-Identifier: MIT
 *
 * The master's own state, for the files of this folder and for nobody else. Each of these calls those below it only (or
 * on its right), acts on its own part, and says what has come of it:
 *
 *     master                               the loop: signals, ticks, start
 *     commands                             what broodctl may ask
 *     supervisor                           what happens to workers, and all that follows from it, in order
 *     stopping, cut                        a stop, in order; one that does not wait
 *     upgrading                            another version of the program in place of this one
 *     rolling, restore, save               reload and rolling restart; from a former version, and for the next one
 *     leaving, adopt, watching, recycling  listeners that go, sockets without a worker, workers that are silent, or old
 *     dispatch, look                       connections to workers; what comes before a reload
 *     slots, obituaries, suspects          what slot.h's table says, done; what there is to say about those that ended
 *     worker_process, broadcast            one worker process; what the program has to say to all
 *     status, pending, outcomes            what the admin process is told
 *     listeners_saved, log_process_saved   parts of save and restore
 *     admin_process, log_process           the other processes
 *     common, closer, memory               what all of them use, or some */
#ifndef BROOD_CLUSTER_MASTER_MASTER_H
#define BROOD_CLUSTER_MASTER_MASTER_H

#include "base/heap.h"
#include "base/interrupt.h"
#include "base/list.h"
#include "brood/process.h"
#include "cluster/ipc/acceptor.h"
#include "cluster/policy/backoff.h"
#include "cluster/ipc/board.h"
#include "cluster/master/closer.h"
#include "cluster/cluster.h"
#include "cluster/master/cut.h"
#include "cluster/ipc/handoff.h"
#include "cluster/policy/kill_reason.h"
#include "cluster/ipc/listeners.h"
#include "cluster/master/log_process.h"
#include "cluster/policy/obituary.h"
#include "cluster/policy/pulse.h"
#include "cluster/policy/recycle.h"
#include "cluster/policy/roll.h"
#include "cluster/policy/slot.h"
#include "cluster/policy/stop.h"
#include "cluster/policy/watchdog.h"

#include <sys/types.h>

struct brood_channel_handlers;
struct brood_frame;
struct buffer;
struct command;
struct command_result;
struct kept_outcome;
struct upgrade_reader;
struct upgrade_record;
struct upgrade_writer;
struct upgrade_state;
struct event;
struct master;

enum { WORKER_GIVERS_MAX = 32 };

enum worker_life {
	WORKER_RUNS,
	WORKER_STANDS_STILL, /* by SIGSTOP: alive, but takes nothing */
	WORKER_IS_REAPED,    /* its pid may be another's by now */
};

/* To the last question that it was told. */
enum worker_answer {
	ANSWER_NONE,    /* it has given it, or was not asked */
	ANSWER_ALLOWED, /* once */
	ANSWER_OWED,    /* the same, and it has served when it was asked */
};

/* A worker process, from fork to reaping. */
struct worker_process {
	struct list link; /* in master->workers */
	struct master *master;
	uint64_t serial; /* never used twice */
	unsigned slot, generation;
	bool next_kind; /* of the next configuration (until that is the one in force) */
	enum cluster_accept accept;
	unsigned sockets; /* of each group, when it was forked */
	pid_t pid;
	enum worker_phase phase;
	int record; /* on the slot's board */
	uint64_t started_ms, ready_ms;
	struct brood_channel *channel;
	struct event *timer;     /* start timeout, then drain deadline */
	enum kill_reason killed; /* why we ended it */
	char own_why[96];        /* in words, where its reason alone does not say it; else "" */
	enum worker_life life;
	bool handed_over; /* draining: holds only what cannot move */
	bool said_cut;    /* told what it has cut */
	struct handoff_target target;
	unsigned given_away;                /* connections that it gave and that nobody has taken yet */
	uint64_t givers[WORKER_GIVERS_MAX]; /* serials of those who had what it was given; 0: none */
	unsigned giver_next;
	struct watchdog watchdog;
	struct recycle_limits limits;  /* when it has done enough */
	uint32_t question;             /* the last one that it was told; 0: none */
	enum worker_answer answer;     /* to that */
	struct cluster_obituary *hang; /* owned: how it was when it was found to hang, or NULL */
};

/* Why a worker could not be started. */
struct start_failure {
	const char *what; /* the beginning of what is said of it; NULL: it could */
	int error;        /* EBUSY: those of this slot that still finish have all its records */
};

/* A numbered place for a worker. */
struct slot {
	struct master *master;
	unsigned index;
	enum slot_state state;
	bool next_kind; /* its workers are to be of the next configuration */
	struct backoff backoff;
	struct event *timer;              /* the next try */
	struct worker_process *current;   /* the one that starts or serves; NULL in backoff, parked, empty */
	struct worker_process *successor; /* its successor, starting; those that finish are in no slot */
	uint64_t unserved_since_ms;       /* 0 while it serves */
	uint64_t adopter;                 /* serial of the worker that accepts on its sockets meanwhile; 0: none */
	bool ready_once;
	struct start_failure failure; /* of the last start */
	bool disabled;                /* by command: no worker until it is undrained */
	uint32_t restarts;            /* of its workers, other than by rolls */
};

enum { REPORT_REASON_MAX = 2048 };

/* What is to be told of a roll. */
struct roll_report {
	enum roll_kind kind; /* NONE before the first one */
	bool ok;
	char reason[REPORT_REASON_MAX];
};

/* The process that speaks with broodctl. */
struct admin {
	pid_t pid; /* 0: none */
	struct brood_channel *channel;
	const struct brood_channel_handlers *handlers; /* of what it says */
	struct event *timer;                           /* the next try */
	struct list pending;                           /* commands whose outcome is awaited */
	unsigned pending_count;
	bool renew;          /* it is of a former version */
	uint64_t retired_ms; /* when it was told to leave; 0: it was not */
	uint64_t started_ms;
	struct pulse pulse;
	struct kept_outcome *outcomes; /* owned, oldest first */
	uint32_t last_lost;            /* of ids without an admin */
};

/* How a process ended that may be it. */
enum admin_end { ADMIN_IS_ANOTHER, ADMIN_DIED, ADMIN_HAS_LEFT /* as it was told */ };

/* UPGRADE_IDLE --asked--> WAITING --no roll runs--> TRYING, a child does --it could--> READY --exec */
enum upgrade_phase { UPGRADE_IDLE, UPGRADE_WAITING, UPGRADE_TRYING, UPGRADE_READY };

struct upgrade {
	enum upgrade_phase phase;
	uint64_t since_ms; /* TRYING, READY */
	int binary;        /* open while TRYING and READY; 0: none */
	pid_t pid;         /* the child that tries */
	int output;        /* what it says on standard error */
	struct event *readable;
	char said[REPORT_REASON_MAX];
	size_t said_size;
};

/* The last question (cluster_ask), and what was answered. */
struct question {
	uint32_t number;
	unsigned asked, yes, no;
};

/* Workers are replaced one after the other when they have done enough. */
struct recycling {
	unsigned slot;          /* of the last one that was replaced */
	uint64_t serial;        /* of that slot's worker then; 0: its end has been dealt with */
	uint64_t not_before_ms; /* no other before that */
	unsigned memory_slot;   /* whose memory was looked at last */
	uint64_t memory_ms;     /* when that was */
};

/* What the end of a worker is to its slot. */
enum slot_loss {
	SLOT_LOST_NOTHING,       /* it had no part in it; or its successor takes its place; or the server stops */
	SLOT_LOST_CURRENT,       /* the current one: the next one is due, now or later */
	SLOT_LOST_FOR_GOOD,      /* the same, and its set-up can never succeed: no use in going on */
	SLOT_LOST_SUCCESSOR,     /* its successor */
	SLOT_LOST_LAST_DRAINING, /* the last one that drained */
};

/* What a roll has prepared and not committed yet. */
enum roll_prepared {
	PREPARED_NOTHING,
	PREPARED_SOCKETS, /* also those that take the place of what is reached no more */
	PREPARED_ALL,     /* these, and a new configuration */
};

enum master_state { MASTER_RUNNING, MASTER_STOPPING, MASTER_CUTTING, MASTER_KILLING };

struct master {
	struct event_base *base;
	const struct cluster_program *program;
	struct cluster_options options;      /* in force */
	struct cluster_options next_options; /* while a roll runs: what it goes to */
	enum roll_prepared prepared;         /* for that */
	struct listeners listeners;
	struct slot **slots;  /* slot_room of them, made once, never moved */
	struct board *boards; /* by slot */
	unsigned slot_room;
	unsigned slot_count;         /* wanted; slots from here on finish or are empty */
	unsigned configured_workers; /* what the configuration last said */
	unsigned generation;         /* of the configuration in force */
	unsigned next_generation;    /* of the one that a roll goes to; the number of that roll */
	struct list workers;
	const struct brood_channel_handlers *worker_handlers; /* of what they say */
	uint64_t last_serial;
	struct roll roll;
	struct event *looking; /* before one; NULL: nobody looks */
	void (*looked)(struct master *master, const char *wrong);
	struct roll_report report; /* of the last roll, or the one that runs */
	enum roll_kind again_kind; /* of the one that follows it, or NONE */
	struct handoff handoff;
	struct admin admin;
	struct logger logger;
	struct upgrade upgrade;
	char upgraded[192];                /* how this image came here, for people; "": by a start */
	struct closer closer;              /* of all that a worker has or had a copy of */
	struct interrupt interrupt;        /* of what makes it late */
	struct acceptor *acceptor;         /* mode handoff */
	struct acceptor *leaving_acceptor; /* of listeners that go; NULL: there are none */
	unsigned choose_cursor;
	struct event *signals, *tick, *deadline;
	struct heap heap;
	struct event *last_call; /* pending: the doors are closed, the last clients still come in */
	int signal_fd;
	enum master_state state;
	bool has_terminal; /* when it began */
	struct stop stop;  /* whether it was told to; drain_delay runs then, or has run */
	struct cut cut;
	uint64_t stopping_ms; /* since when it stops */
	bool workers_told;    /* to stop, that is */
	bool ready_told;      /* every slot has been ready once */
	uint64_t started_ms, tried_ms, watched_ms;
	struct recycling recycling;
	struct question question;
	int exit_status;
	uint32_t random;
};

#endif
