/* SPDX-License-Identifier: MIT
 *
 * Supervisor, slots, rolling and stopping with workers that are no processes, in every order of events up to a depth,
 * and in long random ones. After each event the rules below hold (check), and wherever it stops, once nothing more
 * goes wrong the server comes to rest as it should (come_to_rest). */
#include "master_fixture.h"

#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/common.h"
#include "cluster/master/rolling.h"
#include "cluster/master/slots.h"
#include "cluster/master/stopping.h"
#include "cluster/master/supervisor.h"
#include "cluster/master/worker_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 3, WORKERS_MAX = 16, TIMERS_MAX = SLOTS + 2, MOMENT_MS = 400 };

/* All that there is: copied to be returned to. What it points to stays where it is. */
static struct world {
	struct master master;
	struct slot slots[SLOTS];
	struct listener listener;
	struct worker_process workers[WORKERS_MAX]; /* pid 0: not in use */
	bool pending[TIMERS_MAX];
	struct told told;
	uint64_t now_ms;
	int last_pid;
	bool cannot_start; /* the next one */
	bool has_left;
} world;

static struct worker_process *const workers = world.workers;
static struct event *timers[TIMERS_MAX];
static char channel; /* its address is one for all */
static bool exploring;
static unsigned long events, courses, rolls_done, rolls_failed, stops;

static void save(struct world *to)
{
	world.master = master;
	for (unsigned i = 0; i < SLOTS; i++)
		world.slots[i] = *master.slots[i];
	world.listener = master.listeners.all[0];
	world.told = told;
	world.now_ms = now_ms;
	*to = world;
}

static void return_to(const struct world *from)
{
	world = *from;
	master = world.master;
	for (unsigned i = 0; i < SLOTS; i++)
		*master.slots[i] = world.slots[i];
	master.listeners.all[0] = world.listener;
	told = world.told;
	now_ms = world.now_ms;
}

/* --- what is not there --- */

uint64_t __wrap_clock_now_ms(void);
int __wrap_event_add(struct event *event, const struct timeval *delay);
int __wrap_event_del(struct event *event);
int __wrap_event_pending(const struct event *event, short what, struct timeval *due);
int __wrap_event_base_loopexit(struct event_base *base, const struct timeval *delay);
int __wrap_brood_channel_send(struct brood_channel *to, const struct brood_frame *frame);
void __wrap_brood_channel_drain(struct brood_channel *from);
bool __wrap_listeners_close_doors(const struct listeners *listeners);
void __wrap_listeners_close(struct listeners *listeners);
void __real_listeners_close(struct listeners *listeners);
void __wrap_obituary_of_end(struct worker_process *worker, const struct brood_process_end *end);
void __wrap_obituary_last_words(const struct worker_process *worker, char *out, size_t room);
struct worker_process *__wrap_worker_process_start(struct master *of, struct slot *slot, bool next_kind,
						   struct start_failure *failure);
void __wrap_worker_process_serve(struct worker_process *worker);
void __wrap_worker_process_drain(struct worker_process *worker);
void __wrap_worker_process_stop(struct worker_process *worker);
void __wrap_worker_process_announce_stop(struct worker_process *worker);
void __wrap_worker_process_kill(struct worker_process *worker, enum kill_reason why);
void __wrap_worker_process_send(struct worker_process *worker, const struct brood_frame *frame);
void __wrap_worker_process_let_go(struct worker_process *worker);
void __wrap_worker_process_free(struct worker_process *worker);

uint64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

static bool *pending(const struct event *event)
{
	static bool other;

	for (unsigned i = 0; i < TIMERS_MAX; i++)
		if (timers[i] == event)
			return &world.pending[i];
	return &other;
}

int __wrap_event_add(struct event *event, const struct timeval *delay)
{
	(void)delay;
	*pending(event) = true;
	return 0;
}

int __wrap_event_del(struct event *event)
{
	*pending(event) = false;
	return 0;
}

int __wrap_event_pending(const struct event *event, short what, struct timeval *due)
{
	(void)what, (void)due;
	return *pending(event);
}

int __wrap_event_base_loopexit(struct event_base *base, const struct timeval *delay)
{
	(void)base, (void)delay;
	world.has_left = true;
	return 0;
}

int __wrap_brood_channel_send(struct brood_channel *to, const struct brood_frame *frame)
{
	(void)to, (void)frame;
	return 0;
}

