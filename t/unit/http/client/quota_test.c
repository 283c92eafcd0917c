/* SPDX-License-Identifier: MIT
 *
 * Connections counted over all workers: exactly, also when they move, and when workers die in the
 * middle of it. */
#include "http/client/quota_table.h"

#include "crowd.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENT_A = 0x1111222233334444, CLIENT_B = 0x5555666677774444 };

static int set_up(void **state)
{
	*state = quota_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	quota_free(*state);
	return 0;
}

static void the_total_is_met_and_not_passed(void **state)
{
	struct quota *quota = *state;
	struct quota_hold holds[10] = {0}, none = {0}, more = {0};

	for (unsigned i = 0; i < 10; i++)
		assert_true(quota_hold_total(quota, i % 4, 10, &holds[i]));
	assert_int_equal(quota_total(quota), 10);
	for (unsigned worker = 0; worker < 5; worker++)
		assert_false(quota_hold_total(quota, worker, 10, &more));
	assert_memory_equal(&more, &none, sizeof(none));
	assert_int_equal(quota_total(quota), 10);
	/* One goes: one comes. */
	quota_release(quota, &holds[3]);
	assert_int_equal(quota_total(quota), 9);
	assert_true(quota_hold_total(quota, 0, 10, &more));
	assert_false(quota_hold_total(quota, 3, 10, &holds[3]));
	/* A release of what is not held is none. */
	quota_release(quota, &holds[3]);
	assert_int_equal(quota_total(quota), 10);
	/* The last number counts too, and a limit may be raised and lowered. */
	assert_true(quota_hold_total(quota, QUOTA_WORKERS_MAX - 1, 11, &holds[3]));
	assert_int_equal(quota_total(quota), 11);
	quota_release(quota, &more);
	assert_false(quota_hold_total(quota, 0, 5, &more));
}

static void connections_of_a_client_are_met_and_not_passed(void **state)
{
	struct quota *quota = *state;
	struct quota_hold holds[8] = {0}, more = {0};

	for (unsigned i = 0; i < 8; i++)
		assert_true(quota_hold_client(quota, i % 4, 8, CLIENT_A, &holds[i]));
	for (unsigned worker = 0; worker < 5; worker++)
		assert_false(quota_hold_client(quota, worker, 8, CLIENT_A, &more));
	/* Others are not touched, though they are in the same part of the table. */
	assert_true(quota_hold_client(quota, 1, 1, CLIENT_B, &more));
	assert_int_equal(quota_of_client(quota, CLIENT_B), 1);
	for (unsigned i = 0; i < 8; i++)
		quota_release(quota, &holds[i]);
	assert_int_equal(quota_of_client(quota, CLIENT_A), 0);
	assert_int_equal(quota_of_client(quota, CLIENT_B), 1);
	quota_release(quota, &more);
	assert_int_equal(quota_of_client(quota, CLIENT_B), 0);
	/* Of which no trace is left. */
	assert_int_equal(quota_total(quota), 0);
}

static void a_connection_that_moves_is_counted_once(void **state)
{
	struct quota *quota = *state;
	struct quota_hold hold = {0}, more = {0};

	assert_true(quota_hold_total(quota, 0, 1, &hold));
	assert_true(quota_hold_client(quota, 0, 1, CLIENT_A, &hold));
	for (unsigned worker = 1; worker < 9; worker++) {
		quota_take_over(quota, worker, true, CLIENT_A, &hold);
		assert_int_equal(quota_total(quota), 1);
		assert_int_equal(quota_of_client(quota, CLIENT_A), 1);
		assert_false(quota_hold_total(quota, 0, 1, &more));
		assert_false(quota_hold_client(quota, 0, 1, CLIENT_A, &more));
	}
	/* Back to where it is already. */
	quota_take_over(quota, 8, true, CLIENT_A, &hold);
	assert_int_equal(quota_total(quota), 1);
	assert_int_equal(quota_of_client(quota, CLIENT_A), 1);
	/* It is the new holder's by now. */
	quota_give_back(quota, 0, NULL);
	assert_int_equal(quota_total(quota), 1);
	quota_release(quota, &hold);
	assert_int_equal(quota_total(quota), 0);
	assert_int_equal(quota_of_client(quota, CLIENT_A), 0);
}

