/* SPDX-License-Identifier: MIT
 *
 * Configuration files: what they may hold, and that all that is wrong in one is told, with its
 * place. */
#include "brood/config/config_file.h"

#include "brood/config/config_balancer.h"
#include "brood/config/setting_value.h"

#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct options none;

/* The file's one error is this line. */
static void assert_wrong(struct fixture *fixture, const char *text, const char *line)
{
	fixture_write(fixture, "a.conf", text);
	if (fixture_load(fixture, "a.conf", none) == 0)
		fail_msg("this file is taken:\n%s", text);
	fixture_assert_line(fixture, line);
	fixture_assert_lines(fixture, 1);
}

static void assert_taken(struct fixture *fixture, const char *text)
{
	fixture_write(fixture, "a.conf", text);
	if (fixture_load(fixture, "a.conf", none) < 0)
		fail_msg("%s", fixture->reason.data);
}

static void each_type_is_read(void **state)
{
	struct fixture *fixture = *state;

	assert_taken(fixture, "listen = \"127.0.0.1:80\";\n"
			      "workers = 3;\n"
			      "accept = \"handoff\";\n"
			      "head_timeout = 5;\n"
			      "body_timeout = \"250ms\";\n"
			      "access_log = \"a.log\";\n"
			      "debug_headers = true;\n"
			      "debug_fault = \"crash:1\";\n"
			      "max_connections = \"auto\";\n"
			      "backlog = 0x10;\n");
	assert_int_equal(fixture->config->listen_count, 1);
	assert_string_equal(fixture->config->listen[0].address.text, "127.0.0.1:80");
	assert_int_equal(fixture->config->workers, 3);
	assert_int_equal(fixture->config->accept, CLUSTER_ACCEPT_HANDOFF);
	assert_int_equal(fixture->config->head_timeout_ms, 5000);
	assert_int_equal(fixture->config->body_timeout_ms, 250);
	assert_true(fixture->config->debug_headers);
	assert_int_equal(fixture->config->debug_fault.slot, 1);
	assert_int_equal(fixture->config->max_connections, 0);
	assert_int_equal(fixture->config->backlog, 16);
	assert_int_equal(strncmp(fixture->config->site.access_log, fixture->folder, strlen(fixture->folder)), 0);
}

static void listen_may_be_a_text_an_array_or_a_list_of_groups(void **state)
{
	struct fixture *fixture = *state;
	const struct config_listener *listen;

	assert_taken(fixture, "listen = [ \"8001\", \"[::1]:8002\" ];");
	assert_int_equal(fixture->config->listen_count, 2);
	assert_string_equal(fixture->config->listen[0].address.text, "*:8001");
	assert_string_equal(fixture->config->listen[1].address.text, "[::1]:8002");

	assert_taken(fixture, "listen = ( { address = \"8001\"; backlog = 7; },\n"
			      "  { address = \"unix:s\"; mode = \"0660\"; }, \"8003\" );");
	listen = fixture->config->listen;
	assert_int_equal(fixture->config->listen_count, 3);
	assert_int_equal(listen[0].backlog, 7);
	assert_int_equal(listen[0].unix_mode, 0);
	assert_int_equal(listen[1].unix_mode, 0660);
	assert_true(address_is_unix(&listen[1].address));
	assert_int_equal(address_unix_path(&listen[1].address)[0], '/');
	assert_string_equal(listen[2].address.text, "*:8003");
}

static void an_unknown_name_is_told_with_the_nearest_known_one(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "\nworker = 4;\n", "$/a.conf:2: unknown setting 'worker' (did you mean 'workers'?)");
	assert_wrong(fixture, "gadget = true;\n", "$/a.conf:1: unknown setting 'gadget'");
}

