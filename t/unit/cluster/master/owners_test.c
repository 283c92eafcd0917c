/* SPDX-License-Identifier: MIT
 *
 * Whose a connection is while it goes from worker to worker, in every order of events up to a depth, and in long random
 * ones: always one's. Workers are no processes: what they are sent is noted, and answered when it is their turn. */
#include "master_fixture.h"

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

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 3, CONNECTIONS_MAX = 8, FIRST_FD = 100000, WAY_MAX = 64 };
enum { THE_MASTER = -1, NOBODY = -2 };

static struct connection {
	int owner;    /* a worker's number, or one of these */
	int giver;    /* who keeps a copy until it is told what became of it; or NOBODY */
	bool has_fd;  /* the master has a descriptor of it */
	bool refused; /* by somebody, once at least */
	bool has_moved;
} connections[CONNECTIONS_MAX];
static unsigned connection_count;

static struct hand {
	struct worker_process process;
	bool lives, full;
	struct {
		uint64_t id;
		unsigned connection;
	} sent[CONNECTIONS_MAX]; /* and not answered, oldest first */
	unsigned sent_count;
} hands[WORKERS];

static char channels[WORKERS]; /* their addresses are what counts */
static unsigned long events, taken, came_back, given_up;

/* --- what is not there --- */

uint64_t __wrap_clock_now_ms(void);
int __wrap_brood_channel_try(struct brood_channel *channel, const struct brood_frame *frame);
int __wrap_brood_channel_send(struct brood_channel *channel, const struct brood_frame *frame);
int __wrap_brood_channel_can_carry(int fd);
void __wrap_brood_channel_free(struct brood_channel *channel);
void __wrap_closer_put(struct closer *closer, int fd);
bool __wrap_socket_is_connection(int fd);
void __wrap_worker_process_kill(struct worker_process *worker, enum kill_reason why);

uint64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

static unsigned hand_of(const struct brood_channel *channel)
{
	return (unsigned)((const char *)channel - channels);
}

int __wrap_brood_channel_try(struct brood_channel *channel, const struct brood_frame *frame)
{
	struct hand *hand = &hands[hand_of(channel)];
	struct handoff_item items[MESSAGE_BATCH];
	int count;

	assert_true(hand->lives);
	assert_int_equal(frame->type, MESSAGE_CONNECTIONS);
	if (hand->full)
		return -EAGAIN;
	count = handoff_read(frame, items);
	assert_int_equal(count, frame->fd_count);
	for (int i = 0; i < count; i++) {
		unsigned number = (unsigned)(frame->fds[i] - FIRST_FD);

		assert_int_equal(connections[number].owner, THE_MASTER);
		hand->sent[hand->sent_count].id = items[i].id;
		hand->sent[hand->sent_count++].connection = number;
	}
	return 0;
}

/* What became of it: to who gave it. */
int __wrap_brood_channel_send(struct brood_channel *channel, const struct brood_frame *frame)
{
	const struct message_ids *message = frame->data;
	struct connection *connection = &connections[message->ids[0] - 1];
	int giver = (int)hand_of(channel);

	assert_int_equal(message->count, 1);
	assert_int_equal(connection->giver, giver);
	connection->giver = NOBODY;
	if (frame->type == MESSAGE_TAKEN) {
		assert_true(connection->owner >= 0);
		return 0;
	}
	assert_int_equal(frame->type, MESSAGE_REFUSED);
	assert_int_equal(connection->owner, THE_MASTER);
	connection->owner = giver;
	came_back++;
	return 0;
}

int __wrap_brood_channel_can_carry(int fd)
{
	(void)fd;
	return 0;
}

void __wrap_brood_channel_free(struct brood_channel *channel)
{
	(void)channel;
}

/* Where nobody has it any more it was given up: its giver is gone, and the others do not understand it. */
void __wrap_closer_put(struct closer *closer, int fd)
{
	struct connection *connection = &connections[fd - FIRST_FD];

	(void)closer;
	assert_true(connection->has_fd);
	connection->has_fd = false;
	if (connection->owner != THE_MASTER)
		return;
	assert_int_equal(connection->giver, NOBODY);
	assert_true(connection->refused && connection->has_moved);
	connection->owner = NOBODY;
	given_up++;
}

bool __wrap_socket_is_connection(int fd)
{
	(void)fd;
	return true;
}

void __wrap_worker_process_kill(struct worker_process *worker, enum kill_reason why)
{
	(void)worker;
	fail_msg("a worker is ended: %s", kill_reason_words(why));
}

/* --- events --- */

static void say(struct hand *hand, struct brood_frame *frame)
{
	master.worker_handlers->frame(&hand->process, frame);
}

/* A client has come. */
static bool comes(void)
{
	unsigned number = connection_count;

	if (number == CONNECTIONS_MAX)
		return false;
	connection_count++;
	connections[number] = (struct connection){.owner = THE_MASTER, .giver = NOBODY, .has_fd = true};
	assert_non_null(handoff_offer(&master.handoff, FIRST_FD + (int)number, 1, NULL, 0));
	dispatch_resume(&master);
	return true;
}