static void a_move_is_never_refused(void **state)
{
	struct quota *quota = *state;
	struct quota_hold holds[3] = {0}, more = {0};

	for (unsigned i = 0; i < 3; i++) {
		assert_true(quota_hold_total(quota, 0, 3, &holds[i]));
		quota_take_over(quota, 1, true, 0, &holds[i]);
	}
	/* From a worker that did not count, and to one that does not. */
	quota_take_over(quota, 1, true, 0, &more);
	assert_int_equal(quota_total(quota), 4);
	quota_take_over(quota, 2, false, 0, &more);
	assert_int_equal(quota_total(quota), 3);
	quota_release(quota, &more);
	assert_int_equal(quota_total(quota), 3);
}

static void a_dead_workers_share_is_given_back(void **state)
{
	struct quota *quota = *state;
	struct quota_hold held[6] = {0}, hold = {0};

	for (unsigned i = 0; i < 6; i++) {
		assert_true(quota_hold_total(quota, i % 2, 6, &held[i]));
		assert_true(quota_hold_client(quota, i % 2, 6, CLIENT_A, &held[i]));
	}
	quota_give_back(quota, 0, NULL);
	assert_int_equal(quota_total(quota), 3);
	assert_int_equal(quota_of_client(quota, CLIENT_A), 3);
	/* Its successor with the same number holds what it holds. */
	assert_true(quota_hold_total(quota, 0, 6, &hold));
	assert_true(quota_hold_client(quota, 0, 6, CLIENT_A, &hold));
	assert_int_equal(quota_total(quota), 4);
	/* One of the dead one's comes to another worker only now: it takes nothing from the successor. */
	quota_take_over(quota, 1, true, CLIENT_A, &held[0]);
	assert_int_equal(quota_total(quota), 5);
	assert_int_equal(quota_of_client(quota, CLIENT_A), 5);
	quota_release(quota, &held[2]);
	assert_int_equal(quota_total(quota), 5);
	quota_give_back(quota, 1, NULL);
	quota_release(quota, &hold);
	assert_int_equal(quota_total(quota), 0);
	assert_int_equal(quota_of_client(quota, CLIENT_A), 0);
}

/* What a worker that was taken over can write: it has all of the shared table, as any other worker. */
static void scribble(struct quota *quota, uint64_t word)
{
	uint64_t *words = (uint64_t *)quota->shared;

	for (size_t i = 0; i < sizeof(*quota->shared) / sizeof(*words); i++)
		words[i] = word;
}

static void nonsense_in_the_table_holds_nobody_up_and_goes_with_its_workers(void **state)
{
	static const uint64_t nonsense[] = {
		0, 1, UINT64_MAX, UINT64_C(1) << 63, 0x0000000100000001, 0x8000000000000000 | 0xffff};
	struct quota_rate rate = quota_rate_of(3600, 5);
	struct quota *quota = *state;

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		struct quota_workers used = {.words = {0}};
		struct quota_hold hold = {0}, held = {0};

		quota_workers_add(&used, 0);
		quota_workers_add(&used, 1);
		/* Each call ends; what it says is of no worth then. */
		(void)quota_hold_total(quota, 0, 10, &held);
		(void)quota_hold_client(quota, 0, 10, CLIENT_A, &held);
		scribble(quota, nonsense[i]);
		(void)quota_hold_total(quota, 1, 10, &hold);
		(void)quota_hold_client(quota, 1, 10, CLIENT_A, &hold);
		quota_take_over(quota, 0, true, CLIENT_A, &hold);
		(void)quota_ask(quota, &rate, CLIENT_A, 5000);
		(void)quota_refused(quota, QUOTA_TOTAL, 5000);
		(void)quota_total(quota);
		quota_release(quota, &hold);
		quota_release(quota, &held);
		/* The one who wrote it ends, then the other: all is as at the start, also what no process has. */
		used = (struct quota_workers){.words = {0}};
		quota_workers_add(&used, 0);
		quota_give_back(quota, 1, &used);
		used = (struct quota_workers){.words = {0}};
		quota_give_back(quota, 0, &used);
		assert_int_equal(quota_total(quota), 0);
		assert_int_equal(quota_of_client(quota, CLIENT_A), 0);
		assert_true(quota_hold_total(quota, 0, 1, &hold));
		assert_true(quota_hold_client(quota, 0, 1, CLIENT_A, &hold));
		assert_int_equal(quota_total(quota), 1);
		assert_int_equal(quota_of_client(quota, CLIENT_A), 1);
		quota_release(quota, &hold);
		assert_int_equal(quota_total(quota), 0);
		/* A bucket is full at most, which passes. */
		assert_in_range(quota_ask(quota, &rate, CLIENT_A, 5000), 0, 5 * 1000000);
		assert_int_equal(quota_ask(quota, &rate, CLIENT_A, 5000 + 6000), 0);
	}
}