void __wrap_brood_channel_drain(struct brood_channel *from)
{
	(void)from;
}

bool __wrap_listeners_close_doors(const struct listeners *listeners)
{
	(void)listeners;
	return true;
}

void __wrap_listeners_close(struct listeners *listeners)
{
	if (!exploring)
		__real_listeners_close(listeners);
}

void __wrap_obituary_of_end(struct worker_process *worker, const struct brood_process_end *end)
{
	(void)worker, (void)end;
}

void __wrap_obituary_last_words(const struct worker_process *worker, char *out, size_t room)
{
	(void)worker, (void)room;
	out[0] = '\0';
}

/* --- workers --- */

struct worker_process *__wrap_worker_process_start(struct master *of, struct slot *slot, bool next_kind,
						   struct start_failure *failure)
{
	unsigned at = 0;

	assert_int_equal(of->state, MASTER_RUNNING);
	while (at < WORKERS_MAX && workers[at].pid != 0)
		at++;
	if (at == WORKERS_MAX || world.cannot_start) {
		world.cannot_start = false;
		*failure = (struct start_failure){.what = "", .error = 11};
		return NULL;
	}
	failure->what = NULL;
	workers[at] = (struct worker_process){.master = of,
					      .serial = ++of->last_serial,
					      .slot = slot->index,
					      .next_kind = next_kind,
					      .generation = next_kind ? of->next_generation : of->generation,
					      .pid = ++world.last_pid,
					      .phase = WORKER_STARTING,
					      .channel = (struct brood_channel *)(void *)&channel};
	handoff_target_init(&workers[at].target, NULL);
	list_init(&workers[at].link);
	list_append(&of->workers, &workers[at].link);
	return &workers[at];
}

void __wrap_worker_process_serve(struct worker_process *worker)
{
	worker->phase = WORKER_SERVING;
	worker->ready_ms = now_ms;
}

/* A roll never makes two of a slot. */
void __wrap_worker_process_drain(struct worker_process *worker)
{
	const struct slot *slot = master.slots[worker->slot];
	const struct roll *roll = &master.roll;
	bool rolls = roll->started && roll->slot == worker->slot;

	if (rolls && slot->index < master.slot_count && !slot->disabled)
		assert_false(slot_is_draining(slot));
	worker->phase = WORKER_DRAINING;
}

void __wrap_worker_process_stop(struct worker_process *worker)
{
	worker->phase = WORKER_DRAINING;
}

void __wrap_worker_process_announce_stop(struct worker_process *worker)
{
	(void)worker;
}

void __wrap_worker_process_kill(struct worker_process *worker, enum kill_reason why)
{
	if (worker->killed == KILL_NOT)
		worker->killed = why;
}

void __wrap_worker_process_send(struct worker_process *worker, const struct brood_frame *frame)
{
	(void)worker, (void)frame;
}

void __wrap_worker_process_let_go(struct worker_process *worker)
{
	list_remove(&worker->link);
}

void __wrap_worker_process_free(struct worker_process *worker)
{
	assert_int_not_equal(worker->pid, 0);
	*worker = (struct worker_process){.pid = 0};
}

/* --- events --- */

enum event_kind {
	/* of a worker */
	READY,
	HANDED_OVER,
	ASKS_FOR_A_SUCCESSOR,
	TIME_IS_UP, /* start_timeout, or drain_timeout */
	STANDS_STILL,
	GOES_ON,
	ENDS,  /* as it was told; or by its own fault */
	FAILS, /* for good */
	IS_SHOT,
	WORKER_EVENTS,
	/* of a slot */
	TRIED_AGAIN = WORKER_EVENTS,
	DISABLED,
	ENABLED,
	SLOT_EVENTS_END,
	/* of the server */
	RELOADED = SLOT_EVENTS_END,
	RELOADED_IN_VAIN,
	RESTARTED,
	SCALED_UP,
	SCALED_DOWN,
	SHORT_OF_PROCESSES,
	STOPPED,
	STOPPED_NOW,
	LAST_CALL,
	DEADLINE,
	EVENT_KINDS
};

static void say(struct worker_process *worker, enum message_type type)
{
	struct brood_frame frame = {.type = type};

	master.worker_handlers->frame(worker, &frame);
}

static void end(struct worker_process *worker, int code, int number)
{
	struct brood_process_end how = {.pid = worker->pid, .exit_code = number ? -1 : code, .signal = number};

	supervisor_ended(worker, &how);
}