static bool gives(unsigned giver)
{
	static struct {
		struct message_connections head;
		char state[8];
	} message;
	size_t size = offsetof(struct message_connections, each) + sizeof(message.head.each[0]);
	unsigned number = 0;
	int fd;
	struct brood_frame frame = {
		.type = MESSAGE_GIVE, .data = &message, .size = size + 5, .fds = &fd, .fd_count = 1};

	while (number < connection_count && connections[number].owner != (int)giver)
		number++;
	if (number == connection_count)
		return false;
	connections[number] =
		(struct connection){.owner = THE_MASTER, .giver = (int)giver, .has_fd = true, .has_moved = true};
	message.head.count = 1;
	message.head.each[0].id = number + 1;
	message.head.each[0].state_size = 5;
	memcpy((char *)&message + size, "moved", 5);
	fd = FIRST_FD + (int)number;
	say(&hands[giver], &frame);
	assert_int_equal(fd, -1);
	return true;
}

static bool answers(unsigned number, enum message_type type)
{
	struct hand *hand = &hands[number];
	struct message_ids message = {.count = 1, .ids = {hand->sent[0].id}};
	struct brood_frame frame = {.type = type, .data = &message, .size = offsetof(struct message_ids, ids) + 8};
	struct connection *connection = &connections[hand->sent[0].connection];

	if (hand->sent_count == 0)
		return false;
	memmove(hand->sent, hand->sent + 1, --hand->sent_count * sizeof(hand->sent[0]));
	assert_int_equal(connection->owner, THE_MASTER);
	if (type == MESSAGE_TAKEN) {
		struct board_record *record = worker_process_record(&hand->process);

		board_store64(&record->opened, board_load64(&record->opened) + 1);
		board_store64(&record->taken, board_load64(&record->taken) + 1);
		connection->owner = (int)number;
		taken++;
	} else {
		connection->refused = true;
	}
	say(hand, &frame);
	return true;
}

static void dies(unsigned number)
{
	struct hand *hand = &hands[number];

	hand->lives = false;
	hand->sent_count = 0;
	for (unsigned i = 0; i < connection_count; i++) {
		if (connections[i].owner == (int)number)
			connections[i].owner = NOBODY;
		if (connections[i].giver == (int)number)
			connections[i].giver = NOBODY;
	}
	master.slots[number]->state = SLOT_EMPTY;
	master.slots[number]->current = NULL;
	list_remove(&hand->process.link);
	master.worker_handlers->closed(&hand->process, 0);
}

static void time_goes(void)
{
	now_ms += 300;
	for (unsigned i = 0; i < WORKERS; i++)
		board_store64(&worker_process_record(&hands[i].process)->heartbeat_ms, now_ms);
	dispatch_tick(&master, now_ms);
}

enum { GIVES, TAKES, REFUSES, FULL, STANDS_STILL, DIES, KINDS, EVENT_COUNT = KINDS * WORKERS + 2 };

static bool happen_to(unsigned number, unsigned kind)
{
	struct hand *hand = &hands[number];

	if (!hand->lives)
		return false;
	switch (kind) {
	case GIVES:
		return hand->process.life == WORKER_RUNS && gives(number);
	case TAKES:
	case REFUSES:
		return hand->process.life == WORKER_RUNS &&
		       answers(number, kind == TAKES ? MESSAGE_TAKEN : MESSAGE_REFUSED);
	case FULL: /* or there is room again */
		hand->full = !hand->full;
		return true;
	case STANDS_STILL:
		hand->process.life = hand->process.life == WORKER_RUNS ? WORKER_STANDS_STILL : WORKER_RUNS;
		return true;
	default:
		dies(number);
		return true;
	}
}

static bool happen(unsigned number)
{
	events++;
	if (number < KINDS * WORKERS)
		return happen_to(number % WORKERS, number / WORKERS);
	if (number == KINDS * WORKERS)
		return comes();
	time_goes();
	return true;
}

/* --- what always holds --- */

static unsigned count(const struct list *transfers, unsigned *of, unsigned *given)
{
	unsigned all = 0;

	for (const struct list *at = transfers->next; at != transfers; at = at->next, all++) {
		const struct transfer *transfer = LIST_ENTRY(at, struct transfer, link);

		of[transfer->fd - FIRST_FD]++;
		given[transfer->giver]++;
	}
	return all;
}

static void check(void)
{
	unsigned of[CONNECTIONS_MAX] = {0}, given[WORKERS + 1] = {0};

	assert_int_equal(count(&master.handoff.waiting, of, given), master.handoff.waiting_count);
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct handoff_target *target = &hands[i].process.target;

		if (!hands[i].lives)
			continue;
		assert_true(list_empty(&target->outgoing));
		assert_int_equal(count(&target->unanswered, of, given), target->unanswered_count);
		assert_int_equal(target->unanswered_count, hands[i].sent_count);
	}
	for (unsigned i = 0; i < connection_count; i++) {
		assert_int_equal(connections[i].has_fd, connections[i].owner == THE_MASTER);
		assert_int_equal(of[i], connections[i].owner == THE_MASTER);
		assert_true(connections[i].owner == THE_MASTER || connections[i].giver == NOBODY);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_true(!hands[i].lives || hands[i].process.given_away == given[i + 1]);
}