static void a_wrong_value_is_told_with_what_would_be_right(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "workers = 0;", "$/a.conf:1: workers = 0: want a number from 1 to 1024, or \"auto\"");
	assert_wrong(fixture, "workers = \"4\";",
		     "$/a.conf:1: workers = \"4\": want a number from 1 to 1024, or \"auto\"");
	assert_wrong(fixture, "workers = \"many\";",
		     "$/a.conf:1: workers = \"many\": want a number from 1 to 1024, or \"auto\"");
	assert_wrong(fixture, "workers = 1.5;", "$/a.conf:1: workers = 1.5: want a number from 1 to 1024, or \"auto\"");
	assert_wrong(fixture, "accept = \"share\";",
		     "$/a.conf:1: accept = \"share\": want \"shared\", \"handoff\" or \"reuseport\"");
	assert_wrong(fixture, "accept = 1;", "$/a.conf:1: accept = 1: want \"shared\", \"handoff\" or \"reuseport\"");
	assert_wrong(fixture, "debug_headers = \"true\";", "$/a.conf:1: debug_headers = \"true\": want true or false");
	assert_wrong(fixture, "access_log = false;",
		     "$/a.conf:1: access_log = false: want a path, \"off\" or \"stdout\"");
	assert_wrong(fixture, "user = [ \"a\" ];", "$/a.conf:1: user = [ ... ]: want a text");
	assert_wrong(fixture, "head_timeout = -1;",
		     "$/a.conf:1: head_timeout = -1: want a duration from 1ms to 7d (500ms, 10s, 5m)");
	assert_wrong(fixture, "probe = \"x\";", "$/a.conf:1: probe = \"x\": want the path of a URL, from the / on");
}

static void a_wrong_listener_is_told(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "listen = 8000;",
		     "$/a.conf:1: listen = 8000: want ADDRESS:PORT, a port, or unix:/path, with tls: in front for TLS");
	assert_wrong(fixture, "listen = ();", "$/a.conf:1: listen = ( ... ): want one address at least");
	assert_wrong(fixture, "listen = [ \"1\",\n\"1\" ];", "$/a.conf:2: listen = \"1\": *:1 is there already");
	assert_wrong(fixture, "listen = \"tls:443x\";",
		     "$/a.conf:1: listen = \"tls:443x\": \"443x\" has no port (write ADDRESS:PORT)");
	assert_wrong(fixture, "listen = ( { address = \"1\"; tls = 1; } );", "$/a.conf:1: tls = 1: want true or false");
	assert_wrong(fixture, "listen = ( { address = \"1\";\nproxy_protocol = \"v2\"; } );",
		     "$/a.conf:2: proxy_protocol = \"v2\": want true or false");
	assert_wrong(fixture, "listen = ( { address = \"1\"; backlock = 3; } );",
		     "$/a.conf:1: a listener has no setting 'backlock' (did you mean 'backlog'?)");
	assert_wrong(fixture, "listen = ( { address = \"1\"; backlog = 0; } );",
		     "$/a.conf:1: backlog = 0: want a number from 1 to 65535");
	assert_wrong(fixture, "listen = ( { backlog = 3; } );",
		     "$/a.conf:1: listen = { ... }: this listener has no address");
	assert_wrong(fixture, "listen = ( { address = \"1\"; mode = \"0660\"; } );",
		     "$/a.conf:1: listen = { ... }: a mode is for Unix sockets (unix:/path) only");
	assert_wrong(fixture, "listen = ( { address = \"unix:/s\"; mode = \"9\"; } );",
		     "$/a.conf:1: mode = \"9\": want the permissions of a Unix socket, as in \"0660\"");
	assert_wrong(fixture, "listen = ( { address = \"unix:/s\"; mode = 660; } );",
		     "$/a.conf:1: mode = 660: want the permissions of a Unix socket, as in \"0660\"");
}