static bool fire(struct event *timer)
{
	if (!*pending(timer))
		return false;
	*pending(timer) = false;
	event_get_callback(timer)(-1, EV_TIMEOUT, event_get_callback_arg(timer));
	return true;
}

/* False: that cannot happen to it now. */
static bool happen_to_worker(struct worker_process *worker, enum event_kind kind)
{
	bool killed = worker->killed != KILL_NOT, starts = worker->phase == WORKER_STARTING;

	if (worker->pid == 0)
		return false;
	switch (kind) {
	case READY: /* also of one that is killed: that crosses */
		return starts && worker->life == WORKER_RUNS && (say(worker, MESSAGE_READY), true);
	case HANDED_OVER:
		return worker->phase == WORKER_DRAINING && !worker->handed_over && worker->life == WORKER_RUNS &&
		       (say(worker, MESSAGE_HANDED_OVER), true);
	case ASKS_FOR_A_SUCCESSOR:
		return worker->phase == WORKER_SERVING && worker->life == WORKER_RUNS &&
		       (say(worker, MESSAGE_REPLACE), true);
	case TIME_IS_UP:
		if (killed || worker->phase == WORKER_SERVING)
			return false;
		worker_process_kill(worker, starts ? KILL_START_TIMEOUT : KILL_DRAIN_TIMEOUT);
		return true;
	case STANDS_STILL:
	case GOES_ON:
		if (killed || (worker->life == WORKER_RUNS) != (kind == STANDS_STILL))
			return false;
		supervisor_changed(&master, worker->pid, kind == STANDS_STILL);
		return true;
	case ENDS:
		end(worker, worker->phase != WORKER_DRAINING, killed ? SIGKILL : 0);
		return true;
	case FAILS:
		return !killed && starts && (end(worker, CLUSTER_EXIT_FATAL, 0), true);
	case IS_SHOT:
		return !killed && worker->phase != WORKER_DRAINING && (end(worker, 0, SIGSEGV), true);
	default:
		return false;
	}
}

static bool happen_to_slot(struct slot *slot, enum event_kind kind)
{
	unsigned others = 0;

	if (kind == TRIED_AGAIN)
		return fire(slot->timer);
	for (unsigned i = 0; i < master.slot_count; i++)
		others += i != slot->index && !master.slots[i]->disabled;
	if (master_is_leaving(&master) || slot->index >= master.slot_count || slot->disabled == (kind == DISABLED) ||
	    (kind == DISABLED && others == 0))
		return false;
	supervisor_disable(slot, kind == DISABLED);
	return true;
}

static bool happen_to_server(enum event_kind kind)
{
	unsigned count = master.slot_count;

	if (kind == LAST_CALL || kind == DEADLINE)
		return fire(kind == LAST_CALL ? master.last_call : master.deadline);
	if (kind == STOPPED || kind == STOPPED_NOW) {
		if (master.stop.phase != STOP_NOT && (kind == STOPPED || master.stop.phase == STOP_CUTTING))
			return false;
		stops++;
		stopping_begin(&master, kind == STOPPED ? STOP_BY_SIGNAL : STOP_NOW, "a test");
		return true;
	}
	if (master_is_leaving(&master))
		return false;
	switch (kind) {
	case RELOADED:
	case RELOADED_IN_VAIN:
		wanted.nothing = kind == RELOADED_IN_VAIN;
		rolling_begin(&master, ROLL_KIND_RELOAD);
		wanted.nothing = false;
		return true;
	case RESTARTED:
		rolling_begin(&master, ROLL_KIND_RESTART);
		return true;
	case SCALED_UP:
	case SCALED_DOWN:
		if (count == (kind == SCALED_UP ? SLOTS : 1))
			return false;
		assert_int_equal(supervisor_resize(&master, kind == SCALED_UP ? count + 1 : count - 1), 0);
		return true;
	case SHORT_OF_PROCESSES:
		return !world.cannot_start && (world.cannot_start = true);
	default:
		return false;
	}
}

/* What has happened since it began: told when a rule is broken. */
static unsigned way[128], way_length;

static void tell_way(void)
{
	print_message("event numbers:");
	for (unsigned i = 0; i < way_length; i++)
		print_message(" %u", way[i]);
	print_message("\n");
}