/* --- and how it ends --- */

/* Everybody is well: nothing stays where it is on its way only. */
static void come_to_rest(void)
{
	unsigned living = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		living += hands[i].lives;
		hands[i].full = false;
		hands[i].process.life = WORKER_RUNS;
	}
	for (unsigned turn = 0; turn < 24 && living > 0; turn++) {
		time_goes();
		check();
		for (unsigned i = 0; i < WORKERS; i++)
			while (hands[i].lives && answers(i, MESSAGE_TAKEN))
				check();
	}
	for (unsigned i = 0; i < connection_count && living > 0; i++)
		assert_int_not_equal(connections[i].owner, THE_MASTER);
}

/* --- all of it --- */

/* Each has one connection, and one more is with the first. */
static void begin(void)
{
	connection_count = 0;
	for (unsigned i = 0; i < WORKERS; i++) {
		struct worker_process *worker = &hands[i].process;

		hands[i] = (struct hand){.lives = true};
		*worker = (struct worker_process){.master = &master,
						  .serial = i + 1,
						  .slot = i,
						  .pid = (pid_t)(FIRST_FD + i),
						  .phase = WORKER_SERVING,
						  .ready_ms = 1,
						  .channel = (struct brood_channel *)(void *)&channels[i]};
		handoff_target_init(&worker->target, worker->channel);
		list_init(&worker->link);
		list_append(&master.workers, &worker->link);
		*worker_process_record(worker) = (struct board_record){.heartbeat_ms = now_ms};
		master.slots[i]->state = SLOT_SERVING;
		master.slots[i]->current = worker;
	}
	for (unsigned i = 0; i <= WORKERS; i++) {
		struct board_record *record = worker_process_record(&hands[i % WORKERS].process);

		connections[connection_count++] = (struct connection){.owner = (int)(i % WORKERS), .giver = NOBODY};
		board_store64(&record->opened, board_load64(&record->opened) + 1);
	}
}

static void end(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (hands[i].lives)
			handoff_target_gone(&master.handoff, &hands[i].process.target);
	while (!list_empty(&master.handoff.waiting)) {
		struct transfer *transfer = LIST_ENTRY(master.handoff.waiting.next, struct transfer, link);

		connections[transfer->fd - FIRST_FD] =
			(struct connection){.owner = NOBODY, .giver = NOBODY, .has_fd = true};
		handoff_discard(&master.handoff, transfer);
	}
	master.handoff.waiting_count = 0;
	list_init(&master.workers);
}

/* False: the last event of it cannot happen then. */
static bool go(const unsigned *way, unsigned length)
{
	bool whole = true;

	begin();
	for (unsigned i = 0; i < length && whole; i++) {
		whole = happen(way[i]);
		check();
	}
	if (whole)
		come_to_rest();
	end();
	return whole;
}

static unsigned way[WAY_MAX], way_length;

static void explore(unsigned depth)
{
	for (unsigned number = 0; number < EVENT_COUNT; number++) {
		way[way_length++] = number;
		if (go(way, way_length) && depth > 1)
			explore(depth - 1);
		way_length--;
	}
}

static void every_order(void **state)
{
	(void)state;
	explore(getenv("BROOD_TEST_LONG") ? 5 : 4);
}

static void long_ways(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (unsigned course = 0; course < 4000; course++) {
		begin();
		for (way_length = 0; way_length < WAY_MAX; way_length++) {
			random = random * 1664525u + 1013904223u;
			way[way_length] = (random >> 8) % EVENT_COUNT;
			if (way[way_length] / WORKERS == DIES && (random >> 4) % 8 > 0)
				way[way_length] = EVENT_COUNT - 1;
			happen(way[way_length]);
			check();
		}
		come_to_rest();
		end();
	}
	way_length = 0;
}

static void and_all_of_it_was_seen(void **state)
{
	(void)state;
	print_message("%lu events: %lu were taken, %lu came back, %lu were given up\n", events, taken, came_back,
		      given_up);
	assert_true(taken > 1000 && came_back > 100 && given_up > 0);
}

static int set_up(void **state)
{
	(void)state;
	master_set_up(CLUSTER_ACCEPT_HANDOFF, WORKERS);
	master.slot_count = WORKERS;
	assert_int_equal(slots_make_room(&master, WORKERS), 0);
	way_length = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (way_length > 0) {
		print_message("events:");
		for (unsigned i = 0; i < way_length; i++)
			print_message(" %u", way[i]);
		print_message("\n");
	}
	for (unsigned i = 0; i < WORKERS; i++)
		master.slots[i]->current = NULL;
	master_tear_down();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_ways, set_up, tear_down),
		cmocka_unit_test(and_all_of_it_was_seen),
	};

	return cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}