static void networks_are_a_text_or_an_array(void **state)
{
	static const char *const texts[] = {
		"trusted = \"10.0.0.0/8, unix\";",
		"trusted = [ \"10.0.0.0/8\", \"unix\" ];",
		"trusted = ( \"unix\", \"10.0.0.0/8\", \"unix\" );",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fixture_write(fixture, "a.conf", texts[i]);
		assert_int_equal(fixture_load(fixture, "a.conf", (struct options){0}), 0);
		assert_int_equal(fixture->config->trusted.count, 2);
		config_free(fixture->config);
		fixture->config = NULL;
	}
	fixture_write(fixture, "a.conf", "trusted = [];");
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){0}), 0);
	assert_int_equal(fixture->config->trusted.count, 0);
	assert_wrong(fixture, "trusted = [ \"unix\",\n\"10.0.0.1/8\" ];",
		     "$/a.conf:2: trusted = \"10.0.0.1/8\": \"10.0.0.1/8\" has bits set behind its "
		     "prefix; 10.0.0.0/8 has none");
	assert_wrong(fixture, "trusted = [ 10 ];",
		     "$/a.conf:1: trusted = 10: want networks (10.0.0.0/8, 192.0.2.7, "
		     "2001:db8::/32, unix, all)");
	assert_wrong(fixture, "trusted = true;",
		     "$/a.conf:1: trusted = true: want networks (10.0.0.0/8, 192.0.2.7, "
		     "2001:db8::/32, unix, all)");
}

static void a_listener_may_want_a_proxy_header_or_not(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text = {0};
	struct config *config;

	fixture_write(fixture, "a.conf",
		      "proxy_protocol = true;\n"
		      "listen = ( { address = \"1\"; }, { address = \"2\"; proxy_protocol = false; },\n"
		      "           { address = \"3\"; proxy_protocol = true; }, \"4\" );\n");
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){0}), 0);
	config = fixture->config;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(config_balancer_wants_proxy(config, &config->listen[i].address), i != 1);
	assert_int_equal(setting_format(setting_find("listen"), config, &text), 0);
	assert_string_equal(text.data, "( { address = \"*:1\"; }, "
				       "{ address = \"*:2\"; proxy_protocol = false; }, "
				       "{ address = \"*:3\"; proxy_protocol = true; }, "
				       "{ address = \"*:4\"; } )");
	config->proxy_protocol = false;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(config_balancer_wants_proxy(config, &config->listen[i].address), i == 2);
	buffer_free(&text);
}

static bool trusts_header_of(const struct config *config, const char *host)
{
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};

	if (inet_pton(AF_INET, host, &ipv4.sin_addr) == 1)
		return networks_contain(&config->proxy_trusted, (struct sockaddr *)&ipv4);
	assert_int_equal(inet_pton(AF_INET6, host, &ipv6.sin6_addr), 1);
	return networks_contain(&config->proxy_trusted, (struct sockaddr *)&ipv6);
}

/* Where nobody is named, it is who can only be near. */
static void proxy_headers_come_from_who_is_trusted_or_near(void **state)
{
	static const char *const near[] = {"127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd00::1", "fe80::1"};
	struct fixture *fixture = *state;

	fixture_write(fixture, "a.conf", "proxy_protocol = true;\n");
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){0}), 0);
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		assert_true(trusts_header_of(fixture->config, near[i]));
	assert_false(trusts_header_of(fixture->config, "192.0.2.1"));
	assert_false(trusts_header_of(fixture->config, "2001:db8::1"));
	config_free(fixture->config);
	fixture->config = NULL;

	fixture_write(fixture, "a.conf", "proxy_protocol = true; trusted = \"192.0.2.0/24\";\n");
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){0}), 0);
	assert_true(trusts_header_of(fixture->config, "192.0.2.1"));
	assert_false(trusts_header_of(fixture->config, "127.0.0.1"));
}

static void no_more_than_64_listeners_are_taken(void **state)
{
	struct fixture *fixture = *state;
	char text[2048] = "listen = [ \"1\"";
	size_t used = strlen(text);

	for (int port = 2; port <= 65; port++)
		used += (size_t)sprintf(text + used, ",\n\"%d\"", port);
	strcpy(text + used, " ];");
	assert_wrong(fixture, text, "$/a.conf:65: listen = \"65\": 64 addresses at most");
}

static void all_errors_are_told_at_once(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "a.conf", "worker = 1;\nworkers = 0;\n\naccept = \"x\";\n");
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){.workers = "2000"}), -1);
	fixture_assert_lines(fixture, 4);
	fixture_assert_line(fixture, "$/a.conf:2: workers = 0: "
				     "want a number from 1 to 1024, or \"auto\"");
	fixture_assert_line(fixture, "$/a.conf:4: accept = \"x\": "
				     "want \"shared\", \"handoff\" or \"reuseport\"");
	fixture_assert_line(fixture, "workers '2000': want a number from 1 to 1024, or auto");
}