static void what_others_hold_outlives_the_end_of_one(void **state)
{
	struct quota *quota = *state;
	struct quota_workers used = {.words = {0}};
	struct quota_hold held[4] = {0};

	for (unsigned i = 0; i < 4; i++) {
		assert_true(quota_hold_total(quota, 100 * i, 9, &held[i]));
		assert_true(quota_hold_client(quota, 100 * i, 9, CLIENT_A, &held[i]));
	}
	quota_workers_add(&used, 100);
	quota_workers_add(&used, 300);
	quota_give_back(quota, 200, &used); /* number 0 is nobody's either */
	assert_int_equal(quota_total(quota), 2);
	assert_int_equal(quota_of_client(quota, CLIENT_A), 2);
	quota_give_back(quota, 300, &(struct quota_workers){.words = {[1] = UINT64_C(1) << 36}});
	assert_int_equal(quota_total(quota), 1);
	quota_release(quota, &held[1]);
	assert_int_equal(quota_total(quota), 0);
	assert_int_equal(quota_of_client(quota, CLIENT_A), 0);
	/* And numbers beyond those that are left count again. */
	held[0] = (struct quota_hold){0};
	assert_true(quota_hold_total(quota, 8000, 9, &held[0]));
	assert_int_equal(quota_total(quota), 1);
}

static void another_tables_holds_mean_nothing(void **state)
{
	struct quota *quota = *state, *other = quota_new();
	struct quota_hold theirs = {0}, ours = {0}, garbage;

	assert_non_null(other);
	assert_true(quota_hold_total(other, 0, 1, &theirs));
	assert_true(quota_hold_total(quota, 0, 1, &ours));
	quota_take_over(quota, 1, true, 0, &theirs);
	assert_int_equal(quota_total(quota), 2);
	memset(&garbage, 1, sizeof(garbage));
	garbage.worker = UINT16_MAX;
	quota_take_over(quota, 1, true, 0, &garbage);
	assert_int_equal(quota_total(quota), 3);
	quota_free(other);
}

static void a_full_table_lets_clients_in(void **state)
{
	struct quota *quota = *state;
	struct quota_hold hold = {0};

	/* All in one set. */
	for (uint64_t i = 1; i <= 1000; i++) {
		memset(&hold, 0, sizeof(hold));
		assert_true(quota_hold_client(quota, 0, 1, i << 33 | 5, &hold));
		assert_int_equal(hold.in_client, i <= 64);
	}
	assert_int_equal(quota_of_client(quota, UINT64_C(64) << 33 | 5), 1);
	assert_int_equal(quota_of_client(quota, UINT64_C(65) << 33 | 5), 0);
}

static void one_client_may_have_sixty_five_thousand(void **state)
{
	struct quota *quota = *state;
	struct quota_hold hold = {0};

	for (unsigned i = 0; i < QUOTA_CLIENT_MAX; i++)
		assert_true(quota_hold_client(quota, 0, UINT32_MAX, CLIENT_A, &hold));
	assert_false(quota_hold_client(quota, 0, UINT32_MAX, CLIENT_A, &hold));
	assert_false(quota_hold_client(quota, 1, UINT32_MAX, CLIENT_A, &hold));
	assert_int_equal(quota_of_client(quota, CLIENT_A), QUOTA_CLIENT_MAX);
}