/* Event number so and so; false: it cannot happen now. */
static bool happen(unsigned number)
{
	way[way_length] = number;
	now_ms += MOMENT_MS;
	events++;
	if (number < WORKERS_MAX * WORKER_EVENTS)
		return happen_to_worker(&workers[number / WORKER_EVENTS], number % WORKER_EVENTS);
	number -= WORKERS_MAX * WORKER_EVENTS;
	if (number < SLOTS * (SLOT_EVENTS_END - WORKER_EVENTS))
		return happen_to_slot(master.slots[number % SLOTS], WORKER_EVENTS + number / SLOTS);
	return happen_to_server(SLOT_EVENTS_END + number - SLOTS * (SLOT_EVENTS_END - WORKER_EVENTS));
}

enum {
	EVENT_COUNT =
		WORKERS_MAX * WORKER_EVENTS + SLOTS * (SLOT_EVENTS_END - WORKER_EVENTS) + EVENT_KINDS - SLOT_EVENTS_END
};

/* --- what always holds --- */

static bool is_of_slot(const struct worker_process *worker)
{
	const struct slot *slot = master.slots[worker->slot];

	return slot->current == worker || slot->successor == worker;
}

static void check_slot(const struct slot *slot)
{
	bool starting = slot->state == SLOT_STARTING, serving = slot->state == SLOT_SERVING;

	assert_int_equal(starting || serving, slot->current != NULL);
	assert_int_equal(*pending(slot->timer), slot->state == SLOT_BACKOFF || slot->state == SLOT_PARKED);
	assert_true(!slot->current || slot->current->slot == slot->index);
	assert_true(!starting || slot->current->phase == WORKER_STARTING);
	assert_true(!serving || slot->current->phase == WORKER_SERVING);
	assert_true(!serving || slot->ready_once);
	assert_int_equal(serving, slot->unserved_since_ms == 0);
	assert_true(slot->state != SLOT_DRAINING || slot_is_draining(slot));
	if (slot->successor) {
		assert_non_null(slot->current);
		assert_ptr_not_equal(slot->successor, slot->current);
		assert_int_equal(slot->successor->slot, slot->index);
		assert_int_equal(slot->successor->phase, WORKER_STARTING);
	}
	if (slot->index >= master.slot_count || slot->disabled)
		assert_true(slot->state == SLOT_EMPTY || slot->state == SLOT_DRAINING);
	else
		assert_true(slot->state != SLOT_EMPTY && slot->state != SLOT_DRAINING);
}

/* Each worker has one place: it is in its slot, drains, or is ended. */
static void check_workers(void)
{
	unsigned listed = 0, in_use = 0;

	for (struct list *at = master.workers.next; at != &master.workers; at = at->next) {
		const struct worker_process *worker = LIST_ENTRY(at, struct worker_process, link);

		listed++;
		assert_true(worker->slot < master.slot_room);
		if (master.state != MASTER_RUNNING)
			continue;
		assert_true(is_of_slot(worker) ? worker->phase != WORKER_DRAINING
					       : worker->phase == WORKER_DRAINING || worker->killed != KILL_NOT);
		assert_true(worker->phase != WORKER_SERVING || is_of_slot(worker));
	}
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		in_use += workers[i].pid != 0;
	assert_int_equal(listed, in_use);
}

/* A roll that waits for a worker has one on its way, or one that drains there. */
static void check_roll(void)
{
	const struct roll *roll = &master.roll;
	const struct slot *slot;

	assert_int_equal(told.rolling - told.rolled, roll->phase != ROLL_IDLE);
	assert_int_equal(master.prepared == PREPARED_ALL,
			 roll->phase != ROLL_IDLE && told.prepared > told.commits + told.abandons);
	if (roll->phase != ROLL_FORWARD && roll->phase != ROLL_BACK)
		return;
	assert_true(roll->slot < master.slot_count || !roll->started);
	slot = master.slots[roll->slot];
	if (!roll->started)
		assert_true(slot_is_draining(slot));
	else
		assert_true(slot->successor || slot->state == SLOT_STARTING);
}

static void check(void)
{
	assert_true(told.ready <= 1);
	assert_true(told.stopping <= 1);
	check_workers();
	if (master.state != MASTER_RUNNING) {
		assert_int_equal(master.roll.phase, ROLL_IDLE);
		for (unsigned i = 0; i < SLOTS; i++)
			assert_false(*pending(master.slots[i]->timer));
		assert_true(!world.has_left || list_empty(&master.workers));
		return;
	}
	assert_false(world.has_left);
	for (unsigned i = 0; i < master.slot_room; i++)
		check_slot(master.slots[i]);
	check_roll();
}

