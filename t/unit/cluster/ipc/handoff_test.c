/* SPDX-License-Identifier: MIT
 *
 * Handing connections over: each ends up with exactly one worker, whatever these do. The workers are the
 * far ends of channels in this process. */
#include "cluster/ipc/handoff.h"

#include "base/clock.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS = 3, CONNECTIONS_MAX = 300 };

struct fake {
	struct brood_channel *master_end, *worker_end;
	struct handoff_target target;
	struct handoff_item items[CONNECTIONS_MAX];
	char state[HANDOFF_STATE_MAX]; /* of the last one that had any */
	size_t state_size;
	unsigned count, frames;
	bool eligible;
};

static struct event_base *base;
static struct handoff handoff;
static struct fake fakes[WORKERS];
static unsigned turn;
static int clients[CONNECTIONS_MAX];

static void on_worker_frame(void *context, struct brood_frame *frame)
{
	struct fake *fake = context;
	struct handoff_item items[MESSAGE_BATCH];
	int count = handoff_read(frame, items);

	assert_int_equal(frame->type, MESSAGE_CONNECTIONS);
	assert_true(count > 0);
	assert_int_equal(frame->fd_count, count);
	fake->frames++;
	for (int i = 0; i < count; i++) {
		if (items[i].state) {
			memcpy(fake->state, items[i].state, items[i].state_size);
			fake->state_size = items[i].state_size;
		}
		fake->items[fake->count++] = items[i];
	}
}

static void on_master_frame(void *context, struct brood_frame *frame)
{
	struct fake *fake = context;

	assert_true(handoff_answer(&handoff, &fake->target, frame));
}

static void on_closed(void *context, int error)
{
	(void)context, (void)error;
}

static const struct brood_channel_handlers worker_handlers = {.frame = on_worker_frame, .closed = on_closed};
static const struct brood_channel_handlers master_handlers = {.frame = on_master_frame, .closed = on_closed};

static struct handoff_target *choose(void *context, const struct transfer *transfer)
{
	(void)context, (void)transfer;
	for (unsigned i = 0; i < WORKERS; i++) {
		struct fake *fake = &fakes[(turn + i) % WORKERS];

		if (!fake->eligible || !handoff_target_has_room(&fake->target, clock_now_ms()))
			continue;
		turn = (turn + i + 1) % WORKERS;
		return &fake->target;
	}
	return NULL;
}

static unsigned told_taken, told_refused;
static bool keep_refused;

static void on_taken(void *context, const struct transfer *transfer)
{
	(void)context;
	assert_true(transfer->fd >= 0);
	told_taken++;
}

static bool on_refused(void *context, struct transfer *transfer)
{
	(void)context;
	told_refused++;
	if (keep_refused) {
		close(transfer->fd);
		transfer->fd = -1;
	}
	return keep_refused;
}

static unsigned told_unsendable;

static void on_unsendable(void *context, struct transfer *transfer, int error)
{
	(void)context, (void)transfer;
	assert_true(error < 0);
	told_unsendable++;
}

static const struct handoff_rules rules = {
	.choose = choose, .taken = on_taken, .refused = on_refused, .unsendable = on_unsendable};

static int set_up(void **state)
{
	int ends[2];

	(void)state;
	base = event_base_new();
	turn = 0;
	told_taken = told_refused = told_unsendable = 0;
	keep_refused = false;
	if (handoff_init(&handoff, &rules, NULL) < 0)
		return -1;
	for (int i = 0; i < WORKERS; i++) {
		memset(&fakes[i], 0, sizeof(fakes[i]));
		if (brood_channel_pair(ends) < 0 ||
		    brood_channel_open(&fakes[i].master_end, base, ends[0], &master_handlers, &fakes[i]) < 0 ||
		    brood_channel_open(&fakes[i].worker_end, base, ends[1], &worker_handlers, &fakes[i]) < 0)
			return -1;
		handoff_target_init(&fakes[i].target, fakes[i].master_end);
		fakes[i].eligible = true;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		handoff_target_gone(&handoff, &fakes[i].target);
		brood_channel_free(fakes[i].master_end);
		brood_channel_free(fakes[i].worker_end);
	}
	handoff_free(&handoff);
	event_base_free(base);
	return 0;
}

