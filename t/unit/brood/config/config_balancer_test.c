/* SPDX-License-Identifier: MIT
 *
 * behind_lb: what it sets, what it leaves, what it warns of. */
#include "brood/config/config_balancer.h"

#include "brood/config/setting_value.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void load(struct fixture *fixture, const char *text, struct options options)
{
	config_free(fixture->config);
	fixture->config = NULL;
	fixture_write(fixture, "a.conf", text);
	if (fixture_load(fixture, "a.conf", options) < 0)
		fail_msg("%s", fixture->reason.data);
}

static void assert_value(struct fixture *fixture, const char *name, const char *wanted)
{
	struct buffer text = {0};

	assert_int_equal(setting_format(setting_find(name), fixture->config, &text), 0);
	assert_string_equal(text.data, wanted);
	buffer_free(&text);
}

static void it_sets_what_suits_a_balancer(void **state)
{
	struct fixture *fixture = *state;

	load(fixture, "behind_lb = true;", (struct options){0});
	assert_value(fixture, "health_allow", "[\"127.0.0.0/8\", \"::1\", \"unix\"]");
	assert_value(fixture, "keepalive_timeout", "\"620s\"");
	assert_value(fixture, "drain_delay", "\"5s\"");
	assert_value(fixture, "request_id", "true");
	load(fixture, "behind_lb = true; trusted = [ \"10.0.0.0/8\", \"unix\" ];", (struct options){0});
	assert_value(fixture, "health_allow", "[\"127.0.0.0/8\", \"::1\", \"unix\", \"10.0.0.0/8\"]");
	load(fixture, "\n", (struct options){.set = (const char *[]){"behind_lb=true"}, .set_count = 1});
	assert_value(fixture, "request_id", "true");
	load(fixture, "\n", (struct options){0});
	assert_value(fixture, "health_allow", "[]");
	assert_value(fixture, "keepalive_timeout", "\"75s\"");
	assert_value(fixture, "drain_delay", "\"0s\"");
	assert_value(fixture, "request_id", "false");
}

static void what_is_set_stays(void **state)
{
	static const char *sets[] = {"drain_delay=0", "keepalive_timeout=75s"};
	struct fixture *fixture = *state;

	load(fixture, "behind_lb = true; health_allow = \"\"; request_id = false;",
	     (struct options){.set = sets, .set_count = 2});
	assert_value(fixture, "health_allow", "[]");
	assert_value(fixture, "keepalive_timeout", "\"75s\"");
	assert_value(fixture, "drain_delay", "\"0s\"");
	assert_value(fixture, "request_id", "false");
}

static void collect(void *context, const char *line)
{
	char *all = context;

	strcat(all, line);
	strcat(all, "\n");
}

/* The advice about a file has each of these words, one a line, and no more lines. */
static void assert_advice(struct fixture *fixture, const char *text, const char *const *words, size_t count)
{
	char all[2048] = "";
	size_t lines = 0;

	load(fixture, text, (struct options){0});
	config_balancer_advise(fixture->config, collect, all);
	for (const char *at = all; (at = strchr(at, '\n')); at++)
		lines++;
	for (size_t i = 0; i < count; i++)
		if (!strstr(all, words[i]))
			fail_msg("%s: '%s' is not told of:\n%s", text, words[i], all);
	if (lines != count)
		fail_msg("%s:\n%s", text, all);
}

#define ASSERT_ADVICE(text, ...)                                              \
	assert_advice(*state, text, (const char *const[]){__VA_ARGS__, NULL}, \
		      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void it_warns_of_what_does_not_suit(void **state)
{
	ASSERT_ADVICE("behind_lb = true;", "trusted is empty: logs, limits");
	ASSERT_ADVICE("behind_lb = true; trusted = \"10.0.0.0/8\"; forwarded = \"off\";", "forwarded is off");
	ASSERT_ADVICE("behind_lb = true; trusted = \"10.0.0.0/8\"; keepalive_timeout = \"60s\";",
		      "keepalive_timeout is 60s or less");
	ASSERT_ADVICE("behind_lb = true; trusted = \"10.0.0.0/8\"; drain_delay = 0;", "drain_delay is 0");
	ASSERT_ADVICE("behind_lb = true; trusted = \"10.0.0.0/8\"; health_allow = \"127.0.0.1\";",
		      "health_allow does not let");
	ASSERT_ADVICE("behind_lb = true; health_allow = \"\"; keepalive_timeout = \"5s\"; "
		      "drain_delay = 0;",
		      "trusted is empty", "health_allow", "keepalive_timeout", "drain_delay");
	ASSERT_ADVICE("behind_lb = true; proxy_protocol = true;", "PROXY headers are taken from");
}

static void it_says_nothing_when_all_is_well(void **state)
{
	assert_advice(*state, "\n", NULL, 0);
	assert_advice(*state, "drain_delay = 0; keepalive_timeout = 5;", NULL, 0);
	assert_advice(*state, "behind_lb = true; trusted = \"10.0.0.0/8\";", NULL, 0);
	assert_advice(*state, "behind_lb = true; trusted = \"unix\";", NULL, 0);
	assert_advice(*state, "behind_lb = true; trusted = [ \"fd00::/8\" ]; health_allow = \"all\";", NULL, 0);
	assert_advice(*state,
		      "behind_lb = true; trusted = \"10.0.0.1\"; proxy_protocol = true; forwarded "
		      "= \"off\";",
		      NULL, 0);
}

static void trusting_everybody_is_told_of_in_any_case(void **state)
{
	ASSERT_ADVICE("trusted = \"all\";", "trusted holds everybody");
	ASSERT_ADVICE("trusted = [ \"10.0.0.0/8\", \"0.0.0.0/0\" ];", "trusted holds everybody");
	ASSERT_ADVICE("trusted = \"::/0\";", "trusted holds everybody");
	ASSERT_ADVICE("listen = ( { address = \"1\"; proxy_protocol = true; } );", "PROXY headers are taken from");
	assert_advice(*state, "trusted = \"unix\";", NULL, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_sets_what_suits_a_balancer),
		TEST(what_is_set_stays),
		TEST(it_warns_of_what_does_not_suit),
		TEST(it_says_nothing_when_all_is_well),
		TEST(trusting_everybody_is_told_of_in_any_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
