/* SPDX-License-Identifier: MIT
 *
 * Passing connections from one process to another (handoff.h). Master and workers. */
#include "cluster/ipc/handoff.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/fd_kind.h"
#include "brood/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(HANDOFF_STATE_MAX <= BROOD_CHANNEL_SIZE_MAX - sizeof(struct message_connections),
	       "any state fits into a frame, whatever goes with it");

/* Of a frame with so many connections, up to where their states begin. */
static size_t head_size(unsigned count)
{
	return offsetof(struct message_connections, each) +
	       count * sizeof(((struct message_connections *)NULL)->each[0]);
}

static struct transfer *first(struct list *list)
{
	return LIST_ENTRY(list->next, struct transfer, link);
}

static void move(struct transfer *transfer, struct list *to)
{
	list_remove(&transfer->link);
	list_append(to, &transfer->link);
}

void handoff_discard(struct handoff *handoff, struct transfer *transfer)
{
	list_remove(&transfer->link);
	if (handoff->rules->discard)
		handoff->rules->discard(handoff->context, transfer->fd);
	else
		fd_close(&transfer->fd);
	free(transfer->state);
	free(transfer);
}

int handoff_init(struct handoff *handoff, const struct handoff_rules *rules, void *context)
{
	*handoff = (struct handoff){.rules = rules, .context = context};
	list_init(&handoff->waiting);
	handoff->frame = malloc(BROOD_CHANNEL_SIZE_MAX);
	return handoff->frame ? 0 : -ENOMEM;
}

void handoff_free(struct handoff *handoff)
{
	while (handoff->rules && !list_empty(&handoff->waiting))
		handoff_discard(handoff, first(&handoff->waiting));
	free(handoff->frame);
	*handoff = (struct handoff){0};
}

void handoff_target_init(struct handoff_target *target, struct brood_channel *channel)
{
	*target = (struct handoff_target){.channel = channel};
	list_init(&target->unanswered);
	list_init(&target->outgoing);
}

static bool answers(const struct handoff_target *target, uint64_t now_ms)
{
	const struct transfer *oldest;

	if (!target->channel || target->stuck)
		return false;
	if (list_empty(&target->unanswered))
		return true;
	oldest = LIST_ENTRY(target->unanswered.next, struct transfer, link);
	return now_ms - oldest->since_ms < HANDOFF_SLOW_MS;
}

bool handoff_target_has_room(const struct handoff_target *target, uint64_t now_ms)
{
	return answers(target, now_ms) && target->unanswered_count + target->outgoing_count < HANDOFF_UNANSWERED_MAX;
}

bool handoff_target_is_full(const struct handoff_target *target, uint64_t now_ms)
{
	return answers(target, now_ms) && target->unanswered_count + target->outgoing_count >= HANDOFF_UNANSWERED_MAX;
}

struct transfer *handoff_offer(struct handoff *handoff, int fd, unsigned listener, const void *state, size_t state_size)
{
	struct transfer *transfer = malloc(sizeof(*transfer));

	if (!transfer)
		return NULL;
	*transfer = (struct transfer){.id = ++handoff->last_id,
				      .since_ms = clock_now_ms(),
				      .offered_ms = clock_now_ms(),
				      .fd = fd,
				      .listener = listener,
				      .state_size = (uint32_t)state_size};
	fd_note(fd, FD_CONNECTION);
	list_init(&transfer->link);
	if (state_size > 0) {
		transfer->state = malloc(state_size);
		if (!transfer->state) {
			free(transfer);
			return NULL;
		}
		memcpy(transfer->state, state, state_size);
	}
	list_append(&handoff->waiting, &transfer->link);
	handoff->waiting_count++;
	return transfer;
}

struct transfer *handoff_restore(struct handoff *handoff, struct handoff_target *target, const struct transfer *like)
{
	uint64_t last_id = handoff->last_id;
	struct transfer *transfer = handoff_offer(handoff, like->fd, like->listener, like->state, like->state_size);

	handoff->last_id = last_id;
	if (!transfer)
		return NULL;
	transfer->id = like->id;
	transfer->since_ms = transfer->offered_ms = like->since_ms;
	transfer->giver = like->giver;
	transfer->giver_id = like->giver_id;
	if (target) {
		move(transfer, &target->unanswered);
		target->unanswered_count++;
		handoff->waiting_count--;
	}
	return transfer;
}