/* Offers so many connections, whose other ends are clients[]. */
static void offer(unsigned count)
{
	int ends[2];

	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		clients[i] = ends[0];
		assert_non_null(handoff_offer(&handoff, ends[1], i, NULL, 0));
	}
}

/* How many of the clients see the end of their connection: nobody holds the other side any more. */
static unsigned count_closed(unsigned count)
{
	unsigned closed = 0;
	char byte;

	for (unsigned i = 0; i < count; i++) {
		closed += recv(clients[i], &byte, 1, MSG_DONTWAIT) == 0;
		close(clients[i]);
	}
	return closed;
}

static void answer(struct fake *fake, enum message_type type, unsigned from, unsigned count)
{
	assert_int_equal(handoff_reply(fake->worker_end, type, fake->items + from, count), 0);
	brood_channel_drain(fake->master_end);
}

static void connections_go_round_many_in_a_frame(void **state)
{
	(void)state;
	offer(60);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	assert_int_equal(handoff.waiting_count, 0);
	for (int i = 0; i < WORKERS; i++) {
		brood_channel_drain(fakes[i].worker_end);
		assert_int_equal(fakes[i].count, 20);
		assert_int_equal(fakes[i].frames, 1);
	}
	assert_int_equal(count_closed(60), 0); /* the master keeps its copies */
}

static void the_copy_is_kept_until_taken(void **state)
{
	(void)state;
	fakes[1].eligible = fakes[2].eligible = false;
	offer(2);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[0].worker_end);
	assert_int_equal(fakes[0].target.unanswered_count, 2);
	answer(&fakes[0], MESSAGE_TAKEN, 0, 1);
	assert_int_equal(fakes[0].target.unanswered_count, 1);
	/* The fake worker has closed its copies, so a closed one is one that the master let go. */
	assert_int_equal(count_closed(2), 1);
}

/* It is closed by somebody else's fault, or lies in the queue of another too deep. */
static void one_that_nobody_can_be_sent_costs_only_itself(void **state)
{
	struct transfer *transfer;
	int spoilt = -1;

	(void)state;
	offer(70);
	/* The third one of the first frame. */
	transfer = LIST_ENTRY(handoff.waiting.next->next->next, struct transfer, link);
	spoilt = transfer->fd;
	transfer->fd = 100000;
	fakes[1].eligible = fakes[2].eligible = false;
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[0].worker_end);
	assert_int_equal(told_unsendable, 1);
	assert_int_equal(fakes[0].count, 69);
	assert_int_equal(fakes[0].target.unanswered_count, 69);
	assert_int_equal(handoff.waiting_count, 0);
	assert_false(fakes[0].target.stuck);
	close(spoilt);
	assert_int_equal(count_closed(70), 1);
}

static void what_is_refused_goes_to_another(void **state)
{
	(void)state;
	fakes[2].eligible = false;
	offer(2);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[0].worker_end);
	brood_channel_drain(fakes[1].worker_end);
	answer(&fakes[0], MESSAGE_REFUSED, 0, 1);
	assert_int_equal(fakes[0].target.refused, 1);
	assert_int_equal(handoff.waiting_count, 1);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[0].worker_end);
	brood_channel_drain(fakes[1].worker_end);
	assert_int_equal(fakes[0].count, 1); /* not to the one that refused */
	assert_int_equal(fakes[1].count, 2);
	assert_int_equal(count_closed(2), 0);
}

