/* SPDX-License-Identifier: MIT
 *
 * Handing connections over: each ends up with exactly one worker, whatever these do. The workers are the
 * far ends of channels in this process. */
#include "cluster/handoff.h"

#include "base/clock.h"
#include "brood/channel.h"
#include "cluster/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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
	struct message_connections last;
	uint64_t ids[CONNECTIONS_MAX];
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
	const struct message_connections *message = frame->data;

	assert_int_equal(frame->type, MESSAGE_CONNECTIONS);
	assert_int_equal(frame->fd_count, message->count);
	fake->frames++;
	for (unsigned i = 0; i < message->count; i++)
		fake->ids[fake->count++] = message->each[i].id;
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

static const struct brood_channel_handlers worker_handlers = {on_worker_frame, on_closed};
static const struct brood_channel_handlers master_handlers = {on_master_frame, on_closed};

static struct handoff_target *choose(void *context)
{
	(void)context;
	for (unsigned i = 0; i < WORKERS; i++) {
		struct fake *fake = &fakes[(turn + i) % WORKERS];

		if (!fake->eligible || !handoff_target_has_room(&fake->target, clock_now_ms()))
			continue;
		turn = (turn + i + 1) % WORKERS;
		return &fake->target;
	}
	return NULL;
}

static int set_up(void **state)
{
	int ends[2];

	(void)state;
	base = event_base_new();
	turn = 0;
	handoff_init(&handoff, choose, NULL);
	for (int i = 0; i < WORKERS; i++) {
		memset(&fakes[i], 0, sizeof(fakes[i]));
		if (brood_channel_pair(ends) < 0 ||
		    brood_channel_open(&fakes[i].master_end, base, ends[0], &master_handlers,
				       &fakes[i]) < 0 ||
		    brood_channel_open(&fakes[i].worker_end, base, ends[1], &worker_handlers,
				       &fakes[i]) < 0)
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
		handoff_offer(&handoff, ends[1], i);
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
	struct message_ids message = {.count = count};
	struct brood_frame frame = {.type = type,
				    .data = &message,
				    .size = offsetof(struct message_ids, ids) + count * 8};

	memcpy(message.ids, fake->ids + from, count * 8);
	assert_int_equal(brood_channel_send(fake->worker_end, &frame), 0);
	brood_channel_drain(fake->master_end);
}

static void connections_go_round_many_in_a_frame(void **state)
{
	(void)state;
	offer(60);
	handoff_flush(&handoff);
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
	handoff_flush(&handoff);
	brood_channel_drain(fakes[0].worker_end);
	assert_int_equal(fakes[0].target.unanswered_count, 2);
	answer(&fakes[0], MESSAGE_TAKEN, 0, 1);
	assert_int_equal(fakes[0].target.unanswered_count, 1);
	/* The fake worker has closed its copies, so a closed one is one that the master let go. */
	assert_int_equal(count_closed(2), 1);
}

static void what_is_refused_goes_to_another(void **state)
{
	(void)state;
	fakes[2].eligible = false;
	offer(2);
	handoff_flush(&handoff);
	brood_channel_drain(fakes[0].worker_end);
	brood_channel_drain(fakes[1].worker_end);
	answer(&fakes[0], MESSAGE_REFUSED, 0, 1);
	assert_int_equal(handoff.waiting_count, 1);
	handoff_flush(&handoff);
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
	handoff_flush(&handoff);
	brood_channel_drain(fakes[0].worker_end);
	/* Its last words: four taken. Then it is gone. */
	answer(&fakes[0], MESSAGE_TAKEN, 0, 4);
	handoff_target_gone(&handoff, &fakes[0].target);
	assert_int_equal(handoff.waiting_count, 6);
	fakes[0].eligible = false;
	fakes[1].eligible = true;
	handoff_flush(&handoff);
	brood_channel_drain(fakes[1].worker_end);
	assert_int_equal(fakes[1].count, 6);
	assert_int_equal(count_closed(10), 4);
}

static void a_worker_that_does_not_answer_is_given_no_more_than_its_share(void **state)
{
	(void)state;
	fakes[1].eligible = fakes[2].eligible = false;
	offer(200);
	handoff_flush(&handoff);
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
	handoff_flush(&handoff);
	assert_int_equal(handoff.waiting_count, 5);
	fakes[2].eligible = true;
	handoff_flush(&handoff);
	brood_channel_drain(fakes[2].worker_end);
	assert_int_equal(fakes[2].count, 5);
	assert_int_equal(count_closed(5), 0);
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
		TEST(what_is_refused_goes_to_another),
		TEST(what_a_dead_worker_did_not_take_goes_to_another),
		TEST(a_worker_that_does_not_answer_is_given_no_more_than_its_share),
		TEST(nothing_is_lost_while_nobody_can_take_it),
		TEST(answers_that_make_no_sense_are_found_out),
	};

	return cmocka_run_group_tests_name("handoff", tests, NULL, NULL);
}
