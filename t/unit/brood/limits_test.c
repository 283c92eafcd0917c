/* SPDX-License-Identifier: MIT
 *
 * Connections that move from one worker to another are counted all the time, whichever of the two ends when. */
#include "brood/limits.h"

#include "http/connection/migration_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { GIVER = 3, TAKER = 1, LIMIT = 100, CLIENT = 4711 };

struct world {
	struct quota *quota;
	struct limits_expected expected;
	struct quota_hold hold[4];
	char state[4][HTTP_STATE_MAX];
	size_t size[4];
};

static struct world world;

/* Four connections of a client, which are given away. */
static int set_up(void **unused)
{
	(void)unused;
	memset(&world, 0, sizeof(world));
	world.quota = quota_new();
	for (size_t i = 0; i < 4; i++) {
		struct migration_state state = {.answered = 1, .wait = MIGRATION_WAIT_IDLE, .left_ms = 1000};

		if (!quota_hold_total(world.quota, GIVER, LIMIT, &world.hold[i]) ||
		    !quota_hold_client(world.quota, GIVER, LIMIT, CLIENT, &world.hold[i]))
			return -1;
		state.hold = world.hold[i];
		world.size[i] = migration_encode(&state, world.state[i]);
	}
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	quota_free(world.quota);
	return 0;
}

static void assert_counted(uint64_t count)
{
	assert_int_equal(quota_total(world.quota), count);
	assert_int_equal(quota_of_client(world.quota, CLIENT), count);
}

static void expect_all(void)
{
	for (size_t i = 0; i < 4; i++)
		limits_expect(&world.expected, world.quota, TAKER, world.state[i], world.size[i]);
}

/* As http does when it has it. */
static void have(size_t i)
{
	quota_take_over(world.quota, TAKER, true, CLIENT, &world.hold[i]);
	limits_come(&world.expected, world.quota);
}

static void a_giver_that_goes_takes_nothing_along(void **unused)
{
	(void)unused;
	expect_all();
	quota_give_back(world.quota, GIVER, NULL);
	assert_counted(4);
	for (size_t i = 0; i < 4; i++) {
		have(i);
		assert_counted(4);
	}
	for (size_t i = 0; i < 4; i++)
		quota_release(world.quota, &world.hold[i]);
	assert_counted(0);
}

static void where_it_stays_each_counts_once_in_the_end(void **unused)
{
	(void)unused;
	expect_all();
	for (size_t i = 0; i < 4; i++) {
		have(i);
		assert_counted(4 + 3 - i); /* those that are still expected count twice */
	}
	quota_give_back(world.quota, GIVER, NULL);
	assert_counted(4);
}

static void a_taker_that_ends_before_has_taken_nothing(void **unused)
{
	(void)unused;
	expect_all();
	quota_give_back(world.quota, TAKER, NULL);
	assert_counted(4);
}

static void one_that_could_not_be_taken_is_counted_no_more(void **unused)
{
	(void)unused;
	expect_all();
	have(0);
	limits_come(&world.expected, world.quota);
	have(2);
	have(3);
	quota_give_back(world.quota, GIVER, NULL);
	assert_counted(3);
	limits_come(&world.expected, world.quota); /* none is expected any more */
	assert_counted(3);
}

static void what_says_nothing_of_limits_is_not_counted(void **unused)
{
	struct migration_state state = {.answered = 1, .wait = MIGRATION_WAIT_IDLE, .left_ms = 1000};
	char octets[HTTP_STATE_MAX];
	size_t size = migration_encode(&state, octets);

	(void)unused;
	for (unsigned i = 0; i < 3 * CLUSTER_EXPECTED_MAX; i++)
		limits_expect(&world.expected, world.quota, TAKER, octets, i % 2 ? size : 1);
	limits_expect(&world.expected, world.quota, TAKER, world.state[0], world.size[0]);
	assert_counted(4);
	for (unsigned i = 0; i < 4 * CLUSTER_EXPECTED_MAX; i++)
		limits_come(&world.expected, world.quota);
	assert_counted(4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_giver_that_goes_takes_nothing_along, set_up, tear_down),
		cmocka_unit_test_setup_teardown(where_it_stays_each_counts_once_in_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_taker_that_ends_before_has_taken_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_could_not_be_taken_is_counted_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_says_nothing_of_limits_is_not_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
