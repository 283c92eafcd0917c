/* SPDX-License-Identifier: MIT
 *
 * Handing connections to workers, so that none is lost and none is served twice.
 *
 * Each transfer has an id. The master keeps its copy of the descriptor until the worker has said "taken",
 * which it says before it reads the first octet. A refused transfer goes to another worker; so do those
 * of a worker that died without an answer, once its channel has been read to the end. A slow worker is
 * only given less: it may still take what it was sent. Master only. */
#ifndef BROOD_CLUSTER_HANDOFF_H
#define BROOD_CLUSTER_HANDOFF_H

#include "base/list.h"
#include "cluster/message.h"

#include <stdbool.h>
#include <stddef.h>

struct brood_channel;
struct brood_frame;

enum {
	HANDOFF_UNANSWERED_MAX = 128, /* transfers on the way to one worker */
	HANDOFF_SLOW_MS = 250,        /* one that has not answered for so long is slow */
};

/* A worker as a target; part of the master's record of it. */
struct handoff_target {
	struct brood_channel *channel; /* NULL: takes nothing */
	struct list unanswered;        /* sent, oldest first */
	struct list outgoing;          /* chosen for it, to be sent with the next flush */
	unsigned unanswered_count, outgoing_count;
	bool stuck;                    /* it could not be sent something, or refused; until it answers */
	uint64_t given, refused;
};

struct handoff {
	struct list waiting; /* accepted, nobody chosen yet */
	unsigned waiting_count;
	uint64_t last_id;
	/* Whom to give the next one; NULL: nobody can take any now. */
	struct handoff_target *(*choose)(void *context);
	void *context;
};

void handoff_init(struct handoff *handoff, struct handoff_target *(*choose)(void *context),
		  void *context);
void handoff_free(struct handoff *handoff);

void handoff_target_init(struct handoff_target *target, struct brood_channel *channel);

/* May it be given more? (Whether it serves and is alive is the chooser's business.) */
bool handoff_target_has_room(const struct handoff_target *target, uint64_t now_ms);

/* Takes a connection; it is sent with the next flush. */
void handoff_offer(struct handoff *handoff, int fd, unsigned listener);

/* Chooses targets for all that waits and sends it, many in one frame. What nobody can take goes on
 * waiting; then handoff->waiting_count is not 0, and accepting should pause. */
void handoff_flush(struct handoff *handoff);

/* A worker's MESSAGE_TAKEN or MESSAGE_REFUSED. False: the frame makes no sense. */
bool handoff_answer(struct handoff *handoff, struct handoff_target *target,
		    const struct brood_frame *frame);

/* The worker is dead and its channel read to the end: what it did not take waits again. */
void handoff_target_gone(struct handoff *handoff, struct handoff_target *target);

#endif