static void what_a_dead_worker_did_not_take_goes_to_another(void **state)
{
	(void)state;
	fakes[1].eligible = fakes[2].eligible = false;
	offer(10);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[0].worker_end);
	/* Its last words: four taken. Then it is gone. */
	answer(&fakes[0], MESSAGE_TAKEN, 0, 4);
	handoff_target_gone(&handoff, &fakes[0].target);
	assert_int_equal(handoff.waiting_count, 6);
	fakes[0].eligible = false;
	fakes[1].eligible = true;
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[1].worker_end);
	assert_int_equal(fakes[1].count, 6);
	assert_int_equal(count_closed(10), 4);
}

static void a_worker_that_does_not_answer_is_given_no_more_than_its_share(void **state)
{
	(void)state;
	fakes[1].eligible = fakes[2].eligible = false;
	offer(200);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	assert_int_equal(fakes[0].target.unanswered_count, HANDOFF_UNANSWERED_MAX);
	assert_int_equal(handoff.waiting_count, 200 - HANDOFF_UNANSWERED_MAX);
	assert_false(handoff_target_has_room(&fakes[0].target, clock_now_ms()));
	/* With room again, but slow: not while another can. */
	brood_channel_drain(fakes[0].worker_end);
	answer(&fakes[0], MESSAGE_TAKEN, 0, 10);
	assert_true(handoff_target_has_room(&fakes[0].target, clock_now_ms()));
	assert_false(handoff_target_has_room(&fakes[0].target, clock_now_ms() + HANDOFF_SLOW_MS));
	count_closed(200);
}

static void nothing_is_lost_while_nobody_can_take_it(void **state)
{
	(void)state;
	for (int i = 0; i < WORKERS; i++)
		fakes[i].eligible = false;
	offer(5);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	assert_int_equal(handoff.waiting_count, 5);
	fakes[2].eligible = true;
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[2].worker_end);
	assert_int_equal(fakes[2].count, 5);
	assert_int_equal(count_closed(5), 0);
}

/* Offers one connection with a past of so many octets. */
static void offer_moved(size_t size, int fill)
{
	static char state[HANDOFF_STATE_MAX];
	int ends[2];

	memset(state, fill, size);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	close(ends[0]);
	assert_non_null(handoff_offer(&handoff, ends[1], 7, state, size));
}

static void states_travel_with_their_connections(void **state)
{
	(void)state;
	fakes[1].eligible = fakes[2].eligible = false;
	offer(3);
	offer_moved(1, 'a');
	offer_moved(1000, 'b');
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[0].worker_end);
	assert_int_equal(fakes[0].count, 5);
	assert_int_equal(fakes[0].frames, 1);
	assert_int_equal(fakes[0].items[2].state_size, 0);
	assert_int_equal(fakes[0].items[3].state_size, 1);
	assert_int_equal(fakes[0].items[4].state_size, 1000);
	assert_int_equal(fakes[0].items[4].listener, 7);
	assert_int_equal(fakes[0].state[0], 'b');
	assert_int_equal(fakes[0].state[999], 'b');
	count_closed(3);
}

static void states_that_do_not_fit_one_frame_go_in_several(void **state)
{
	(void)state;
	fakes[1].eligible = fakes[2].eligible = false;
	for (int i = 0; i < 5; i++)
		offer_moved(i % 2 ? HANDOFF_STATE_MAX : 30000, 'a' + i);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	for (int i = 0; i < 10 && fakes[0].count < 5; i++) {
		brood_channel_drain(fakes[0].worker_end);
		fakes[0].target.stuck = false; /* a full socket: what was not sent waits */
		handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	}
	assert_int_equal(fakes[0].count, 5);
	assert_int_equal(fakes[0].frames, 5);
	for (int i = 1; i < 5; i++)
		assert_true(fakes[0].items[i].id > fakes[0].items[i - 1].id);
}