void handoff_wait(struct handoff *handoff, struct transfer *transfer)
{
	transfer->since_ms = clock_now_ms();
	move(transfer, &handoff->waiting);
	handoff->waiting_count++;
}

static void wait_again(struct handoff *handoff, struct list *transfers)
{
	while (!list_empty(transfers))
		handoff_wait(handoff, first(transfers));
}

/* How many of the outgoing ones fit into one frame. */
static unsigned count_fitting(const struct handoff_target *target)
{
	size_t room = BROOD_CHANNEL_SIZE_MAX - head_size(MESSAGE_BATCH);
	unsigned count = 0;

	for (const struct list *at = target->outgoing.next; at != &target->outgoing; at = at->next) {
		const struct transfer *transfer = LIST_ENTRY(at, struct transfer, link);

		if (count == MESSAGE_BATCH || transfer->state_size > room)
			break;
		room -= transfer->state_size;
		count++;
	}
	return count;
}

/* Puts the first `count` outgoing ones into a frame. */
static void pack(struct handoff *handoff, const struct handoff_target *target, unsigned count,
		 struct brood_frame *frame)
{
	struct message_connections *message = (struct message_connections *)(void *)handoff->frame;
	const struct list *at = target->outgoing.next;
	size_t size = head_size(count);

	message->count = count;
	message->unused = 0;
	for (unsigned i = 0; i < count; i++, at = at->next) {
		const struct transfer *transfer = LIST_ENTRY(at, struct transfer, link);

		frame->fds[i] = transfer->fd;
		message->each[i].id = transfer->id;
		message->each[i].listener = transfer->listener;
		message->each[i].state_size = transfer->state_size;
		if (transfer->state_size > 0)
			memcpy(handoff->frame + size, transfer->state, transfer->state_size);
		size += transfer->state_size;
	}
	frame->data = message;
	frame->size = size;
	frame->fd_count = count;
}

/* Ends those among the first `count` outgoing ones that nobody can be sent. Returns how many these were. */
static unsigned sort_out(struct handoff *handoff, struct handoff_target *target, unsigned count)
{
	struct list *at = target->outgoing.next;
	unsigned ended = 0;

	for (; count > 0; count--) {
		struct transfer *transfer = LIST_ENTRY(at, struct transfer, link);
		int error = brood_channel_can_carry(transfer->fd);

		at = at->next;
		if (error == 0)
			continue;
		ended++;
		target->outgoing_count--;
		if (handoff->rules->unsendable)
			handoff->rules->unsendable(handoff->context, transfer, error);
		handoff_discard(handoff, transfer);
	}
	return ended;
}

/* Sends a target what was chosen for it; what cannot be sent waits for somebody else. */
static void send_outgoing(struct handoff *handoff, struct handoff_target *target, enum message_type type)
{
	int fds[MESSAGE_BATCH];
	struct brood_frame frame = {.type = type, .fds = fds};
	uint64_t now_ms = clock_now_ms();
	unsigned count;
	int error;

	while ((count = count_fitting(target)) > 0) {
		pack(handoff, target, count, &frame);
		error = brood_channel_try(target->channel, &frame);
		if (error < 0) {
			if (error != -EAGAIN && error != -EPIPE && sort_out(handoff, target, count) > 0)
				continue;
			target->stuck = true;
			break;
		}
		target->unanswered_count += count;
		target->given += count;
		for (; count > 0; count--) {
			first(&target->outgoing)->since_ms = now_ms;
			move(first(&target->outgoing), &target->unanswered);
		}
	}
	wait_again(handoff, &target->outgoing);
	target->outgoing_count = 0;
}

