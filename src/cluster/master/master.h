/* SPDX-License-Identifier: MIT
 *
 * The master's own state, shared by the master_*.c files and by nobody else. Master only.
 *
 *     master.c          the loop: signals, ticks, start and stop
 *     master_slots.c    slots: what slot.c's table says, done
 *     master_cut.c      a stop that does not wait (cut.h)
 *     master_instance.c one worker process as the master sees it: fork, channel, end
 *     master_roll.c     reload and rolling restart
 *     master_upgrade.c  another version of the program in place of this one
 *     master_state.c    what it has to know of us,
 *     master_restore.c  and reads
 *     master_admin.c    the admin process and its commands
 *     logger.h          the log process
 *     master_pending.c  of these, those whose outcome comes later
 *     master_outcomes.c outcomes that outlive an admin
 *     master_leaving.c  listeners that come and go
 *     master_broadcast.c     what the program has to say to workers, and how they like it
 *     master_status.c   what it tells the admin
 *     master_watchdog.c workers that are silent
 *     master_suspects.c who may have made them so
 *     master_obituary.c what there is to say about those that ended
 *     master_recycle.c  those that have done enough
 *     master_spread.c   connections to workers
 *     master_adopt.c    sockets to workers, where their own is not there */
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
#include "cluster/ipc/listeners.h"
#include "cluster/master/logger.h"
#include "cluster/policy/obituary.h"
#include "cluster/policy/pulse.h"
#include "cluster/policy/recycle.h"
#include "cluster/policy/roll.h"
#include "cluster/policy/slot.h"
#include "cluster/policy/stop.h"
#include "cluster/policy/watchdog.h"

#include <sys/types.h>

struct brood_frame;
struct command;
struct command_result;
struct kept_outcome;
struct state_reader;
struct state_record;
struct state_writer;
struct upgrade_state;
struct event;
struct master;

enum { INSTANCE_GIVERS_MAX = 32 };

enum instance_phase { INSTANCE_STARTING, INSTANCE_SERVING, INSTANCE_DRAINING, INSTANCE_PHASES };

/* A worker process, from fork to reaping. */
struct instance {
	struct list link; /* in master->instances */
	struct master *master;
	uint64_t serial; /* never used twice */
	unsigned slot, generation;
	bool next; /* of the next configuration (until that is the one in force) */
	enum cluster_accept accept;
	unsigned sockets; /* of each group, when it was forked */
	pid_t pid;
	enum instance_phase phase;
	int record; /* on the slot's board */
	uint64_t started_ms, ready_ms;
	struct brood_channel *channel;
	struct event *timer; /* start timeout, then drain deadline */
	const char *killed;  /* why we ended it, or NULL */
	char former_why[96]; /* that, as a former version said it; or it is made here */
	bool reaped;         /* dead, and its pid may be another's by now */
	bool stopped;        /* by SIGSTOP: alive, but takes nothing */
	bool handed_over;    /* draining: holds only what cannot move */
	bool said_cut;       /* told what it has cut */
	struct handoff_target target;
	unsigned given_away;                  /* connections that it gave and that nobody has taken yet */
	uint64_t givers[INSTANCE_GIVERS_MAX]; /* serials of those who had what it was given; 0: none */
	unsigned giver_next;
	struct watchdog watchdog;
	struct recycle_limits limits;  /* when it has done enough */
	uint32_t question;             /* the last one that it was told; 0: none */
	bool owes_answer;              /* to that, and it has served when it was asked */
	bool may_answer;               /* to that, once */
	struct cluster_obituary *hang; /* owned: how it was when it was found to hang, or NULL */
};

/* A numbered place for a worker. */
struct slot {
	struct master *master;
	unsigned index;
	enum slot_state state;
	bool next_kind; /* its workers are to be of the next configuration */
	struct backoff backoff;
	struct event *timer;        /* the next try */
	struct instance *lead;      /* the one that starts or serves; NULL in backoff, parked, empty */
	struct instance *next;      /* its successor, starting; those that finish are in no slot */
	uint64_t unserved_since_ms; /* 0 while it serves */
	struct slot *adopter;       /* who accepts on its sockets meanwhile */
	bool ready_once;
	bool crowded;      /* no record was free for a further worker */
	bool drained;      /* by command: no worker until it is undrained */
	uint32_t restarts; /* of its workers, other than by rolls */
};

enum { REPORT_REASON_MAX = 2048 };

