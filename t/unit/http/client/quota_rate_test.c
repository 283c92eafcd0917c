/* SPDX-License-Identifier: MIT
 *
 * Requests per second of each client: so many, and not one more. */
#include "http/client/quota.h"

#include "crowd.h"

#include <stdbool.h>

#define S(n) ((n)*UINT64_C(1000)) /* seconds in milliseconds */

enum { NOW_MS = 5000000 };

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

/* A key as client_key makes them: evenly spread. */
static uint64_t client(uint32_t number)
{
	uint64_t word = (number + 1) * 0x9e3779b97f4a7c15u;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
	word = (word ^ word >> 27) * 0x94d049bb133111ebu;
	return word ^ word >> 31;
}

static unsigned allowed(struct quota *quota, const struct quota_rate *rate, uint64_t key, unsigned count,
			uint64_t now_ms)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += quota_ask(quota, rate, key, now_ms) == 0;
	return sum;
}

static void a_burst_is_let_in_and_not_one_more(void **state)
{
	static const unsigned bursts[] = {1, 2, 5, 50, 1000, 10000};

	for (unsigned i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++) {
		struct quota_rate rate = quota_rate_of(10 * 3600, bursts[i]);

		assert_int_equal(allowed(*state, &rate, client(i), bursts[i], NOW_MS), bursts[i]);
		assert_int_equal(allowed(*state, &rate, client(i), 3, NOW_MS), 0);
	}
}

static void then_as_many_as_the_rate_allows(void **state)
{
	static const uint64_t rates[] = {1, 7, 10, 100, 1000};

	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct quota_rate rate = quota_rate_of(rates[i] * 3600, 5);
		unsigned sum = 0;

		allowed(*state, &rate, client(i), 100, NOW_MS);
		for (uint64_t ms = 1; ms <= S(10); ms++)
			sum += allowed(*state, &rate, client(i), 3, NOW_MS + ms);
		/* Microseconds are whole: a rate may come out a part in a thousand higher. */
		assert_in_range(sum, rates[i] * 10, rates[i] * 10 + rates[i] / 100 + 1);
	}
}

static void who_is_refused_is_told_when_to_come_again(void **state)
{
	struct quota_rate rate = quota_rate_of(2 * 3600, 3); /* every 500 ms */
	uint64_t wait_us;

	assert_int_equal(allowed(*state, &rate, client(1), 3, NOW_MS), 3);
	assert_int_equal(quota_ask(*state, &rate, client(1), NOW_MS), 500000);
	/* Asking in vain costs nothing. */
	wait_us = quota_ask(*state, &rate, client(1), NOW_MS + 200);
	assert_int_equal(wait_us, 300000);
	assert_int_not_equal(quota_ask(*state, &rate, client(1), NOW_MS + 499), 0);
	assert_int_equal(quota_ask(*state, &rate, client(1), NOW_MS + 500), 0);
	assert_int_not_equal(quota_ask(*state, &rate, client(1), NOW_MS + 500), 0);
}

static void one_client_does_not_count_for_another(void **state)
{
	struct quota_rate rate = quota_rate_of(3600, 2);

	assert_int_equal(allowed(*state, &rate, client(1), 10, NOW_MS), 2);
	assert_int_equal(allowed(*state, &rate, client(2), 10, NOW_MS), 2);
}

static void a_rate_may_be_less_than_one_in_a_second(void **state)
{
	struct quota_rate rate = quota_rate_of(1, 2);

	assert_int_equal(allowed(*state, &rate, client(1), 9, NOW_MS), 2);
	assert_int_equal(allowed(*state, &rate, client(1), 9, NOW_MS + S(3599)), 0);
	assert_int_equal(allowed(*state, &rate, client(1), 9, NOW_MS + S(3600)), 1);
	/* What takes longer than a day to come back is not given. */
	rate = quota_rate_of(1, 1000000);
	assert_int_equal(allowed(*state, &rate, client(2), 100, NOW_MS), 25);
}

static void no_rate_is_no_limit(void **state)
{
	struct quota_rate rate = quota_rate_of(0, 5);

	(void)state;
	assert_int_equal(rate.interval_us, 0);
}

