/* SPDX-License-Identifier: MIT
 *
 * Values of settings: what each type takes, refuses and prints. */
#include "brood/config/setting_value.h"

#include "base/network.h"

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The value goes in and comes out in the file's syntax. */
static void assert_takes(const char *name, const char *text, const char *printed)
{
	const struct setting *setting = setting_find(name);
	struct config config = {0};
	struct buffer out = {0};
	char reason[SETTING_REASON_MAX];

	void *home = setting_home(setting, &config);

	if (setting_parse(setting, text, "/start", home, false, reason) < 0)
		fail_msg("%s '%s': %s", name, text, reason);
	assert_int_equal(setting_format(setting, home, &out), 0);
	assert_int_equal(buffer_append(&out, "", 1), 0);
	assert_string_equal(out.data, printed);
	buffer_free(&out);
	setting_clear(setting, home);
}

static void assert_refuses(const char *name, const char *text, const char *wanted)
{
	const struct setting *setting = setting_find(name);
	struct config config = {0}, untouched = {0};
	char reason[SETTING_REASON_MAX];

	if (setting_parse(setting, text, "/start", setting_home(setting, &config), false, reason) == 0)
		fail_msg("%s takes '%s'", name, text);
	assert_string_equal(reason, wanted);
	assert_memory_equal(&config, &untouched, sizeof(config));
}

static void a_bool_is_true_or_false(void **state)
{
	(void)state;
	assert_takes("debug_headers", "true", "true");
	assert_takes("debug_headers", "false", "false");
	assert_refuses("debug_headers", "yes", "want true or false");
	assert_refuses("debug_headers", "1", "want true or false");
	assert_refuses("debug_headers", "", "want true or false");
}

static void a_count_keeps_to_its_range_and_word(void **state)
{
	static const char *const wrong[] = {"0",   "1025", "-1",   "x",    "",
					    "1.5", "4 ",   "Auto", "0x10", "18446744073709551617"};

	(void)state;
	assert_takes("workers", "1", "1");
	assert_takes("workers", "1024", "1024");
	assert_takes("workers", "auto", "\"auto\"");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_refuses("workers", wrong[i], "want a number from 1 to 1024, or auto");
	assert_refuses("backlog", "auto", "want a number from 1 to 65535");
}

static void a_rate_is_per_second_minute_or_hour(void **state)
{
	static const char *const wrong[] = {"0",
					    "0/s",
					    "/s",
					    "1/d",
					    "1/",
					    "1 /s",
					    "1.5/s",
					    "10001",
					    "10001/s",
					    "-1/s",
					    "",
					    "on",
					    "18446744073709551615/s"};

	(void)state;
	assert_takes("client_rate", "100", "\"100/s\"");
	assert_takes("client_rate", "100/s", "\"100/s\"");
	assert_takes("client_rate", "60/m", "\"1/s\"");
	assert_takes("client_rate", "90/m", "\"90/m\"");
	assert_takes("client_rate", "61/h", "\"61/h\"");
	assert_takes("client_rate", "10000/s", "\"10000/s\"");
	assert_takes("client_rate", "off", "\"off\"");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_refuses("client_rate", wrong[i], "want a rate from 1/h to 10000/s (100/s, 30/m, 5/h), or off");
}

static void a_word_is_one_of_the_rows(void **state)
{
	(void)state;
	assert_takes("accept", "reuseport", "\"reuseport\"");
	assert_refuses("accept", "reuse", "want shared, handoff or reuseport");
	assert_refuses("accept", "", "want shared, handoff or reuseport");
	assert_refuses("handoff_policy", "least", "want least-connections or round-robin");
}

static void assert_counts_as(const char *name, const char *word, unsigned value)
{
	const struct setting *setting = setting_find(name);
	struct config config = {0};
	char reason[SETTING_REASON_MAX];

	assert_int_equal(setting_parse(setting, word, "/", &config, false, reason), 0);
	assert_int_equal(*(unsigned *)((char *)&config + setting->offset), value);
}

