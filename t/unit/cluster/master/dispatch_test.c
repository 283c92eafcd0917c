/* SPDX-License-Identifier: MIT
 *
 * Who gets the connections that the master hands out. The workers are channels whose other ends answer when the
 * test says so; time stands still. */
#include "master_fixture.h"

#include "base/fd.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/slots.h"
#include "cluster/master/worker_process.h"

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

enum { SLOTS = 3, UNEVEN_MAX = 16, FIRST_PID = 200000000 };

static struct worker_process *workers[SLOTS];
static int ends[SLOTS]; /* the workers' of the channels */

static bool no_memory; /* for what is offered */
static unsigned discarded;

uint64_t __wrap_clock_now_ms(void);
struct transfer *__wrap_handoff_offer(struct handoff *handoff, int fd, unsigned listener, const void *state,
				      size_t state_size);
struct transfer *__real_handoff_offer(struct handoff *handoff, int fd, unsigned listener, const void *state,
				      size_t state_size);
void __wrap_closer_put(struct closer *closer, int fd);

uint64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

struct transfer *__wrap_handoff_offer(struct handoff *handoff, int fd, unsigned listener, const void *state,
				      size_t state_size)
{
	return no_memory ? NULL : __real_handoff_offer(handoff, fd, listener, state, state_size);
}

void __wrap_closer_put(struct closer *closer, int fd)
{
	(void)closer;
	discarded++;
	fd_close(&fd);
}

/* --- workers --- */

static void add_worker(unsigned slot)
{
	struct worker_process like = {.serial = ++master.last_serial,
				      .slot = slot,
				      .pid = (pid_t)(FIRST_PID + slot),
				      .phase = WORKER_SERVING,
				      .record = board_take_record(&master.boards[slot]),
				      .started_ms = 1,
				      .ready_ms = 2};
	int pair[2];

	assert_int_equal(brood_channel_pair(pair), 0);
	ends[slot] = pair[1];
	workers[slot] = worker_process_restore(&master, &like, pair[0], 0);
	assert_non_null(workers[slot]);
	board_store64(&worker_process_record(workers[slot])->heartbeat_ms, now_ms);
	master.slots[slot]->state = SLOT_SERVING;
	master.slots[slot]->current = workers[slot];
}

static void holds(unsigned slot, unsigned connections)
{
	board_store64(&worker_process_record(workers[slot])->opened, connections);
}

static unsigned sent_to(unsigned slot)
{
	return workers[slot]->target.unanswered_count;
}

/* It answers for the oldest ones that it was sent. One that takes counts so before it says so. */
static void answer(unsigned slot, enum message_type type, unsigned count)
{
	struct handoff_target *target = &workers[slot]->target;
	struct board_record *record = worker_process_record(workers[slot]);

	for (unsigned i = 0; i < count; i++) {
		struct message_ids message = {.count = 1,
					      .ids = {LIST_ENTRY(target->unanswered.next, struct transfer, link)->id}};
		struct brood_frame frame = {
			.type = type, .data = &message, .size = offsetof(struct message_ids, ids) + 8};

		if (type == MESSAGE_TAKEN) {
			board_store64(&record->opened, board_load64(&record->opened) + 1);
			board_store64(&record->taken, board_load64(&record->taken) + 1);
		}
		assert_true(handoff_answer(&master.handoff, target, &frame));
	}
	target->stuck = false; /* as the next tick has it */
}

static char packet[8 + BROOD_CHANNEL_SIZE_MAX];

/* Its channel has room again; what was passed along it is closed. */
static void read_all(unsigned slot)
{
	while (recv(ends[slot], packet, sizeof(packet), MSG_DONTWAIT) > 0)
		continue;
}

static void offer(unsigned count, bool has_moved)
{
	for (unsigned i = 0; i < count; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		close(pair[1]);
		assert_non_null(
			handoff_offer(&master.handoff, pair[0], 1, has_moved ? "moved" : NULL, has_moved ? 5 : 0));
	}
	handoff_flush(&master.handoff, MESSAGE_CONNECTIONS);
}

/* --- set-up --- */

static int set_up(void **state)
{
	(void)state;
	no_memory = false;
	discarded = 0;
	master_set_up(CLUSTER_ACCEPT_HANDOFF, SLOTS);
	master.slot_count = SLOTS;
	assert_int_equal(slots_make_room(&master, SLOTS), 0);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		add_worker(slot);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		handoff_target_gone(&master.handoff, &workers[slot]->target);
		brood_channel_free(workers[slot]->channel);
		event_free(workers[slot]->timer);
		free(workers[slot]);
		master.slots[slot]->current = NULL;
		close(ends[slot]);
	}
	master_tear_down();
	return 0;
}

/* --- which worker --- */

static void one_that_moves_during_a_roll_goes_where_it_can_stay(void **state)
{
	(void)state;
	holds(0, 1000);
	master.roll.phase = ROLL_FORWARD;
	workers[0]->next_kind = true; /* of the kind that the roll leads to */
	offer(10, true);
	assert_int_equal(sent_to(0), 10);
	offer(10, false); /* a new one has not moved yet */
	assert_int_equal(sent_to(0), 10);
	assert_int_equal(sent_to(1), 5);
	assert_int_equal(sent_to(2), 5);
}