/* --- and how it ends --- */

/* Whoever is to do something does it. False: nobody is. */
static bool go_on(void)
{
	static const enum event_kind good[] = {GOES_ON, READY, HANDED_OVER, ENDS};

	for (unsigned i = 0; i < SLOTS; i++)
		if (happen_to_slot(master.slots[i], TRIED_AGAIN))
			return true;
	if (fire(master.last_call))
		return true;
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		struct worker_process *worker = &workers[i];
		bool killed = worker->killed != KILL_NOT;

		if (worker->pid == 0 || (worker->phase == WORKER_SERVING && worker->life == WORKER_RUNS && !killed))
			continue;
		for (unsigned k = killed ? 3 : 0; k < 4; k++)
			if (happen_to_worker(worker, good[k]))
				return true;
	}
	return false;
}

static void come_to_rest(void)
{
	unsigned steps = 0;

	courses++;
	world.cannot_start = false;
	while (go_on()) {
		now_ms += MOMENT_MS;
		check();
		assert_true(++steps < 500);
	}
	if (master.state != MASTER_RUNNING) {
		assert_true(list_empty(&master.workers));
		assert_true(world.has_left);
		return;
	}
	assert_int_equal(master.roll.phase, ROLL_IDLE);
	assert_int_equal(told.ready, 1);
	rolls_done += told.rolled > 0 && master.report.ok;
	rolls_failed += told.rolled > 0 && !master.report.ok;
	for (unsigned i = 0; i < master.slot_room; i++) {
		const struct slot *slot = master.slots[i];
		bool is_wanted = i < master.slot_count && !slot->disabled;

		assert_int_equal(slot->state, is_wanted ? SLOT_SERVING : SLOT_EMPTY);
		assert_null(slot->successor);
		assert_false(slot_is_draining(slot));
		assert_false(slot->next_kind);
		if (is_wanted && master.report.ok)
			assert_int_equal(slot->current->generation, master.generation);
	}
}

/* --- all of it --- */

static void explore(unsigned depth)
{
	static struct world stack[6];
	struct world *here = &stack[depth];

	save(here);
	for (unsigned number = 0; number < EVENT_COUNT; number++) {
		if (!happen(number)) {
			now_ms = here->now_ms;
			continue;
		}
		way_length++;
		check();
		if (depth > 1)
			explore(depth - 1);
		else
			come_to_rest();
		way_length--;
		return_to(here);
	}
}

static uint32_t random_state;

static unsigned random_below(unsigned limit)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % limit;
}

/* --- where it begins --- */

static int begin(void **state)
{
	(void)state;
	exploring = false;
	memset(&world, 0, sizeof(world));
	world.last_pid = 1000;
	master_set_up(CLUSTER_ACCEPT_SHARED, 2);
	assert_int_equal(slots_make_room(&master, SLOTS), 0);
	for (unsigned i = 0; i < SLOTS; i++)
		timers[i] = master.slots[i]->timer;
	timers[SLOTS] = master.deadline;
	timers[SLOTS + 1] = master.last_call;
	exploring = true;
	assert_int_equal(supervisor_resize(&master, 2), 0);
	check();
	return 0;
}

static int begin_serving(void **state)
{
	begin(state);
	assert_true(happen_to_worker(&workers[0], READY));
	assert_true(happen_to_worker(&workers[1], READY));
	assert_int_equal(told.ready, 1);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	if (way_length > 0)
		tell_way();
	way_length = 0;
	exploring = false;
	master_tear_down();
	return 0;
}

/* --- every order --- */

static unsigned deep(unsigned depth)
{
	return getenv("BROOD_TEST_LONG") ? depth + 1 : depth;
}

static void from_a_start(void **state)
{
	(void)state;
	explore(deep(3));
}

static void from_when_it_serves(void **state)
{
	(void)state;
	explore(deep(3));
}

/* The first slot has its new worker, and the old one drains; the second one's starts. */
static void begin_second_slot(void)
{
	assert_true(happen_to_server(RELOADED));
	assert_true(happen_to_worker(&workers[2], READY));
	assert_int_equal(master.roll.slot, 1);
}

static void from_the_middle_of_a_reload(void **state)
{
	(void)state;
	begin_second_slot();
	explore(deep(3));
}