static void a_hundred_thousand_clients_stay_within_the_table(void **state)
{
	enum { CLIENTS = 100000 };
	struct quota *quota = *state;
	struct quota_hold *holds = calloc(CLIENTS, sizeof(*holds));
	struct client_prefixes prefixes = {32, 64};
	unsigned counted = 0;

	assert_non_null(holds);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		struct sockaddr name = {.sa_family = AF_INET};
		uint64_t key;

		memcpy(name.sa_data + 2, &i, sizeof(i));
		key = client_key(quota_secret(quota), &prefixes, &name);
		assert_true(quota_hold_client(quota, i % 4, 2, key, &holds[i]));
		counted += holds[i].in_client;
	}
	assert_in_range(counted, CLIENTS - 100, CLIENTS);
	for (uint32_t i = 0; i < CLIENTS; i++)
		quota_release(quota, &holds[i]);
	free(holds);
}

static void refusals_are_told_once_a_second(void **state)
{
	struct quota *quota = *state;

	assert_int_equal(quota_refused(quota, QUOTA_RATE, 10000), 1);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(quota_refused(quota, QUOTA_RATE, 10000 + i * 10), 0);
	assert_int_equal(quota_refused(quota, QUOTA_TOTAL, 10001), 1);
	assert_int_equal(quota_refused(quota, QUOTA_RATE, 9999), 0);
	assert_int_equal(quota_refused(quota, QUOTA_RATE, 11000), 52);
	assert_int_equal(quota_refused(quota, QUOTA_RATE, 11999), 0);
}

/* --- several at once --- */

enum { LIMIT = 100 };

static uint32_t hold_what_there_is(void *context, unsigned number)
{
	struct quota_hold hold = {0};
	uint32_t sum = 0;

	for (unsigned i = 0; i < 3 * LIMIT; i++)
		sum += quota_hold_total(context, number, LIMIT, &hold);
	return sum;
}

static void of_all_workers_together_exactly_as_many_get_in(void **state)
{
	for (unsigned round = 0; round < 50; round++) {
		assert_int_equal(crowd_run(hold_what_there_is, *state), LIMIT);
		assert_int_equal(quota_total(*state), LIMIT);
		for (unsigned worker = 0; worker < CROWD; worker++)
			quota_give_back(*state, worker, NULL);
		assert_int_equal(quota_total(*state), 0);
	}
}

static uint32_t hold_a_clients(void *context, unsigned number)
{
	struct quota_hold hold = {0};
	uint32_t sum = 0;

	for (unsigned i = 0; i < 3 * LIMIT; i++)
		sum += quota_hold_client(context, number, LIMIT, CLIENT_A, &hold);
	return sum;
}

static void of_a_client_too(void **state)
{
	for (unsigned round = 0; round < 50; round++) {
		assert_int_equal(crowd_run(hold_a_clients, *state), LIMIT);
		assert_int_equal(quota_of_client(*state, CLIENT_A), LIMIT);
		for (unsigned worker = 0; worker < CROWD; worker++)
			quota_give_back(*state, worker, NULL);
		assert_int_equal(quota_of_client(*state, CLIENT_A), 0);
	}
}

/* Comes and goes, moves to and fro with another worker; never more than LIMIT. */
static uint32_t come_and_go(void *context, unsigned number)
{
	struct quota_hold holds[LIMIT] = {0};
	uint32_t passed = 0;
	unsigned at = number;

	for (unsigned i = 0; i < 20000; i++, at = (at * 13 + 7) % LIMIT) {
		struct quota_hold *hold = &holds[at];

		if (!hold->in_total && quota_hold_total(context, number, LIMIT, hold))
			(void)!quota_hold_client(context, number, 2 * LIMIT, CLIENT_A, hold);
		else if (i % 3 == 0)
			quota_release(context, hold);
		passed += quota_total(context) > LIMIT + CROWD; /* those who look */
	}
	for (unsigned i = 0; i < LIMIT; i++)
		quota_release(context, &holds[i]);
	return passed;
}

