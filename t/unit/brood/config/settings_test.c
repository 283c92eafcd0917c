/* SPDX-License-Identifier: MIT
 *
 * The table of settings, and that the sample file and the manual are true to it. */
#include "brood/config/settings.h"

#include "brood/config/setting_value.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void every_row_is_found_by_its_name_and_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_count(); i++) {
		assert_ptr_equal(setting_find(setting_at(i)->name), setting_at(i));
		assert_int_equal(setting_index(setting_at(i)), i);
		assert_true(strlen(setting_at(i)->help) > 0);
	}
	assert_null(setting_at(settings_count()));
	assert_in_range(settings_count(), 1, SETTINGS_MAX);
	assert_null(setting_find("worker"));
	assert_null(setting_find(""));
}

static void every_default_is_a_value_that_the_row_itself_takes(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_count(); i++) {
		struct config config = {0};
		char reason[SETTING_REASON_MAX];

		void *home = setting_home(setting_at(i), &config);

		if (setting_parse(setting_at(i), setting_at(i)->standard, "/", home, false, reason) < 0)
			fail_msg("%s: %s", setting_at(i)->name, reason);
		setting_clear(setting_at(i), home);
	}
}

static void the_defaults_that_users_rely_on_stand_in_the_table(void **state)
{
	static const char *const fixed[][2] = {
		{"workers", "auto"},
		{"accept", "shared"},
		{"handoff_policy", "least-connections"},
		{"backlog", "4096"},
		{"head_timeout", "10s"},
		{"body_timeout", "30s"},
		{"write_timeout", "60s"},
		{"keepalive_timeout", "75s"},
		{"start_timeout", "10s"},
		{"probe", "/"},
		{"drain_timeout", "60s"},
		{"stop_timeout", "30s"},
		{"access_log", "off"},
		{"access_log_format", "combined"},
		{"error_log", "stderr"},
		{"watchdog", "10s"},
		{"max_requests", "off"},
		{"max_memory", "off"},
		{"max_age", "off"},
		{"behind_lb", "false"},
		{"proxy_protocol", "false"},
		{"hsts", "off"},
		{"tls_certificate", ""},
		{"tls_key", ""},
		{"tls_client", "off"},
		{"tls_profile", "intermediate"},
		{"tls_kernel", "true"},
		{"tls_ticket_lifetime", "24h"},
		{"tls_ticket_rotate", "12h"},
		{"tls_ticket_keys", "off"},
		{"tls_handshake_timeout", "10s"},
		{"tls_handshakes_max", "1024"},
		{"tls_handshake_rate", "off"},
		{"proxy_timeout", "5s"},
		{"trusted", ""},
		{"forwarded", "auto"},
		{"health_allow", ""},
		{"health_log", "false"},
		{"drain_delay", "0s"},
		{"request_id", "false"},
		{"client_rate", "off"},
		{"client_connections", "off"},
		{"client_prefix_ipv4", "32"},
		{"client_prefix_ipv6", "64"},
		{"connections_max_total", "off"},
		{"min_receive_rate", "off"},
		{"min_send_rate", "100"},
		{"debug_headers", "false"},
		{"debug_fault", "off"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		assert_string_equal(setting_find(fixed[i][0])->standard, fixed[i][1]);
}

static void a_slip_is_told_from_the_name_that_was_meant(void **state)
{
	(void)state;
	assert_string_equal(setting_nearest("worker", SCOPE_SERVER), "workers");
	assert_string_equal(setting_nearest("acess_log", SCOPE_SERVER), "access_log");
	assert_string_equal(setting_nearest("keep_alive_timeout", SCOPE_SERVER), "keepalive_timeout");
	assert_null(setting_nearest("florp", SCOPE_SERVER));
	assert_string_equal(setting_nearest("site", SCOPE_SERVER), "sites");
	assert_string_equal(setting_nearest("location", SCOPE_SITE), "locations");
	assert_string_equal(setting_nearest("pth", SCOPE_LOCATION), "path");
	assert_null(setting_nearest("workrs", SCOPE_SITE));
}

/* The default in the file's own syntax. */
static void standard_value(const struct setting *setting, char *out, size_t room)
{
	bool bare = setting->type == SETTING_BOOL ||
		    (setting->type == SETTING_COUNT && setting->standard[0] >= '0' && setting->standard[0] <= '9');
	struct config_list list = {0};
	struct buffer text = {0};
	char *copy, *rest, *part;

	if (setting->type != SETTING_LIST && setting->type != SETTING_PATHS) {
		snprintf(out, room, bare ? "%s" : "\"%s\"", setting->standard);
		return;
	}
	rest = copy = strdup(setting->standard);
	while (*copy && (part = config_list_next(&rest)))
		assert_int_equal(config_list_add(&list, part), 0);
	assert_int_equal(config_list_format(&list, &text), 0);
	snprintf(out, room, "%.*s", (int)text.used, text.data);
	config_list_free(&list);
	buffer_free(&text);
	free(copy);
}

/* The name at the start of `line` up to `end` is a setting's. */
static void assert_known(const char *line, const char *end)
{
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)(end - line), line);
	if (!setting_find(name) && strcmp(name, "sites") != 0 && strcmp(name, "locations") != 0)
		fail_msg("there is no setting '%s'", name);
}