static void errors_without_end_are_cut_short(void **state)
{
	struct fixture *fixture = *state;
	char text[8192];
	size_t used = 0;

	for (int i = 0; i < 500; i++)
		used += (size_t)sprintf(text + used, "zzzzz%d = 1;\n", i);
	fixture_write(fixture, "a.conf", text);
	assert_int_equal(fixture_load(fixture, "a.conf", none), -1);
	fixture_assert_lines(fixture, 51);
	fixture_assert_line(fixture, "more is wrong; the first 50 errors are shown");
}

static void syntax_errors_are_told_with_their_line(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "workers = 1;\naccept = shared_;\n",
		     "$/a.conf:2: 'accept = shared_;': syntax error; want NAME = VALUE, with words, "
		     "paths, durations and addresses in quotes");
	assert_wrong(fixture, "workers = 1;\n\nworkers = 2;\n", "$/a.conf:3: 'workers = 2;': duplicate setting name");
	assert_wrong(fixture, "workers = 1;\n/* never\n\n", "$/a.conf:2: this comment has no end");
	assert_wrong(fixture, "user = \"never\n\n", "$/a.conf:1: this text has no end");
}

/* libconfig 1.5 would take it for 1. */
static void a_number_that_does_not_fit_is_refused_not_wrapped(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "# 12345678901\nbacklog = 4294967297;\n",
		     "$/a.conf:2: the number 4294967297 is too large");
	assert_taken(fixture, "# 12345678901\n/* 12345678901 */ user = \"\"; "
			      "access_log = \"12345678901\"; // 12345678901\n");
}

static void an_include_is_read_from_the_folder_of_its_file(void **state)
{
	struct fixture *fixture = *state;
	char folder[FIXTURE_PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/more", fixture->folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	fixture_write(fixture, "more/b.conf", "workers = 2;\n @include \"c.conf\"\nbacklog = 3;");
	fixture_write(fixture, "more/c.conf", "accept = \"handoff\";");
	assert_taken(fixture, "@include \"more/b.conf\"\nprobe = \"/x\";\n");
	assert_int_equal(fixture->config->workers, 2);
	assert_int_equal(fixture->config->accept, CLUSTER_ACCEPT_HANDOFF);
	assert_int_equal(fixture->config->backlog, 3);
	assert_string_equal(fixture->config->probe, "/x");
}

static void errors_name_the_included_file_and_its_line(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "b.conf", "\nworkers = 0;\n@include \"c.conf\"\nbacklog = 0;");
	fixture_write(fixture, "c.conf", "\n\nprobe = \"\";\n");
	fixture_write(fixture, "a.conf", "user = 1;\n@include \"b.conf\"\n\ngroup = 1;\n");
	assert_int_equal(fixture_load(fixture, "a.conf", none), -1);
	fixture_assert_lines(fixture, 5);
	fixture_assert_line(fixture, "$/a.conf:1: user = 1: want a text");
	fixture_assert_line(fixture, "$/b.conf:2: workers = 0: want a number from 1 to 1024, or \"auto\"");
	fixture_assert_line(fixture, "$/c.conf:3: probe = \"\": want the path of a URL, from the / on");
	fixture_assert_line(fixture, "$/b.conf:4: backlog = 0: want a number from 1 to 65535");
	fixture_assert_line(fixture, "$/a.conf:4: group = 1: want a text");
}

static void an_include_in_a_comment_or_text_is_none(void **state)
{
	assert_taken(*state, "/*\n@include \"nowhere\"\n*/\n# @include \"nowhere\"\n"
			     "access_log = \"a\\\"\n@include b\";\n");
}