static void nothing_is_left_when_all_have_gone(void **state)
{
	assert_int_equal(crowd_run(come_and_go, *state), 0);
	assert_int_equal(quota_total(*state), 0);
	assert_int_equal(quota_of_client(*state, CLIENT_A), 0);
}

/* Those who take connections over release them where the giver counted them, all at one worker. */
static uint32_t come_and_go_at_one_worker(void *context, unsigned number)
{
	struct quota_hold hold = {0};
	uint32_t turned_away = 0;

	(void)number;
	for (unsigned i = 0; i < 30000; i++) {
		turned_away += !quota_hold_total(context, 0, UINT32_MAX, &hold);
		quota_release(context, &hold);
	}
	return turned_away;
}

static void nothing_is_left_where_all_have_come_and_gone_at_once(void **state)
{
	for (unsigned round = 0; round < 5; round++) {
		assert_int_equal(crowd_run(come_and_go_at_one_worker, *state), 0);
		assert_int_equal(quota_total(*state), 0);
	}
}

static void come_move_and_go(void *context)
{
	struct quota_hold holds[8] = {0};

	for (unsigned i = 0; i < 8; i++) {
		(void)!quota_hold_total(context, 1, LIMIT, &holds[i]);
		(void)!quota_hold_client(context, 1, LIMIT, CLIENT_A, &holds[i]);
	}
	for (unsigned i = 0; i < 8; i++) {
		quota_take_over(context, 1, true, CLIENT_A, &holds[i]);
		quota_release(context, &holds[i]);
	}
}

static void a_worker_killed_at_any_moment_leaves_nothing(void **state)
{
	srand(1);
	for (unsigned round = 0; round < 200; round++) {
		pid_t pid = crowd_start(come_move_and_go, *state);
		struct timespec moment = {0, rand() % 1000000};

		nanosleep(&moment, NULL);
		crowd_kill(pid);
		quota_give_back(*state, 1, NULL);
		assert_int_equal(quota_total(*state), 0);
		assert_int_equal(quota_of_client(*state, CLIENT_A), 0);
	}
}

/* The giver is worker 2, where somebody keeps on living. */
static void take_from_another(void *context)
{
	struct quota_hold hold = {0};

	if (!quota_hold_total(context, 2, LIMIT, &hold))
		return;
	(void)!quota_hold_client(context, 2, LIMIT, CLIENT_A, &hold);
	quota_take_over(context, 1, true, CLIENT_A, &hold);
	quota_release(context, &hold);
}

static void one_killed_while_it_takes_over_leaves_nothing_once_the_giver_is_gone(void **state)
{
	for (unsigned round = 0; round < 200; round++) {
		pid_t pid = crowd_start(take_from_another, *state);
		struct timespec moment = {0, rand() % 1000000};

		nanosleep(&moment, NULL);
		crowd_kill(pid);
		quota_give_back(*state, 1, NULL);
		assert_in_range(quota_total(*state), 0, 1);
		quota_give_back(*state, 2, NULL);
		assert_int_equal(quota_total(*state), 0);
		assert_int_equal(quota_of_client(*state, CLIENT_A), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_total_is_met_and_not_passed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(connections_of_a_client_are_met_and_not_passed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_connection_that_moves_is_counted_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_move_is_never_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_dead_workers_share_is_given_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonsense_in_the_table_holds_nobody_up_and_goes_with_its_workers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_others_hold_outlives_the_end_of_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_tables_holds_mean_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_table_lets_clients_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_client_may_have_sixty_five_thousand, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_hundred_thousand_clients_stay_within_the_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refusals_are_told_once_a_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_all_workers_together_exactly_as_many_get_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_a_client_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_left_when_all_have_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_left_where_all_have_come_and_gone_at_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_worker_killed_at_any_moment_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_killed_while_it_takes_over_leaves_nothing_once_the_giver_is_gone,
						set_up, tear_down),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
