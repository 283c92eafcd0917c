/* SPDX-License-Identifier: MIT
 *
 * Placement: which worker gets the next connection; and who steps back in mode shared. */
#include "cluster/policy/balance.h"
#include "cluster/policy/choose_worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void round_robin_goes_round_and_skips_who_cannot(void **state)
{
	struct worker_candidate all[4] = {{true, 9}, {true, 0}, {false, 0}, {true, 5}};
	static const int turns[] = {0, 1, 3, 0, 1, 3};
	unsigned cursor = 0;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(choose_worker(CLUSTER_ROUND_ROBIN, all, 4, &cursor), turns[i]);
}

static void least_connections_takes_the_emptiest_and_ties_go_round(void **state)
{
	struct worker_candidate all[4] = {{true, 2}, {true, 1}, {true, 1}, {false, 0}};
	unsigned cursor = 0;

	(void)state;
	assert_int_equal(choose_worker(CLUSTER_LEAST_CONNECTIONS, all, 4, &cursor), 1);
	assert_int_equal(choose_worker(CLUSTER_LEAST_CONNECTIONS, all, 4, &cursor), 2);
	assert_int_equal(choose_worker(CLUSTER_LEAST_CONNECTIONS, all, 4, &cursor), 1);
}

/* Whatever the start, after many turns nobody holds more than one above another. */
static void least_connections_levels_out(void **state)
{
	struct worker_candidate all[5] = {{true, 17}, {true, 0}, {true, 3}, {true, 0}, {true, 8}};
	unsigned cursor = 3, least = UINT32_MAX, most = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		all[choose_worker(CLUSTER_LEAST_CONNECTIONS, all, 5, &cursor)].load++;
	for (int i = 0; i < 5; i++) {
		least = all[i].load < least ? all[i].load : least;
		most = all[i].load > most ? all[i].load : most;
	}
	assert_in_range(most - least, 0, 1);
}

static void nobody_is_chosen_when_nobody_can(void **state)
{
	struct worker_candidate all[2] = {{false, 0}, {false, 0}};
	unsigned cursor = 1;

	(void)state;
	assert_int_equal(choose_worker(CLUSTER_ROUND_ROBIN, all, 2, &cursor), -1);
	assert_int_equal(choose_worker(CLUSTER_LEAST_CONNECTIONS, all, 2, &cursor), -1);
	assert_int_equal(choose_worker(CLUSTER_ROUND_ROBIN, all, 0, &cursor), -1);
}

/* For every number of workers up to 8 and every mean: the bound itself does not step back, one more
 * does; and never does everybody. */
static void a_worker_steps_back_above_the_mean_and_its_slack_only(void **state)
{
	(void)state;
	for (unsigned workers = 2; workers <= 8; workers++) {
		for (uint64_t mean = 0; mean < 500; mean++) {
			uint64_t slack = mean / 8 > 4 ? mean / 8 : 4;

			assert_false(balance_steps_back(mean, mean * workers, workers));
			assert_false(balance_steps_back(mean + slack, mean * workers, workers));
			assert_true(balance_steps_back(mean + slack + 1, mean * workers, workers));
		}
	}
}

static void a_lone_worker_never_steps_back(void **state)
{
	(void)state;
	assert_false(balance_steps_back(100000, 100000, 1));
	assert_false(balance_steps_back(100000, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_robin_goes_round_and_skips_who_cannot),
		cmocka_unit_test(least_connections_takes_the_emptiest_and_ties_go_round),
		cmocka_unit_test(least_connections_levels_out),
		cmocka_unit_test(nobody_is_chosen_when_nobody_can),
		cmocka_unit_test(a_worker_steps_back_above_the_mean_and_its_slack_only),
		cmocka_unit_test(a_lone_worker_never_steps_back),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