static void the_giver_hears_what_became_of_it(void **state)
{
	(void)state;
	fakes[1].eligible = fakes[2].eligible = false;
	offer(3);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	brood_channel_drain(fakes[0].worker_end);
	answer(&fakes[0], MESSAGE_TAKEN, 0, 1);
	assert_int_equal(told_taken, 1);
	answer(&fakes[0], MESSAGE_REFUSED, 1, 1);
	assert_int_equal(told_refused, 1);
	assert_int_equal(handoff.waiting_count, 1);
	keep_refused = true;
	answer(&fakes[0], MESSAGE_REFUSED, 2, 1);
	assert_int_equal(told_refused, 2);
	assert_int_equal(handoff.waiting_count, 1);
	assert_int_equal(fakes[0].target.unanswered_count, 0);
	count_closed(3);
}

static void what_nobody_takes_can_be_called_back(void **state)
{
	struct transfer *transfer;

	(void)state;
	for (int i = 0; i < WORKERS; i++)
		fakes[i].eligible = false;
	offer(2);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	assert_null(handoff_take_stale(&handoff, 0));
	transfer = handoff_take_stale(&handoff, UINT64_MAX);
	assert_non_null(transfer);
	assert_int_equal(handoff.waiting_count, 1);
	handoff_wait(&handoff, transfer);
	assert_int_equal(handoff.waiting_count, 2);
	handoff_discard(&handoff, handoff_take_stale(&handoff, UINT64_MAX));
	assert_int_equal(count_closed(2), 1);
}

/* Every cut and every changed octet of a frame: refused, or read within its bounds. */
static void damaged_frames_are_refused(void **state)
{
	struct message_connections head = {.count = 2};
	struct handoff_item items[MESSAGE_BATCH];
	char data[sizeof(head) + 20] = {0};
	struct brood_frame frame = {.data = data};
	size_t whole = offsetof(struct message_connections, each) + 2 * sizeof(head.each[0]) + 20;

	(void)state;
	head.each[0].state_size = 15;
	head.each[1].state_size = 5;
	memcpy(data, &head, whole - 20);
	for (frame.size = 0; frame.size < sizeof(data); frame.size++)
		assert_int_equal(handoff_read(&frame, items), frame.size == whole ? 2 : -EBADMSG);
	frame.size = whole;
	for (size_t at = 0; at < whole - 20; at++) {
		char saved = data[at];

		data[at] ^= 0x41;
		if (handoff_read(&frame, items) > 0 && items[1].state)
			assert_true((const char *)items[1].state + items[1].state_size <= data + whole);
		data[at] = saved;
	}
	frame.fd_count = 3;
	assert_int_equal(handoff_read(&frame, items), -EBADMSG);
}

/* Whatever is taken from a giver must fit into a frame to whoever takes it, among others: what does not
 * would wait for ever, and hold up the rest. */
static void a_state_that_could_not_be_passed_on_is_refused(void **state)
{
	static char data[BROOD_CHANNEL_SIZE_MAX];
	struct message_connections *message = (void *)data;
	const size_t head = offsetof(struct message_connections, each) + sizeof(message->each[0]);
	struct handoff_item items[MESSAGE_BATCH];
	struct brood_frame frame = {.data = data};
	int ends[2];

	(void)state;
	message->count = 1;
	message->each[0].state_size = HANDOFF_STATE_MAX;
	frame.size = head + HANDOFF_STATE_MAX;
	assert_int_equal(handoff_read(&frame, items), 1);
	for (unsigned i = 0; i < 2 * MESSAGE_BATCH; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		clients[i] = ends[0];
		assert_non_null(handoff_offer(&handoff, ends[1], i, items[0].state, items[0].state_size));
	}
	for (unsigned i = 0; i < 2 * MESSAGE_BATCH && handoff.waiting_count > 0; i++) {
		handoff_flush(&handoff, MESSAGE_CONNECTIONS);
		for (int k = 0; k < WORKERS; k++) {
			brood_channel_drain(fakes[k].worker_end);
			answer(&fakes[k], MESSAGE_TAKEN, 0, fakes[k].count);
			fakes[k].count = 0;
			fakes[k].target.stuck = false;
		}
	}
	assert_int_equal(handoff.waiting_count, 0);
	count_closed(2 * MESSAGE_BATCH);

	for (size_t size = HANDOFF_STATE_MAX + 1; head + size <= sizeof(data); size++) {
		message->each[0].state_size = (uint32_t)size;
		frame.size = head + size;
		assert_int_equal(handoff_read(&frame, items), -EBADMSG);
	}
}