static void a_lower_rate_and_a_higher_one_take_effect_at_once(void **state)
{
	struct quota_rate slow = quota_rate_of(1, 24), fast = quota_rate_of(100 * 3600, 10);

	assert_int_equal(allowed(*state, &slow, client(1), 100, NOW_MS), 24);
	/* A day ahead by the old rate is at the limit of the new one, no more. */
	assert_int_equal(allowed(*state, &fast, client(1), 5, NOW_MS), 0);
	assert_int_equal(allowed(*state, &fast, client(1), 100, NOW_MS + S(1)), 10);
	assert_int_equal(allowed(*state, &slow, client(1), 100, NOW_MS + S(1)), 23);
}

static void clocks_of_workers_need_not_be_equal(void **state)
{
	struct quota_rate rate = quota_rate_of(3600, 4);

	assert_int_equal(allowed(*state, &rate, client(1), 2, NOW_MS + 50), 2);
	assert_int_equal(allowed(*state, &rate, client(1), 9, NOW_MS), 1);
	assert_int_equal(allowed(*state, &rate, client(1), 9, NOW_MS + 50), 1);
}

static void a_hundred_thousand_clients_have_each_their_own(void **state)
{
	enum { CLIENTS = 100000 };
	struct quota_rate rate = quota_rate_of(3600, 2);
	unsigned sum = 0;

	for (unsigned round = 0; round < 4; round++)
		for (unsigned i = 0; i < CLIENTS; i++)
			sum += quota_ask(*state, &rate, client(i), NOW_MS) == 0;
	/* Some share tags, which makes it a few less; some find no room, and are not limited. */
	assert_in_range(sum, 2 * CLIENTS - 20, 2 * CLIENTS + 200);
}

static void when_all_are_busy_newcomers_are_let_in(void **state)
{
	enum { CLIENTS = 2000000 };
	struct quota_rate rate = quota_rate_of(1, 2);
	unsigned sum = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		sum += allowed(*state, &rate, client(i), 1, NOW_MS);
	assert_in_range(sum, CLIENTS - CLIENTS / 1000, CLIENTS);
	/* Once their time is over, there is room again, and the limit holds. */
	sum = 0;
	for (unsigned i = 0; i < 1000; i++)
		sum += allowed(*state, &rate, client(CLIENTS + i), 5, NOW_MS + S(2 * 3600));
	assert_in_range(sum, 1999, 2010);
}

static void who_comes_back_after_days_is_new(void **state)
{
	struct quota_rate rate = quota_rate_of(3600, 5);

	for (uint64_t day = 0; day < 60; day++) {
		uint64_t at_ms = NOW_MS + day * S(24 * 3600) * 2 / 3;

		assert_int_equal(allowed(*state, &rate, client(1), 9, at_ms), 5);
	}
}

struct share {
	struct quota *quota;
	struct quota_rate rate;
	uint64_t now_ms;
};

static uint32_t ask_all(void *context, unsigned number)
{
	struct share *share = context;
	uint32_t sum = 0;

	(void)number;
	for (unsigned i = 0; i < 2000; i++)
		sum += quota_ask(share->quota, &share->rate, client(7), share->now_ms) == 0;
	return sum;
}

static void workers_together_let_in_one_burst_exactly(void **state)
{
	struct share share = {*state, quota_rate_of(3600, 1000), NOW_MS};

	for (unsigned round = 0; round < 20; round++) {
		assert_int_equal(crowd_run(ask_all, &share), 1000);
		share.now_ms += S(2000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_burst_is_let_in_and_not_one_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(then_as_many_as_the_rate_allows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_refused_is_told_when_to_come_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_client_does_not_count_for_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_rate_may_be_less_than_one_in_a_second, set_up, tear_down),
		cmocka_unit_test(no_rate_is_no_limit),
		cmocka_unit_test_setup_teardown(a_lower_rate_and_a_higher_one_take_effect_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clocks_of_workers_need_not_be_equal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_hundred_thousand_clients_have_each_their_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(when_all_are_busy_newcomers_are_let_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_comes_back_after_days_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(workers_together_let_in_one_burst_exactly, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("quota_rate", tests, NULL, NULL);
}
