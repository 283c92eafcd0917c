/* SPDX-License-Identifier: MIT
 *
 * Handing connections to workers (handoff.h). Master only. */
#include "cluster/handoff.h"

#include "base/clock.h"
#include "base/fd.h"
#include "brood/channel.h"

#include <errno.h>
#include <stdlib.h>

struct transfer {
	struct list link;
	uint64_t id;
	uint64_t sent_ms;
	int fd;
	uint32_t listener;
};

static struct transfer *first(struct list *list)
{
	return LIST_ENTRY(list->next, struct transfer, link);
}

static void move(struct transfer *transfer, struct list *to)
{
	list_remove(&transfer->link);
	list_append(to, &transfer->link);
}

static void discard(struct transfer *transfer)
{
	list_remove(&transfer->link);
	fd_close(&transfer->fd);
	free(transfer);
}

void handoff_init(struct handoff *handoff, struct handoff_target *(*choose)(void *context),
		  void *context)
{
	*handoff = (struct handoff){.choose = choose, .context = context};
	list_init(&handoff->waiting);
}

void handoff_free(struct handoff *handoff)
{
	while (!list_empty(&handoff->waiting))
		discard(first(&handoff->waiting));
	handoff->waiting_count = 0;
}

void handoff_target_init(struct handoff_target *target, struct brood_channel *channel)
{
	*target = (struct handoff_target){.channel = channel};
	list_init(&target->unanswered);
	list_init(&target->outgoing);
}

bool handoff_target_has_room(const struct handoff_target *target, uint64_t now_ms)
{
	const struct transfer *oldest;

	if (!target->channel || target->stuck ||
	    target->unanswered_count + target->outgoing_count >= HANDOFF_UNANSWERED_MAX)
		return false;
	if (list_empty(&target->unanswered))
		return true;
	oldest = LIST_ENTRY(target->unanswered.next, struct transfer, link);
	return now_ms - oldest->sent_ms < HANDOFF_SLOW_MS;
}

void handoff_offer(struct handoff *handoff, int fd, unsigned listener)
{
	struct transfer *transfer = malloc(sizeof(*transfer));

	if (!transfer) { /* costs this connection, as an accept without memory would */
		fd_close(&fd);
		return;
	}
	*transfer = (struct transfer){.id = ++handoff->last_id, .fd = fd, .listener = listener};
	list_init(&transfer->link);
	list_append(&handoff->waiting, &transfer->link);
	handoff->waiting_count++;
}

static void wait_again(struct handoff *handoff, struct list *transfers)
{
	while (!list_empty(transfers)) {
		move(first(transfers), &handoff->waiting);
		handoff->waiting_count++;
	}
}

/* Sends a target what was chosen for it; what cannot be sent waits for somebody else. */
static void send_outgoing(struct handoff *handoff, struct handoff_target *target)
{
	struct message_connections message = {0};
	int fds[MESSAGE_BATCH];
	struct brood_frame frame = {.type = MESSAGE_CONNECTIONS, .data = &message, .fds = fds};
	uint64_t now_ms = clock_now_ms();

	for (struct list *at = target->outgoing.next; at != &target->outgoing; at = at->next) {
		struct transfer *transfer = LIST_ENTRY(at, struct transfer, link);

		fds[message.count] = transfer->fd;
		message.each[message.count].id = transfer->id;
		message.each[message.count++].listener = transfer->listener;
		transfer->sent_ms = now_ms;
	}
	frame.fd_count = message.count;
	frame.size = offsetof(struct message_connections, each) +
		     message.count * sizeof(message.each[0]);
	if (brood_channel_try(target->channel, &frame) < 0) {
		target->stuck = true;
		wait_again(handoff, &target->outgoing);
	} else {
		while (!list_empty(&target->outgoing))
			move(first(&target->outgoing), &target->unanswered);
		target->unanswered_count += message.count;
		target->given += message.count;
	}
	target->outgoing_count = 0;
}

void handoff_flush(struct handoff *handoff)
{
	/* Targets are found again by the order in which they were first chosen in this flush. */
	struct handoff_target *chosen[MESSAGE_BATCH], *target;
	unsigned count = 0;

	while (!list_empty(&handoff->waiting) && (target = handoff->choose(handoff->context))) {
		if (target->outgoing_count == 0)
			chosen[count++] = target;
		move(first(&handoff->waiting), &target->outgoing);
		handoff->waiting_count--;
		target->outgoing_count++;
		if (target->outgoing_count < MESSAGE_BATCH && count < MESSAGE_BATCH)
			continue;
		while (count > 0)
			send_outgoing(handoff, chosen[--count]);
	}
	while (count > 0)
		send_outgoing(handoff, chosen[--count]);
}

static struct transfer *find(struct handoff_target *target, uint64_t id)
{
	/* Answers come in the order of sending, so this is nearly always the first. */
	for (struct list *at = target->unanswered.next; at != &target->unanswered; at = at->next)
		if (LIST_ENTRY(at, struct transfer, link)->id == id)
			return LIST_ENTRY(at, struct transfer, link);
	return NULL;
}

bool handoff_answer(struct handoff *handoff, struct handoff_target *target,
		    const struct brood_frame *frame)
{
	const struct message_ids *message = frame->data;

	if (frame->size < offsetof(struct message_ids, ids) || message->count > MESSAGE_BATCH ||
	    frame->size != offsetof(struct message_ids, ids) + message->count * sizeof(uint64_t))
		return false;
	target->stuck = frame->type == MESSAGE_REFUSED;
	for (unsigned i = 0; i < message->count; i++) {
		struct transfer *transfer = find(target, message->ids[i]);

		if (!transfer)
			return false;
		target->unanswered_count--;
		if (frame->type == MESSAGE_TAKEN) {
			discard(transfer);
			continue;
		}
		target->refused++;
		move(transfer, &handoff->waiting);
		handoff->waiting_count++;
	}
	return true;
}

void handoff_target_gone(struct handoff *handoff, struct handoff_target *target)
{
	target->channel = NULL;
	wait_again(handoff, &target->outgoing);
	wait_again(handoff, &target->unanswered);
	target->outgoing_count = target->unanswered_count = 0;
}