static void so_it_does_not_on_the_way_back(void **state)
{
	(void)state;
	holds(0, 1000);
	master.roll.phase = ROLL_BACK;
	workers[0]->next_kind = true;
	offer(10, true);
	assert_int_equal(sent_to(0), 0);
}

static void nor_when_nobody_of_that_kind_can_take_it(void **state)
{
	(void)state;
	master.roll.phase = ROLL_FORWARD;
	workers[0]->next_kind = true;
	workers[0]->life = WORKER_STANDS_STILL;
	offer(10, true);
	assert_int_equal(sent_to(1) + sent_to(2), 10);
}

/* The one with the fewest has all on its way that may be. */
static void one_that_moves_waits_for_a_worker_that_has_many_fewer(void **state)
{
	const unsigned enough = HANDOFF_UNANSWERED_MAX + UNEVEN_MAX;

	(void)state;
	workers[2]->life = WORKER_STANDS_STILL;
	holds(1, 10000);
	offer(HANDOFF_UNANSWERED_MAX, true);
	assert_int_equal(sent_to(0), HANDOFF_UNANSWERED_MAX);
	holds(1, enough + 1);
	offer(1, true);
	assert_int_equal(master.handoff.waiting_count, 1);
	answer(0, MESSAGE_TAKEN, 1);
	handoff_flush(&master.handoff, MESSAGE_CONNECTIONS);
	assert_int_equal(master.handoff.waiting_count, 0);
	assert_int_equal(sent_to(1), 0);
	/* Not for one that has hardly fewer. */
	holds(1, enough + 1);
	offer(1, true);
	assert_int_equal(master.handoff.waiting_count, 0);
	assert_int_equal(sent_to(1), 1);
}

static void many_that_move_at_once_are_spread_evenly(void **state)
{
	unsigned least = UINT32_MAX, most = 0;

	(void)state;
	holds(0, 100);
	offer(400, true);
	for (unsigned round = 0; round < 100 && master.handoff.waiting_count > 0; round++) {
		unsigned slot = round % SLOTS;

		read_all(slot);
		answer(slot, MESSAGE_TAKEN, sent_to(slot) < MESSAGE_BATCH ? sent_to(slot) : MESSAGE_BATCH);
		handoff_flush(&master.handoff, MESSAGE_CONNECTIONS);
	}
	assert_int_equal(master.handoff.waiting_count, 0);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		unsigned has = (unsigned)board_connections(worker_process_record(workers[slot])) + sent_to(slot);

		least = has < least ? has : least;
		most = has > most ? has : most;
	}
	assert_in_range(most - least, 0, UNEVEN_MAX);
}

/* What it has refused is settled once: else it would seem to have less on its way than it has. */
static void who_has_refused_some_still_has_the_rest(void **state)
{
	(void)state;
	workers[1]->life = workers[2]->life = WORKER_STANDS_STILL;
	offer(4, true);
	assert_int_equal(sent_to(0), 4);
	answer(0, MESSAGE_REFUSED, 2);
	workers[1]->life = WORKER_RUNS;
	handoff_flush(&master.handoff, MESSAGE_CONNECTIONS);
	assert_int_equal(sent_to(0), 2);
	assert_int_equal(sent_to(1), 2);
}

/* --- accepting --- */

static int connect_client(void)
{
	const struct address *address = &master.listeners.all[0].address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&address->storage, address->size), 0);
	assert_int_equal(send(fd, "?", 1, 0), 1); /* one that says nothing is not shown at once */
	return fd;
}

/* It has refused, or its channel was full: after a pause it is asked again, before a tick. */
static void after_a_pause_who_was_stuck_is_tried_again(void **state)
{
	int client;

	(void)state;
	workers[1]->life = workers[2]->life = WORKER_STANDS_STILL;
	workers[0]->target.stuck = true;
	dispatch_follow_mode(&master);
	client = connect_client();
	for (unsigned turn = 0; turn < 25 && sent_to(0) == 0; turn++)
		event_base_loop(master.base, EVLOOP_ONCE);
	assert_int_equal(sent_to(0), 1);
	close(client);
}

static void one_that_there_is_no_memory_for_is_let_go(void **state)
{
	int client;

	(void)state;
	no_memory = true;
	dispatch_follow_mode(&master);
	client = connect_client();
	event_base_loop(master.base, EVLOOP_ONCE);
	assert_int_equal(discarded, 1);
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(one_that_moves_during_a_roll_goes_where_it_can_stay),
		TEST(so_it_does_not_on_the_way_back),
		TEST(nor_when_nobody_of_that_kind_can_take_it),
		TEST(one_that_moves_waits_for_a_worker_that_has_many_fewer),
		TEST(many_that_move_at_once_are_spread_evenly),
		TEST(who_has_refused_some_still_has_the_rest),
		TEST(after_a_pause_who_was_stuck_is_tried_again),
		TEST(one_that_there_is_no_memory_for_is_let_go),
	};

	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