static void words_count_as_the_enums_do(void **state)
{
	(void)state;
	assert_counts_as("accept", "shared", CLUSTER_ACCEPT_SHARED);
	assert_counts_as("accept", "handoff", CLUSTER_ACCEPT_HANDOFF);
	assert_counts_as("accept", "reuseport", CLUSTER_ACCEPT_REUSEPORT);
	assert_counts_as("handoff_policy", "least-connections", CLUSTER_LEAST_CONNECTIONS);
	assert_counts_as("handoff_policy", "round-robin", CLUSTER_ROUND_ROBIN);
	assert_counts_as("access_log_format", "combined", LOG_FORMAT_COMBINED);
	assert_counts_as("access_log_format", "json", LOG_FORMAT_JSON);
	assert_counts_as("forwarded", "auto", HTTP_FORWARDED_AUTO);
	assert_counts_as("forwarded", "x-forwarded-for", HTTP_FORWARDED_X_FOR);
	assert_counts_as("forwarded", "forwarded", HTTP_FORWARDED_RFC7239);
	assert_counts_as("forwarded", "off", HTTP_FORWARDED_OFF);
}

static void off_is_none_of_what_could_be_counted(void **state)
{
	static const char *const names[] = {
		"watchdog",           "max_requests",          "max_memory",       "max_age",      "client_rate",
		"client_connections", "connections_max_total", "min_receive_rate", "min_send_rate"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_takes(names[i], "off", "\"off\"");
	assert_takes("max_requests", "0", "\"off\"");
	assert_takes("max_requests", "4294967295", "4294967295");
	assert_takes("max_age", "1d", "\"1d\"");
	assert_refuses("max_requests", "4294967296", "want a number from 0 to 4294967295, or off");
	assert_refuses("watchdog", "0", "want a duration from 1s to 7d (500ms, 10s, 5m), or off");
	assert_refuses("watchdog", "999ms", "want a duration from 1s to 7d (500ms, 10s, 5m), or off");
	assert_refuses("head_timeout", "off", "want a duration from 1ms to 7d (500ms, 10s, 5m)");
}

static void a_duration_has_units_and_a_range(void **state)
{
	static const char wrong[] = "want a duration from 1ms to 7d (500ms, 10s, 5m)";

	(void)state;
	assert_takes("head_timeout", "500ms", "\"500ms\"");
	assert_takes("head_timeout", "90", "\"90s\"");
	assert_takes("head_timeout", "120s", "\"2m\"");
	assert_takes("head_timeout", "7d", "\"7d\"");
	assert_refuses("head_timeout", "0", wrong);
	assert_refuses("head_timeout", "8d", wrong);
	assert_refuses("head_timeout", "-1s", wrong);
	assert_refuses("head_timeout", "1.5s", wrong);
	assert_refuses("head_timeout", "10 s", wrong);
	assert_refuses("head_timeout", "", wrong);
	assert_refuses("head_timeout", "99999999999999999999d", wrong);
}

static void a_size_has_units_and_a_range(void **state)
{
	static const char wrong[] = "want a size from 64k to 1048576g (512, 64k, 10m), or off";

	(void)state;
	assert_takes("max_memory", "65536", "\"64k\"");
	assert_takes("max_memory", "1m", "\"1m\"");
	assert_takes("max_memory", "1536k", "\"1536k\"");
	assert_takes("max_memory", "2G", "\"2g\"");
	assert_refuses("max_memory", "63k", wrong);
	assert_refuses("max_memory", "1048577g", wrong);
	assert_refuses("max_memory", "1mb", wrong);
	assert_refuses("max_memory", "", wrong);
}

static void a_path_becomes_absolute_and_words_stay(void **state)
{
	char longest[PATH_MAX + 1];

	(void)state;
	assert_takes("access_log", "log/a.log", "\"/start/log/a.log\"");
	assert_takes("access_log", "./a.log", "\"/start/a.log\"");
	assert_takes("access_log", "/a.log", "\"/a.log\"");
	assert_takes("access_log", "off", "\"off\"");
	assert_takes("access_log", "stdout", "\"stdout\"");
	assert_takes("access_log", "./off", "\"/start/off\"");
	assert_takes("pid_file", "off", "\"off\"");
	assert_takes("control", "off", "\"off\"");
	assert_takes("control", "auto", "\"auto\"");
	assert_takes("control", "/run/x", "\"/run/x\"");
	assert_refuses("control", "", "want a path, auto or off");
	assert_takes("root", ".", "\"/start\"");
	assert_refuses("error_log", "", "want a path, or stderr");
	assert_refuses("error_log", "off", "cannot be turned off (write './off' for a file of that name)");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_refuses("root", longest, "longer than a path can be (4095 octets)");
}

static void a_text_is_escaped_where_the_syntax_needs_it(void **state)
{
	(void)state;
	assert_takes("root", "/a\"b\\c\nd\x01", "\"/a\\\"b\\\\c\\x0ad\\x01\"");
	assert_takes("user", "", "\"\"");
	assert_takes("user", "www", "\"www\"");
}

static void a_probe_is_what_a_request_line_can_hold(void **state)
{
	static const char wrong[] = "want the path of a URL, from the / on";

	(void)state;
	assert_takes("probe", "/health?x=1", "\"/health?x=1\"");
	assert_refuses("probe", "health", wrong);
	assert_refuses("probe", "", wrong);
	assert_refuses("probe", "/a b", wrong);
	assert_refuses("probe", "/a\r\nHost: b", wrong);
	assert_refuses("probe", "/\xc3\xa9", wrong);
}

static void a_fault_has_a_kind_and_perhaps_a_slot(void **state)
{
	const struct setting *setting = setting_find("debug_fault");
	struct config config = {0};
	char reason[SETTING_REASON_MAX];

	(void)state;
	assert_int_equal(setting_parse(setting, "off", "/", &config, false, reason), 0);
	assert_int_equal(config.debug_fault.kind, FAULT_OFF);
	assert_int_equal(setting_parse(setting, "start-exit", "/", &config, false, reason), 0);
	assert_int_equal(config.debug_fault.kind, FAULT_START_EXIT);
	assert_int_equal(config.debug_fault.slot, -1);
	assert_int_equal(setting_parse(setting, "start-fatal", "/", &config, false, reason), 0);
	assert_int_equal(config.debug_fault.kind, FAULT_START_FATAL);
	assert_int_equal(setting_parse(setting, "start-hang:0", "/", &config, false, reason), 0);
	assert_int_equal(config.debug_fault.kind, FAULT_START_HANG);
	assert_int_equal(config.debug_fault.slot, 0);
	assert_int_equal(setting_parse(setting, "probe-fail", "/", &config, false, reason), 0);
	assert_int_equal(config.debug_fault.kind, FAULT_PROBE_FAIL);
	assert_int_equal(setting_parse(setting, "crash:1023", "/", &config, false, reason), 0);
	assert_int_equal(config.debug_fault.kind, FAULT_CRASH);
	assert_int_equal(config.debug_fault.slot, 1023);

	assert_takes("debug_fault", "crash:2", "\"crash:2\"");
	assert_takes("debug_fault", "crash", "\"crash\"");
	assert_refuses("debug_fault", "crash:1024", "slots are numbered from 0 to 1023");
	assert_refuses("debug_fault", "crash:", setting->want);
	assert_refuses("debug_fault", "crash:-1", setting->want);
	assert_refuses("debug_fault", "off:1", setting->want);
	assert_refuses("debug_fault", "cras", setting->want);
	assert_refuses("debug_fault", "", setting->want);
}

static void paths_are_made_absolute_one_by_one(void **state)
{
	(void)state;
	assert_takes("tls_certificate", "", "[]");
	assert_takes("tls_certificate", "dev", "[\"dev\"]");
	assert_takes("tls_certificate", "a.pem, /b.pem", "[\"/start/a.pem\", \"/b.pem\"]");
	assert_takes("tls_certificate", "./dev", "[\"/start/dev\"]");
	assert_refuses("tls_key", "a.key,off", "cannot be turned off (write './off' for a file of that name)");
	assert_refuses("tls_key", "a.key,", "want paths");
}

static void listeners_are_separated_by_commas(void **state)
{
	(void)state;
	assert_takes("listen", "8000", "\"*:8000\"");
	assert_takes("listen", "0", "\"*:0\"");
	assert_takes("listen", "[::1]:80, 127.0.0.1:81 ,unix:x y",
		     "[ \"[::1]:80\", \"127.0.0.1:81\", \"unix:/start/x y\" ]");
	assert_takes("listen", "unix:run/s", "\"unix:/start/run/s\"");
	assert_takes("listen", "unix:/run/s", "\"unix:/run/s\"");
	assert_refuses("listen", "80,81,*:80", "*:80 is there twice");
	assert_takes("listen", "tls:443", "\"tls:*:443\"");
	assert_takes("listen", "80, tls:443", "[ \"*:80\", \"tls:*:443\" ]");
	assert_refuses("listen", "80,tls:80", "*:80 is there twice");
	assert_refuses("listen", "80,70000", "port 70000 is not between 0 and 65535");
}

/* No row of the table, so that the type is tried whatever settings have it. */
static const struct setting some_networks = {
	.name = "some",
	.type = SETTING_NETWORKS,
	.standard = "",
};

static void networks_are_a_list_by_commas(void **state)
{
	union {
		struct config config; /* the row's member begins where it does */
		struct networks networks;
	} a = {0}, b = {0};
	struct buffer out = {0};
	char reason[SETTING_REASON_MAX];

	(void)state;
	assert_int_equal(setting_parse(&some_networks, "", "/", &a.config, false, reason), 0);
	assert_int_equal(setting_format(&some_networks, &a.config, &out), 0);
	assert_int_equal(setting_parse(&some_networks, "::1", "/", &a.config, false, reason), 0);
	assert_int_equal(setting_format(&some_networks, &a.config, &out), 0);
	assert_int_equal(setting_parse(&some_networks, "unix, ::1", "/", &a.config, false, reason), 0);
	assert_int_equal(setting_format(&some_networks, &a.config, &out), 0);
	assert_string_equal(out.data, "[]\"::1\"[\"unix\", \"::1\"]");
	buffer_free(&out);

	assert_false(setting_equal(&some_networks, &a.config, &b.config));
	assert_int_equal(setting_parse(&some_networks, "::1, unix", "/", &b.config, false, reason), 0);
	assert_true(setting_equal(&some_networks, &a.config, &b.config));
	assert_int_equal(setting_parse(&some_networks, "::1,here", "/", &b.config, false, reason), -EINVAL);
	assert_string_equal(reason, "\"here\" is not a network (like 10.0.0.0/8, 192.0.2.7, "
				    "2001:db8::/32, unix or all)");
	setting_clear(&some_networks, &a.config);
	setting_clear(&some_networks, &b.config);
	assert_null(a.networks.list);
}

static void texts_of_a_list_are_separated_by_commas(void **state)
{
	(void)state;
	assert_takes("index", "a", "[\"a\"]");
	assert_takes("index", "a, b ,c d", "[\"a\", \"b\", \"c d\"]");
	assert_takes("index", "", "[]");
	assert_takes("index", " ", "[]");
	assert_takes("headers", "set A: b\\, c,remove D", "[\"set A: b, c\", \"remove D\"]");
	assert_takes("headers", "set A: b\\\\,remove D", "[\"set A: b\\\\\", \"remove D\"]");
	assert_takes("headers", "set A: \\x", "[\"set A: \\\\x\"]");
	assert_refuses("index", "a,,b", "\"\" is no name of a file that can be served in a folder");
	assert_refuses("index", "a,", "\"\" is no name of a file that can be served in a folder");
	assert_refuses("index", "a,b/c", "\"b/c\" is no name of a file that can be served in a folder");
}

static void what_a_place_is_set_to_is_checked_text_by_text(void **state)
{
	static const char try_want[] = "want a path, from the / on, or {path} at its start, as in "
				       "\"{path}.html\" or \"/app.html\"";
	static const char page_want[] = "want a status from 400 to 599 and the path of a file, as in "
					"\"404 /404.html\"";
	static const char file_want[] = "want the path of a file, as in \"/app.html\"";

	(void)state;
	assert_takes("try", "{path},{path}/,/x{path}.html,/app.html,{path}.d/",
		     "[\"{path}\", \"{path}/\", \"/x{path}.html\", \"/app.html\", \"{path}.d/\"]");
	assert_refuses("try", "app.html", try_want);
	assert_refuses("try", "{Path}", try_want);
	assert_refuses("try", "{path}{path}", "{path} is in it twice");
	assert_refuses("try", "/{path}/{path}", "{path} is in it twice");
	assert_refuses("try", "/../x", "no such file is ever looked up");
	assert_refuses("try", "{path}/../x", "no such file is ever looked up");
	assert_refuses("try", "/a//b", "no such file is ever looked up");
	assert_takes("fallback", "off", "\"off\"");
	assert_takes("fallback", "/app/x.html", "\"/app/x.html\"");
	assert_refuses("fallback", "/", file_want);
	assert_refuses("fallback", "/app/", file_want);
	assert_refuses("fallback", "/../x", file_want);
	assert_takes("error_pages", "404 /404.html,599 /a/b", "[\"404 /404.html\", \"599 /a/b\"]");
	assert_refuses("error_pages", "/404.html", page_want);
	assert_refuses("error_pages", "399 /x", page_want);
	assert_refuses("error_pages", "600 /x", page_want);
	assert_refuses("error_pages", "4040 /x", page_want);
	assert_refuses("error_pages", "404 x", page_want);
	assert_refuses("error_pages", "404", page_want);
	assert_refuses("error_pages", "404 /x/", page_want);
	assert_takes("redirects", "/a /b,/c/* /d/* 308", "[\"/a /b\", \"/c/* /d/* 308\"]");
	assert_refuses("redirects", "/a //b", "TO begins with two slashes: write https:// and the host");
	assert_refuses("headers", "set Date: x", "Date is brood's own to make");
	assert_takes("cache_control", "no-cache", "\"no-cache\"");
	assert_refuses("cache_control", "a\nb", "a field's value has no control characters in it");
	assert_takes("allow", "10.0.0.0/8,::1", "[\"10.0.0.0/8\", \"::1\"]");
	assert_takes("listing_css", "/x.css", "\"/x.css\"");
	assert_takes("names", "a,*.B.c,[::1]", "[\"a\", \"*.B.c\", \"[::1]\"]");
	assert_refuses("names", "a:80",
		       "\"a:80\" is no host's name (like example.org, *.example.org or "
		       "192.0.2.7)");
	assert_refuses("symlinks", "all", "want beneath or none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bool_is_true_or_false),
		cmocka_unit_test(a_count_keeps_to_its_range_and_word),
		cmocka_unit_test(a_rate_is_per_second_minute_or_hour),
		cmocka_unit_test(a_word_is_one_of_the_rows),
		cmocka_unit_test(words_count_as_the_enums_do),
		cmocka_unit_test(off_is_none_of_what_could_be_counted),
		cmocka_unit_test(a_duration_has_units_and_a_range),
		cmocka_unit_test(a_size_has_units_and_a_range),
		cmocka_unit_test(a_path_becomes_absolute_and_words_stay),
		cmocka_unit_test(a_text_is_escaped_where_the_syntax_needs_it),
		cmocka_unit_test(a_probe_is_what_a_request_line_can_hold),
		cmocka_unit_test(a_fault_has_a_kind_and_perhaps_a_slot),
		cmocka_unit_test(paths_are_made_absolute_one_by_one),
		cmocka_unit_test(listeners_are_separated_by_commas),
		cmocka_unit_test(networks_are_a_list_by_commas),
		cmocka_unit_test(texts_of_a_list_are_separated_by_commas),
		cmocka_unit_test(what_a_place_is_set_to_is_checked_text_by_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