static void from_the_way_back(void **state)
{
	(void)state;
	begin_second_slot();
	assert_true(happen_to_worker(&workers[3], FAILS));
	assert_int_equal(master.roll.phase, ROLL_BACK);
	explore(deep(3));
}

/* The first worker of the first slot is gone, and its successor starts. */
static void from_a_death_before_a_successor_is_ready(void **state)
{
	(void)state;
	assert_true(happen_to_worker(&workers[0], ASKS_FOR_A_SUCCESSOR));
	assert_true(happen_to_worker(&workers[0], ENDS));
	assert_ptr_equal(master.slots[0]->current, &workers[2]);
	explore(deep(3));
}

/* The roll does not take the one that starts for its own. */
static void a_roll_that_cannot_start_a_worker_beside_one_that_starts_fails(void **state)
{
	(void)state;
	assert_true(happen_to_worker(&workers[0], ASKS_FOR_A_SUCCESSOR));
	assert_true(happen_to_worker(&workers[0], ENDS));
	assert_true(happen_to_server(SHORT_OF_PROCESSES));
	assert_true(happen_to_server(RELOADED));
	assert_int_equal(master.roll.phase, ROLL_IDLE);
	assert_false(master.report.ok);
	assert_non_null(strstr(master.report.reason, "slot 0: the new worker cannot be started"));
	come_to_rest();
}

static void a_slot_that_is_wanted_again_gets_a_worker_of_the_rolls_kind(void **state)
{
	(void)state;
	begin_second_slot();
	assert_true(happen_to_slot(master.slots[1], DISABLED));
	assert_true(happen_to_slot(master.slots[1], ENABLED));
	assert_int_equal(master.slots[1]->current->generation, master.next_generation);
	come_to_rest();
	assert_true(master.report.ok);
}

static void a_start_does_not_wait_for_a_slot_that_is_to_have_no_worker(void **state)
{
	(void)state;
	assert_true(happen_to_worker(&workers[0], READY));
	assert_int_equal(told.ready, 0);
	assert_true(happen_to_slot(master.slots[1], DISABLED));
	assert_int_equal(told.ready, 1);
	come_to_rest();
}

static void nor_for_one_that_is_no_more(void **state)
{
	(void)state;
	assert_true(happen_to_worker(&workers[0], READY));
	assert_true(happen_to_server(SCALED_DOWN));
	assert_int_equal(told.ready, 1);
	come_to_rest();
}

/* As long as a bad day. */
static void for_a_while(void **state)
{
	static struct world first;

	(void)state;
	save(&first);
	for (unsigned course = 0; course < 3000; course++) {
		random_state = course;
		for (unsigned left = 60; left > 0; left--) {
			unsigned number = random_below(EVENT_COUNT);

			/* What ends it all comes seldom enough. */
			if (number >= EVENT_COUNT - 4 && random_below(20) > 0)
				continue;
			if (happen(number)) {
				way_length++;
				check();
			}
		}
		come_to_rest();
		way_length = 0;
		return_to(&first);
	}
}

/* So the above has seen what there is to be seen. */
static void and_all_that_was_seen(void **state)
{
	(void)state;
	print_message("%lu events, %lu courses, %lu with a roll that was done, %lu that failed, %lu stops\n", events,
		      courses, rolls_done, rolls_failed, stops);
	assert_true(rolls_done > 1000 && rolls_failed > 1000 && stops > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(from_a_start, begin, finish),
		cmocka_unit_test_setup_teardown(from_when_it_serves, begin_serving, finish),
		cmocka_unit_test_setup_teardown(from_the_middle_of_a_reload, begin_serving, finish),
		cmocka_unit_test_setup_teardown(from_the_way_back, begin_serving, finish),
		cmocka_unit_test_setup_teardown(from_a_death_before_a_successor_is_ready, begin_serving, finish),
		cmocka_unit_test_setup_teardown(for_a_while, begin_serving, finish),
		cmocka_unit_test_setup_teardown(a_roll_that_cannot_start_a_worker_beside_one_that_starts_fails,
						begin_serving, finish),
		cmocka_unit_test_setup_teardown(a_slot_that_is_wanted_again_gets_a_worker_of_the_rolls_kind,
						begin_serving, finish),
		cmocka_unit_test_setup_teardown(a_start_does_not_wait_for_a_slot_that_is_to_have_no_worker, begin,
						finish),
		cmocka_unit_test_setup_teardown(nor_for_one_that_is_no_more, begin, finish),
		cmocka_unit_test(and_all_that_was_seen),
	};

	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
