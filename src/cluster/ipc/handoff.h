/* SPDX-License-Identifier: MIT
 *
 * Passing connections from one process to another, so that none is lost and none is served twice. One
 * act, used three times: the master hands new connections to workers, a worker that drains gives its
 * connections to the master, and the master passes these on to other workers.
 *
 * Each transfer has an id. The giver keeps its copy of the descriptor until the taker has said "taken",
 * which it says before it reads the first octet. A refused transfer goes to another taker; so do those
 * of one that died without an answer, once its channel has been read to the end. A slow taker is only
 * given less: it may still take what it was sent.
 *
 *     offer --> waiting --choose--> outgoing --sent--> unanswered --taken--> closed here
 *                  ^                    | not sent        | refused, taker gone
 *                  +--------------------+-----------------+ */
#ifndef BROOD_CLUSTER_IPC_HANDOFF_H
#define BROOD_CLUSTER_IPC_HANDOFF_H

#include "base/list.h"
#include "cluster/ipc/message.h"

#include <stdbool.h>
#include <stddef.h>

struct brood_channel;
struct brood_frame;

enum {
	HANDOFF_UNANSWERED_MAX = 128, /* transfers on the way to one taker; the master ends a worker that
					 gives it more at a time */
	HANDOFF_SLOW_MS = 250,        /* one that has not answered for so long is slow */
	HANDOFF_STATE_MAX = 64000,    /* octets of one connection's state: it goes in one frame */
};

struct transfer {
	struct list link;
	uint64_t id;
	uint64_t since_ms;   /* waiting: since when; unanswered: when it was sent */
	uint64_t offered_ms; /* since when it is here, whatever became of it meanwhile */
	int fd;
	uint32_t listener;
	/* What a taker needs to go on with a connection that has a past; NULL for a new one. */
	void *state;
	uint32_t state_size;
	bool refused;     /* by somebody, once at least */
	uint64_t refuser; /* who did last, by the target's id */
	/* In the master, for one that a worker gave: who, and under which id there. 0: nobody. */
	uint64_t giver, giver_id;
};

/* Somebody who takes; part of the giver's record of it. */
struct handoff_target {
	struct brood_channel *channel; /* NULL: takes nothing */
	uint64_t id;                   /* the owner's name for it, or 0 */
	struct list unanswered;        /* sent, oldest first */
	struct list outgoing;          /* chosen for it, to be sent with the next flush */
	unsigned unanswered_count, outgoing_count;
	bool stuck; /* it could not be sent something, or refused; until it answers. One
		       connection that nobody can be sent costs only itself. */
	uint64_t given, refused;
};

struct handoff_rules {
	/* Whom to give this one; NULL: nobody can take it now. */
	struct handoff_target *(*choose)(void *context, const struct transfer *transfer);
	/* It has been taken; our copy is closed after this call. May be NULL. */
	void (*taken)(void *context, const struct transfer *transfer);
	/* It was refused. True: the callee has taken fd and state (set to -1 and NULL), the transfer is
	 * over. False: it waits for another taker. NULL: always so. */
	bool (*refused)(void *context, struct transfer *transfer);
	/* It cannot be sent to anybody, for a reason of its own (-errno). The callee may take fd and state, as for
	 * `refused`; the transfer is over in any case. NULL: nothing more is done. */
	void (*unsendable)(void *context, struct transfer *transfer, int error);
	/* Takes the descriptor of one that is over. NULL: it is closed. */
	void (*discard)(void *context, int fd);
};

struct handoff {
	struct list waiting; /* nobody chosen yet, oldest first */
	unsigned waiting_count;
	uint64_t last_id;
	const struct handoff_rules *rules;
	void *context;
	char *frame; /* room to put one together */
};

/* 0 or -ENOMEM. `rules` must outlive it. */
int handoff_init(struct handoff *handoff, const struct handoff_rules *rules, void *context)
	__attribute__((warn_unused_result));

/* Closes what waits. */
void handoff_free(struct handoff *handoff);

void handoff_target_init(struct handoff_target *target, struct brood_channel *channel);

/* May it be given more? (Whether it serves and is alive is the chooser's business.) */
bool handoff_target_has_room(const struct handoff_target *target, uint64_t now_ms);

/* Has it no room only because so much is on its way to it, and does it answer? */
bool handoff_target_is_full(const struct handoff_target *target, uint64_t now_ms);

/* Takes a connection (and copies its state); it is sent with the next flush. Returns the transfer, for
 * the caller to fill in the giver, or NULL without memory: the fd is then still the caller's. */
struct transfer *handoff_offer(struct handoff *handoff, int fd, unsigned listener, const void *state, size_t state_size)
	__attribute__((warn_unused_result));

/* As handoff_offer, for one that an earlier version of the master had: it was sent to `target` and is not
 * answered yet, or waits (NULL). id, since_ms, giver and giver_id are taken from `like`, too. */
struct transfer *handoff_restore(struct handoff *handoff, struct handoff_target *target, const struct transfer *like)
	__attribute__((warn_unused_result));

/* Chooses targets for all that waits and sends it, many in one frame of type `type`. What nobody can
 * take goes on waiting; then handoff->waiting_count is not 0. */
void handoff_flush(struct handoff *handoff, enum message_type type);

/* A taker's MESSAGE_TAKEN or MESSAGE_REFUSED. False: the frame makes no sense. */
bool handoff_answer(struct handoff *handoff, struct handoff_target *target, const struct brood_frame *frame);

/* The taker is dead and its channel read to the end: what it did not take waits again. */
void handoff_target_gone(struct handoff *handoff, struct handoff_target *target);

/* Takes the first waiting one out that is here since before `before_ms`, also if it was sent and came back
 * meanwhile; NULL: none is. The caller ends it by handoff_discard, or puts it back, at the end of the
 * queue, by handoff_wait. */
struct transfer *handoff_take_stale(struct handoff *handoff, uint64_t before_ms);
void handoff_discard(struct handoff *handoff, struct transfer *transfer);
void handoff_wait(struct handoff *handoff, struct transfer *transfer);

/* --- for takers --- */

/* One connection of a received frame. */
struct handoff_item {
	uint64_t id;
	uint32_t listener;
	const void *state; /* NULL for a new connection */
	size_t state_size;
};

/* Reads a frame of connections; items has room for MESSAGE_BATCH. Returns how many, or -EBADMSG. Items
 * from frame->fd_count on have lost their descriptors. */
int handoff_read(const struct brood_frame *frame, struct handoff_item *items) __attribute__((warn_unused_result));

/* Sends the answer for `count` of them. 0, or the error of brood_channel_send. */
int handoff_reply(struct brood_channel *channel, enum message_type type, const struct handoff_item *items,
		  unsigned count) __attribute__((warn_unused_result));

#endif