/* What is to be told of a roll. */
struct roll_report {
	const char *kind; /* "restart", "reload", "upgrade"; NULL before the first one */
	bool ok;
	char reason[REPORT_REASON_MAX];
};

/* The process that speaks with broodctl. */
struct admin {
	pid_t pid; /* 0: none */
	struct brood_channel *channel;
	struct event *timer; /* the next try */
	struct list pending; /* commands whose outcome is awaited */
	unsigned pending_count;
	bool renew;          /* it is of a former version */
	uint64_t retired_ms; /* when it was told to leave; 0: it was not */
	uint64_t started_ms;
	struct pulse pulse;
	struct kept_outcome *outcomes; /* owned, oldest first */
	uint32_t last_lost;            /* of ids without an admin */
};

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
	unsigned slot;          /* the last one, */
	uint64_t serial;        /* and its worker then; 0: it has been dealt with */
	uint64_t not_before_ms; /* no other before that */
	unsigned memory_slot;   /* whose memory was looked at last, */
	uint64_t memory_ms;     /* and when */
};

enum master_state { MASTER_RUNNING, MASTER_STOPPING, MASTER_CUTTING, MASTER_KILLING };

struct master {
	struct event_base *base;
	const struct cluster_program *program;
	struct cluster_options options;      /* in force */
	struct cluster_options next_options; /* while a roll runs: what it goes to */
	bool prepared;                       /* that is a new one, which was prepared and not committed yet */
	bool sockets_prepared; /* so are listeners: also those that take the place of what is reached no more */
	struct listeners listeners;
	struct slot **slots;  /* slot_room of them, made once, never moved */
	struct board *boards; /* by slot */
	unsigned slot_room;
	unsigned slot_count;         /* wanted; slots from here on finish or are empty */
	unsigned configured_workers; /* what the configuration last said */
	unsigned generation;         /* of the configuration in force */
	unsigned next_generation;    /* of the one that a roll goes to; the number of that roll */
	struct list instances;
	uint64_t last_serial;
	struct roll roll;
	struct event *looking;     /* before one; NULL: nobody looks */
	struct roll_report report; /* of the last roll, or the one that runs */
	const char *again_kind;    /* of the one that follows it, or NULL */
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

/* --- master.c --- */

/* The set-up has failed for good: everybody is ended and the master exits with this status. */
void master_give_up(struct master *master, int status);
void master_check_ready(struct master *master);
/* Tells the workers to stop, once the server is to and nothing waits for one of them any more. */
void master_stop_workers(struct master *master);
void master_stop(struct master *master, enum stop_call call, const char *asked_by);
/* It stops, or will soon: nothing new is begun. */
bool master_is_leaving(const struct master *master);
void master_reopen_logs(struct master *master);
void master_leave_if_done(struct master *master);
/* Closes a descriptor that a worker has or had, without waiting for it. */
void master_discard(struct master *master, int fd);

/* --- master_slots.c --- */

/* Sets the number of slots: makes new ones, retires those above. 0 or -errno (logged). */
int slots_resize(struct master *master, unsigned count) __attribute__((warn_unused_result));
/* Makes slots, empty ones, until there are so many. 0 or -errno (logged). */
int slots_make_room(struct master *master, unsigned count) __attribute__((warn_unused_result));
void slots_free(struct master *master);
void slot_happen(struct slot *slot, enum slot_event event);
void slot_instance_ready(struct slot *slot, struct instance *instance);
void slot_instance_ended(struct slot *slot, struct instance *instance, const struct brood_process_end *end);
/* One of its workers is gone for good: a start that had to wait for that need wait no longer. */
void slot_has_room(struct slot *slot);
/* Starts a successor beside the leading worker, or a worker at once where there is none. */
void slot_replace(struct slot *slot, bool next_kind);
/* No worker until further notice; or again one. */
void slot_drain(struct slot *slot, bool drain);
/* Something to spread times and limits with; nothing depends on its quality. */
uint32_t master_random(struct master *master);
/* Has it a worker that was retired and still finishes? */
bool slot_is_draining(const struct slot *slot);
/* Has it a worker that serves and shows it? */
bool slot_is_alive(const struct slot *slot, uint64_t now_ms);
/* Is there any worker that serves, or stands still? */
bool slots_any_leads(const struct master *master);
/* Adds one that an earlier version had, with the time until its next try (0: none), and without records. */
int slot_restore(struct master *master, unsigned timer_ms) __attribute__((warn_unused_result));
/* When nobody serves at all, the slots that wait are tried once a second. */
void slots_try_hard(struct master *master, uint64_t now_ms);

/* --- master_instance.c --- */

/* Forks a worker for the slot; NULL when that is impossible now (logged). */
struct instance *instance_start(struct master *master, struct slot *slot, bool next_kind);
/* A worker that an earlier version started, as `like` but for what is made here; takes the channel (-1:
 * none). NULL without memory. */
struct instance *instance_restore(struct master *master, const struct instance *like, int channel, unsigned timer_ms);
void instance_retire(struct instance *instance);
void instance_announce_stop(struct instance *instance);
void instance_stop(struct instance *instance);
void instance_kill(struct instance *instance, const char *why);
/* One that cannot be told is ended. */
void instance_send(struct instance *instance, const struct brood_frame *frame);

/* For brood_process_reap: finds whose end this is and tells the slot. */
void instance_ended(void *master, const struct brood_process_end *end);
/* For brood_process_watch: a worker was stopped, or goes on. */
void instance_changed(void *master, pid_t pid, int stopped);
struct board_record *instance_record(const struct instance *instance);

/* --- master_broadcast.c --- */

/* A worker has answered; what makes no sense is dropped. */
void broadcast_heard(struct instance *instance, struct brood_frame *frame);

/* --- master_look.c --- */

/* Has somebody look at what the next generation needs, then calls master_looked. False: nobody has to. */
bool look_begin(struct master *master);
void look_cancel(struct master *master);

/* --- master_roll.c --- */

/* `kind`: "reload" reads the configuration again, "restart" and others go on with the one in force. */
void master_roll(struct master *master, const char *kind);
void master_roll_event(struct master *master, enum roll_action action);
/* `wrong`: why there will be no roll; NULL: go on. */
void master_looked(struct master *master, const char *wrong);
struct roll_view master_roll_view(struct master *master);

/* Of master->report, to the log and to the program. */
void master_tell_failure(struct master *master);

/* --- master_upgrade.c --- */

/* Tries the binary in a child, then becomes it; what fails on the way is told, and changes nothing. */
void master_upgrade(struct master *master);
void upgrade_tick(struct master *master, uint64_t now_ms);
/* True: it was the end of the child that tries. */
bool upgrade_ended(struct master *master, const struct brood_process_end *end);
void upgrade_cancel(struct master *master);
/* Notes from which version this image takes over, while the state is there. Then it has, or it is the old one
 * again: go on. */
void upgrade_note(struct master *master, const struct upgrade_state *state);
void upgrade_go_on(struct master *master, bool back);

/* --- master_state.c, master_restore.c --- */

void master_save(const struct master *master, struct state_writer *writer);
/* Into a master that has its loop and nothing else. 0; -ENOMEM; -EBADMSG when it makes no sense. */
int master_restore(struct master *master, const struct state_reader *reader) __attribute__((warn_unused_result));

/* --- master_admin.c --- */

void admin_start(struct master *master);
void admin_close(struct master *master);
/* True: it was the admin's end. */
bool admin_ended(struct master *master, const struct brood_process_end *end);
void admin_tick(struct master *master, uint64_t now_ms);
/* Has an admin of this version take the place of the one there is. */
void admin_renew(struct master *master);
void admin_save(const struct master *master, struct state_writer *writer);
/* The admin of a former version, with its channel (taken; -1: none), and whether it was told to leave. 0 or
 * -errno. */
int admin_restore(struct master *master, pid_t pid, int channel, bool retired) __attribute__((warn_unused_result));
void admin_show_board(struct master *master, const struct brood_frame *frame);
void admin_say(struct master *master, const struct brood_frame *frame);
/* Is it alive? Every tick; `late`: the master was held up itself. */
void admin_watch(struct master *master, uint64_t now_ms, bool late);
void admin_tell_result(struct master *master, uint64_t id, const char *reason);
/* It is done, and there is something to say of it. */
void admin_tell_done(struct master *master, uint64_t id, const char *words);

/* --- master_pending.c --- */

/* `next`: of the roll that follows the one that runs. */
void admin_await(struct master *master, const struct command *command, bool next);
/* So many slots are done of what runs. */
void admin_progress(struct master *master, unsigned done, const char *text);
/* The roll is over: NULL for success, else why not. */
void admin_roll_over(struct master *master, const char *reason);
/* Something has happened: are there outcomes to tell? */
void admin_check(struct master *master);
/* The upgrade that was asked for is not to be. */
void admin_upgrade_failed(struct master *master, const char *reason);
/* Those of an admin that has gone, but for what is COMMAND_ID_LOST; or all. */
void admin_forget_pending(struct admin *admin, bool all);
void admin_rename_pending(struct admin *admin, uint64_t from, uint64_t to);
void admin_save_pending(const struct master *master, struct state_writer *writer);

/* --- master_outcomes.c --- */

/* A command whose outcome comes later, */
void outcomes_expect(struct master *master, const struct command *command);
/* and here it is. The admin has come back to a ping: what it was told before, it has heard; was that all? */
void outcomes_tell(struct master *master, const struct command_result *result);
bool outcomes_heard(struct admin *admin);
/* The admin has gone. */
void outcomes_lose(struct admin *admin);
/* Has the same process asked a former admin for the same? Then it is told what comes of that. */
bool outcomes_claim(struct master *master, const struct command *command);
/* All, or those that have come, and were heard. */
void outcomes_forget(struct admin *admin, bool all);

/* --- master_status.c --- */

/* Answers command `id` with a struct status. */
void master_status(struct master *master, uint64_t id);
/* --- master_watchdog.c, every interval_ms --- */

void watchdog_tick(struct master *master, uint64_t now_ms, uint64_t interval_ms);

/* --- master_suspects.c --- */

/* A worker is given what this one (its serial; 0: nobody) has given, or refused. */
void suspects_note(struct instance *instance, uint64_t giver);
/* One hangs. If that is in a call on a socket, whoever gave it connections is ended, and what is returned says so; else
 * NULL. */
const char *suspects_end(struct instance *instance, const struct cluster_obituary *hang);

/* --- master_obituary.c --- */

/* Writes up one that hangs, before it is ended. */
void obituary_of_hang(struct instance *instance);
/* Logs an end and writes it up, if there is something to say. */
void obituary_of_end(struct instance *instance, const struct brood_process_end *end);
/* What was written up of one that hangs, for the next version; and there. 0, -ENOMEM or -EBADMSG. */
void obituary_save_hang(const struct instance *instance, struct state_writer *writer);
int obituary_restore_hang(struct instance *instance, const struct state_record *record)
	__attribute__((warn_unused_result));
/* Its last log lines, without a newline at the end; empty when it has said nothing. */
void obituary_last_words(const struct instance *instance, char *out, size_t room);

/* --- master_recycle.c --- */

void recycle_tick(struct master *master, uint64_t now_ms);

/* --- master_spread.c --- */

int spread_open(struct master *master) __attribute__((warn_unused_result));
/* A worker gives connections away; they go to others. */
void spread_given(struct instance *giver, struct brood_frame *frame);
/* A few times a second: gives what waits another try, with those workers too that had refused; what
 * nobody can take goes back to the worker that gave it. */
void spread_tick(struct master *master, uint64_t now_ms);
/* A connection that a worker gave is here (1), or is taken or back (-1). */
void spread_count_given(struct master *master, const struct transfer *transfer, int by);
void spread_close(struct master *master);
/* Accepts in the master as far as the configuration in force, or the next one, wants it. */
void spread_follow_mode(struct master *master);
/* One that hands out what it accepts; NULL without memory. */
struct acceptor *spread_new_acceptor(struct master *master);
/* A worker has become able to take connections, or something else that may help those that wait. */
void spread_resume(struct master *master);
/* Accepts what is queued and gives it away; before a stop. */
void spread_drain(struct master *master);
/* A record was made: workers that balance among themselves must see it, and the admin. */
void spread_show_board(struct master *master, unsigned slot, int record);
/* The descriptors of all records, which a child needs to map them; at most BOARD_RECORDS for each slot. */
size_t spread_keep_boards(const struct master *master, int *fds);

/* --- master_leaving.c --- */

/* The configuration's listeners are others: these listen, and what is not among them goes. */
void leaving_follow(struct master *master);
void leaving_tick(struct master *master, uint64_t now_ms);
/* What goes does so at once, its last clients with workers. */
void leaving_end(struct master *master);
bool master_anybody_leaves(const struct master *master);

/* --- master_adopt.c --- */

/* Sees that each slot's own sockets are accepted on by somebody. */
void spread_adopt(struct master *master, uint64_t now_ms);
/* The same when listeners have come or gone: those who adopted a slot's sockets have its former ones. */
void spread_adopt_anew(struct master *master);
/* Nobody needs to accept for this slot any more. */
void spread_release(struct slot *slot);
/* A worker that had adopted sockets no longer accepts. */
void spread_forget_adopter(struct master *master, const struct slot *adopter);

#endif