void handoff_flush(struct handoff *handoff, enum message_type type)
{
	/* Those with something to send, in the order in which they were first chosen. */
	struct handoff_target *chosen[MESSAGE_BATCH], *target;
	unsigned count = 0;

	while (!list_empty(&handoff->waiting) &&
	       (target = handoff->rules->choose(handoff->context, first(&handoff->waiting)))) {
		if (target->outgoing_count == 0)
			chosen[count++] = target;
		move(first(&handoff->waiting), &target->outgoing);
		handoff->waiting_count--;
		target->outgoing_count++;
		if (target->outgoing_count < MESSAGE_BATCH && count < MESSAGE_BATCH)
			continue;
		while (count > 0)
			send_outgoing(handoff, chosen[--count], type);
	}
	while (count > 0)
		send_outgoing(handoff, chosen[--count], type);
}

static struct transfer *find(struct handoff_target *target, uint64_t id)
{
	/* Answers come in the order of sending, so this is nearly always the first. */
	for (struct list *at = target->unanswered.next; at != &target->unanswered; at = at->next)
		if (LIST_ENTRY(at, struct transfer, link)->id == id)
			return LIST_ENTRY(at, struct transfer, link);
	return NULL;
}

static void settle(struct handoff *handoff, struct handoff_target *target, struct transfer *transfer, bool taken)
{
	target->unanswered_count--;
	list_remove(&transfer->link);
	if (taken) {
		if (handoff->rules->taken)
			handoff->rules->taken(handoff->context, transfer);
		handoff_discard(handoff, transfer);
		return;
	}
	target->refused++;
	transfer->refused = true;
	transfer->refuser = target->id;
	if (handoff->rules->refused && handoff->rules->refused(handoff->context, transfer)) {
		handoff_discard(handoff, transfer);
		return;
	}
	handoff_wait(handoff, transfer);
}

bool handoff_answer(struct handoff *handoff, struct handoff_target *target, const struct brood_frame *frame)
{
	struct message_ids message;

	if (frame->size < offsetof(struct message_ids, ids) || frame->size > sizeof(message))
		return false;
	memcpy(&message, frame->data, frame->size);
	if (message.count > MESSAGE_BATCH ||
	    frame->size != offsetof(struct message_ids, ids) + message.count * sizeof(uint64_t))
		return false;
	target->stuck = frame->type == MESSAGE_REFUSED;
	for (unsigned i = 0; i < message.count; i++) {
		struct transfer *transfer = find(target, message.ids[i]);

		if (!transfer)
			return false;
		settle(handoff, target, transfer, frame->type == MESSAGE_TAKEN);
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

struct transfer *handoff_take_stale(struct handoff *handoff, uint64_t before_ms)
{
	for (struct list *at = handoff->waiting.next; at != &handoff->waiting; at = at->next) {
		struct transfer *transfer = LIST_ENTRY(at, struct transfer, link);

		if (transfer->offered_ms >= before_ms)
			continue;
		list_remove(&transfer->link);
		handoff->waiting_count--;
		return transfer;
	}
	return NULL;
}

/* --- for takers --- */

int handoff_read(const struct brood_frame *frame, struct handoff_item *items)
{
	const struct message_connections *message = frame->data;
	const char *state;
	size_t left;

	if (frame->size < head_size(0) || message->count > MESSAGE_BATCH || frame->size < head_size(message->count) ||
	    frame->fd_count > message->count)
		return -EBADMSG;
	state = (const char *)frame->data + head_size(message->count);
	left = frame->size - head_size(message->count);
	for (unsigned i = 0; i < message->count; i++) {
		size_t size = message->each[i].state_size;

		if (size > left || size > HANDOFF_STATE_MAX)
			return -EBADMSG;
		items[i] = (struct handoff_item){.id = message->each[i].id,
						 .listener = message->each[i].listener,
						 .state = size > 0 ? state : NULL,
						 .state_size = size};
		state += size;
		left -= size;
	}
	return left == 0 ? (int)message->count : -EBADMSG;
}

int handoff_reply(struct brood_channel *channel, enum message_type type, const struct handoff_item *items,
		  unsigned count)
{
	struct message_ids message = {.count = count};
	struct brood_frame frame = {
		.type = type,
		.data = &message,
		.size = offsetof(struct message_ids, ids) + count * sizeof(message.ids[0]),
	};

	if (count == 0)
		return 0;
	for (unsigned i = 0; i < count; i++)
		message.ids[i] = items[i].id;
	return brood_channel_send(channel, &frame);
}