/* --- as many workers as there may be --- */

enum { MANY = MESSAGE_BATCH + 10 };

static struct handoff_target many[MANY];
static unsigned many_next;

static struct handoff_target *choose_next(void *context, const struct transfer *transfer)
{
	unsigned outgoing = 0;

	(void)context, (void)transfer;
	for (unsigned i = 0; i < MANY; i++)
		outgoing += many[i].outgoing_count;
	/* There is room for so many on the stack of who asks. */
	assert_in_range(outgoing, 0, MESSAGE_BATCH);
	return &many[many_next++ % MANY];
}

static void one_flush_reaches_more_workers_than_a_frame_has_room_for(void **state)
{
	static const struct handoff_rules many_rules = {.choose = choose_next};
	struct brood_channel *channels[MANY];
	int ends[2], worker_ends[MANY];

	(void)state;
	handoff_free(&handoff);
	assert_int_equal(handoff_init(&handoff, &many_rules, NULL), 0);
	many_next = 0;
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(brood_channel_pair(ends), 0);
		assert_int_equal(brood_channel_open(&channels[i], base, ends[0], &master_handlers, NULL), 0);
		worker_ends[i] = ends[1];
		handoff_target_init(&many[i], channels[i]);
	}
	offer(2 * MANY);
	handoff_flush(&handoff, MESSAGE_CONNECTIONS);
	assert_int_equal(handoff.waiting_count, 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(many[i].unanswered_count, 2);
		handoff_target_gone(&handoff, &many[i]);
		brood_channel_free(channels[i]);
		close(worker_ends[i]);
	}
	count_closed(2 * MANY);
}

static void answers_that_make_no_sense_are_found_out(void **state)
{
	struct message_ids message = {.count = 1, .ids = {4711}};
	struct brood_frame frame = {.type = MESSAGE_TAKEN, .data = &message, .size = 16};

	(void)state;
	assert_false(handoff_answer(&handoff, &fakes[0].target, &frame));
	message.count = MESSAGE_BATCH + 1;
	assert_false(handoff_answer(&handoff, &fakes[0].target, &frame));
	message.count = 2;
	assert_false(handoff_answer(&handoff, &fakes[0].target, &frame));
	frame.size = 3;
	assert_false(handoff_answer(&handoff, &fakes[0].target, &frame));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(connections_go_round_many_in_a_frame),
		TEST(the_copy_is_kept_until_taken),
		TEST(one_that_nobody_can_be_sent_costs_only_itself),
		TEST(what_is_refused_goes_to_another),
		TEST(what_a_dead_worker_did_not_take_goes_to_another),
		TEST(a_worker_that_does_not_answer_is_given_no_more_than_its_share),
		TEST(nothing_is_lost_while_nobody_can_take_it),
		TEST(states_travel_with_their_connections),
		TEST(states_that_do_not_fit_one_frame_go_in_several),
		TEST(the_giver_hears_what_became_of_it),
		TEST(what_nobody_takes_can_be_called_back),
		TEST(damaged_frames_are_refused),
		TEST(a_state_that_could_not_be_passed_on_is_refused),
		TEST(one_flush_reaches_more_workers_than_a_frame_has_room_for),
		TEST(answers_that_make_no_sense_are_found_out),
	};

	return cmocka_run_group_tests_name("handoff", tests, NULL, NULL);
}