static void an_include_that_cannot_be_is_told_and_harmless(void **state)
{
	struct fixture *fixture = *state;
	char path[FIXTURE_PATH_MAX];

	assert_wrong(fixture, "\n@include \"none.conf\"\n",
		     "$/a.conf:2: cannot include '$/none.conf': No such file or directory");
	/* libconfig's own scanner would end the process here. */
	assert_wrong(fixture, "@include \"www\"\n", "$/a.conf:1: cannot include '$/www': is a directory");
	assert_wrong(fixture, "@include \"a.conf\"\n",
		     "$/a.conf:1: cannot include '$/a.conf': too many files are included");
	assert_wrong(fixture, "@include b.conf\n", "$/a.conf:1: want @include \"FILE\" on a line of its own");
	/* Nobody writes into it: opening or reading it would wait for ever. */
	snprintf(path, sizeof(path), "%s/fifo", fixture->folder);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_wrong(fixture, "@include \"fifo\"\n",
		     "$/a.conf:1: cannot include '$/fifo': is a pipe, as of <(...): what is read again at "
		     "each reload has to be a file that stays");
}

static void files_have_a_largest_size_together(void **state)
{
	struct fixture *fixture = *state;
	char *text = malloc(150 * 1024);

	assert_non_null(text);
	memset(text, '\n', 150 * 1024);
	text[150 * 1024 - 1] = '\0';
	fixture_write(fixture, "large.conf", text);
	free(text);
	assert_taken(fixture, "@include \"large.conf\"\nworkers = 3;\n");
	assert_wrong(fixture, "@include \"large.conf\"\n@include \"large.conf\"\n",
		     "$/a.conf:2: cannot include '$/large.conf': too large (256 KiB at most, with all "
		     "that is included)");
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture_load(fixture, "none.conf", none), -1);
	fixture_assert_line(fixture, "configuration file '$/none.conf': No such file or directory");
	assert_int_equal(fixture_load(fixture, "www", none), -1);
	fixture_assert_line(fixture, "configuration file '$/www': is a directory");
	fixture_assert_lines(fixture, 1);
}

static void an_error_stays_on_its_line_whatever_the_file_holds(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "probe = \"a\\nbrood: ready\x1b[2J\";",
		     "$/a.conf:1: probe = \"a\\x0abrood: ready\\x1b[2J\": want the path of a URL, "
		     "from the / on");
}

/* What a full disk leaves, or an editor that is not done, must not take the place of a server that runs. */
static void an_empty_file_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "",
		     "configuration file '$/a.conf': is empty (a server with defaults only is "
		     "started without it)");
}

/* As the one that is installed. */
static void a_file_that_sets_nothing_is_all_defaults(void **state)
{
	struct fixture *fixture = *state;

	assert_taken(fixture, "\n");
	assert_taken(fixture, "# workers = 4;\n");
	assert_string_equal(fixture->config->listen[0].address.text, "*:8000");
	fixture_write(fixture, "empty.conf", "");
	assert_taken(fixture, "@include \"empty.conf\"\n");
	assert_string_equal(fixture->config->listen[0].address.text, "*:8000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_type_is_read),
		TEST(listen_may_be_a_text_an_array_or_a_list_of_groups),
		TEST(an_unknown_name_is_told_with_the_nearest_known_one),
		TEST(a_wrong_value_is_told_with_what_would_be_right),
		TEST(a_wrong_listener_is_told),
		TEST(networks_are_a_text_or_an_array),
		TEST(a_listener_may_want_a_proxy_header_or_not),
		TEST(proxy_headers_come_from_who_is_trusted_or_near),
		TEST(no_more_than_64_listeners_are_taken),
		TEST(all_errors_are_told_at_once),
		TEST(errors_without_end_are_cut_short),
		TEST(syntax_errors_are_told_with_their_line),
		TEST(a_number_that_does_not_fit_is_refused_not_wrapped),
		TEST(an_include_is_read_from_the_folder_of_its_file),
		TEST(errors_name_the_included_file_and_its_line),
		TEST(an_include_in_a_comment_or_text_is_none),
		TEST(an_include_that_cannot_be_is_told_and_harmless),
		TEST(files_have_a_largest_size_together),
		TEST(a_file_that_cannot_be_read_is_told),
		TEST(an_error_stays_on_its_line_whatever_the_file_holds),
		TEST(an_empty_file_is_refused),
		TEST(a_file_that_sets_nothing_is_all_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