/* From the end of the paragraph before (an empty line) to the setting's line. A paragraph may be of
 * two settings. */
static bool paragraph_has(const char *text, const char *line, const char *words)
{
	const char *start = line, *found;

	while (start > text && strncmp(start, "\n\n", 2) != 0)
		start--;
	found = strstr(start, words);
	return found && found < line;
}

static void the_sample_file_shows_every_setting_with_its_default(void **state)
{
	char *text = fixture_read_source("etc/brood.conf");

	(void)state;
	for (size_t i = 0; i < settings_count(); i++) {
		char value[1024], wanted[1200];
		const char *line;
		bool start_only = setting_at(i)->effect == SETTING_AT_START;

		standard_value(setting_at(i), value, sizeof(value));
		if (strcmp(setting_at(i)->name, "root") == 0) /* whose default is a rule, not a value */
			snprintf(value, sizeof(value), "\"/srv/www\"");
		snprintf(wanted, sizeof(wanted), "\n#%s = %s;\n", setting_at(i)->name, value);
		line = strstr(text, wanted);
		if (!line)
			fail_msg("etc/brood.conf lacks the line %s", wanted + 1);
		if (paragraph_has(text, line, " at a start only.") != start_only)
			fail_msg("etc/brood.conf: when does %s change?", setting_at(i)->name);
	}
	for (const char *at = text; (at = strstr(at, "\n#")) != NULL; at++) {
		if (at[2] >= 'a' && at[2] <= 'z')
			assert_known(at + 2, at + 2 + strcspn(at + 2, " "));
	}
	free(text);
}

static void the_sample_file_changes_nothing_whether_commented_out_or_not(void **state)
{
	struct fixture *fixture = *state;
	char *text = fixture_read_source("etc/brood.conf"), *at = text;
	struct config *standard;

	assert_int_equal(fixture_load(fixture, NULL, (struct options){0}), 0);
	standard = fixture->config;
	fixture->config = NULL;
	fixture_write(fixture, "sample.conf", text);
	assert_int_equal(fixture_load(fixture, "sample.conf", (struct options){0}), 0);
	for (size_t i = 0; i < settings_count(); i++)
		assert_true(setting_equal(setting_at(i), setting_home(setting_at(i), standard),
					  setting_home(setting_at(i), fixture->config)));

	while ((at = strstr(at, "\n#")) != NULL) {
		at++;
		if (at[1] >= 'a' && at[1] <= 'z')
			at[0] = ' ';
	}
	fixture_write(fixture, "sample.conf", text);
	assert_int_equal(fixture_load(fixture, "sample.conf", (struct options){.root = "www"}), 0);
	for (size_t i = 0; i < settings_count(); i++)
		assert_true(setting_equal(setting_at(i), setting_home(setting_at(i), standard),
					  setting_home(setting_at(i), fixture->config)));
	config_free(standard);
	free(text);
}

/* "\n.It Ic NAME No = DEFAULT\n", as the manual has it. */
static void manual_line(const struct setting *setting, char *out, size_t room)
{
	char value[1024];
	size_t used = (size_t)snprintf(out, room, "\n.It Ic %s", setting->name);

	if (strcmp(setting->name, "root") != 0) { /* whose default is a rule, not a value */
		used += (size_t)snprintf(out + used, room - used, " No = ");
		standard_value(setting, value, sizeof(value));
		for (const char *at = value; *at; at++)
			used += (size_t)snprintf(out + used, room - used, *at == '"' ? "\\(dq" : "%c", *at);
	}
	snprintf(out + used, room - used, "\n");
}

static void the_manual_tells_of_every_setting_and_its_default(void **state)
{
	char *text = fixture_read_source("doc/man/brood.conf.5");

	(void)state;
	for (size_t i = 0; i < settings_count(); i++) {
		const char *item, *next, *section, *words;
		char wanted[2048];

		manual_line(setting_at(i), wanted, sizeof(wanted));
		item = strstr(text, wanted);
		if (!item)
			fail_msg("brood.conf.5 lacks the line %s", wanted + 1);
		next = strstr(item + 1, "\n.It Ic ");
		section = strstr(item + 1, "\n.Ss ");
		if (!next || next > section)
			next = section;
		words = strstr(item + 1, "\nChanges at a start only.\n");
		if ((words && words < next) != (setting_at(i)->effect == SETTING_AT_START))
			fail_msg("brood.conf.5: when does %s change?", setting_at(i)->name);
	}
	for (const char *at = text; (at = strstr(at, "\n.It Ic ")) != NULL; at++)
		assert_known(at + 8, at + 8 + strcspn(at + 8, " \n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found_by_its_name_and_has_a_name_of_its_own),
		cmocka_unit_test(every_default_is_a_value_that_the_row_itself_takes),
		cmocka_unit_test(the_defaults_that_users_rely_on_stand_in_the_table),
		cmocka_unit_test(a_slip_is_told_from_the_name_that_was_meant),
		cmocka_unit_test(the_sample_file_shows_every_setting_with_its_default),
		cmocka_unit_test_setup_teardown(the_sample_file_changes_nothing_whether_commented_out_or_not,
						fixture_set_up, fixture_tear_down),
		cmocka_unit_test(the_manual_tells_of_every_setting_and_its_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
