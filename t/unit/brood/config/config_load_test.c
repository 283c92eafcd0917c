/* SPDX-License-Identifier: MIT
 *
 * A configuration from all its sources: their order, what is checked on the machine, printing it
 * and comparing two. */
#include "brood/config/configuration.h"

#include "brood/config/settings.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST(...)   ((const char *[]){__VA_ARGS__})
#define COUNT(...)  (sizeof(LIST(__VA_ARGS__)) / sizeof(const char *))
#define SET(...)    .set = LIST(__VA_ARGS__), .set_count = COUNT(__VA_ARGS__)
#define LISTEN(...) .listen = LIST(__VA_ARGS__), .listen_count = COUNT(__VA_ARGS__)

static const struct options none;

static void assert_loads(struct fixture *fixture, const char *file, struct options options)
{
	if (fixture_load(fixture, file, options) < 0)
		fail_msg("%s", fixture->reason.data);
}

static void with_nothing_given_all_is_as_promised(void **state)
{
	struct fixture *fixture = *state;
	const struct config *config;
	char www[FIXTURE_PATH_MAX];

	assert_loads(fixture, NULL, none);
	config = fixture->config;
	snprintf(www, sizeof(www), "%s/www", fixture->folder);
	assert_string_equal(config->site.root, www);
	assert_int_equal(config->listen_count, 1);
	assert_string_equal(config->listen[0].address.text, "*:8000");
	assert_int_equal(config->workers, 0);
	assert_int_equal(config->accept, CLUSTER_ACCEPT_SHARED);
	assert_int_equal(config->handoff_policy, CLUSTER_LEAST_CONNECTIONS);
	assert_int_equal(config->backlog, 4096);
	assert_int_equal(config->max_connections, 0);
	assert_null(config->user);
	assert_null(config->group);
	assert_int_equal(config->head_timeout_ms, 10000);
	assert_int_equal(config->body_timeout_ms, 30000);
	assert_int_equal(config->write_timeout_ms, 60000);
	assert_int_equal(config->keepalive_timeout_ms, 75000);
	assert_int_equal(config->start_timeout_ms, 10000);
	assert_int_equal(config->drain_timeout_ms, 60000);
	assert_int_equal(config->stop_timeout_ms, 30000);
	assert_string_equal(config->probe, "/");
	assert_string_equal(config->site.access_log, "off");
	assert_string_equal(config->error_log, "stderr");
	assert_null(config->pid_file);
	assert_false(config->debug_headers);
	assert_int_equal(config->debug_fault.kind, FAULT_OFF);
	assert_false(config->verbose);
}

static void the_file_is_above_the_defaults_and_s_above_the_file(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "a.conf", "workers = 2; backlog = 2; probe = \"/2\";");
	assert_loads(fixture, "a.conf", (struct options){SET("backlog=3", "probe=/3")});
	assert_int_equal(fixture->config->workers, 2);
	assert_int_equal(fixture->config->backlog, 3);
	assert_string_equal(fixture->config->probe, "/3");
}

static void own_options_are_above_s_whatever_the_order(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "a.conf", "workers = 2; accept = \"handoff\";");
	assert_loads(fixture, "a.conf",
		     (struct options){
			     SET("workers=3", "accept=handoff", "pid_file=a", "root=/nowhere"),
			     .workers = "4",
			     .accept = "reuseport",
			     .pid_file = "b",
			     .root = ".",
			     .verbose = true,
		     });
	assert_int_equal(fixture->config->workers, 4);
	assert_int_equal(fixture->config->accept, CLUSTER_ACCEPT_REUSEPORT);
	assert_string_equal(strrchr(fixture->config->pid_file, '/'), "/b");
	assert_string_equal(fixture->config->site.root, fixture->folder);
	assert_true(fixture->config->verbose);
}

static void a_later_s_is_above_an_earlier_one(void **state)
{
	struct fixture *fixture = *state;

	assert_loads(fixture, NULL, (struct options){SET("workers=3", "workers=auto", "workers=5")});
	assert_int_equal(fixture->config->workers, 5);
}

static void l_replaces_the_default(void **state)
{
	struct fixture *fixture = *state;

	assert_loads(fixture, NULL, (struct options){LISTEN("8001", "*:8001", "8002")});
	assert_int_equal(fixture->config->listen_count, 2);
	assert_string_equal(fixture->config->listen[0].address.text, "*:8001");
	assert_string_equal(fixture->config->listen[1].address.text, "*:8002");
}

static void l_adds_to_the_files_list_and_equal_addresses_merge(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "a.conf", "listen = ( { address = \"8001\"; backlog = 9; } );");
	assert_loads(fixture, "a.conf", (struct options){LISTEN("8002", "0.0.0.0:8001")});
	assert_int_equal(fixture->config->listen_count, 2);
	assert_string_equal(fixture->config->listen[0].address.text, "*:8001");
	assert_int_equal(fixture->config->listen[0].backlog, 9);
	assert_string_equal(fixture->config->listen[1].address.text, "*:8002");

	/* Also when it says just what the default is. */
	fixture_write(fixture, "a.conf", "listen = \"*:8000\";");
	assert_loads(fixture, "a.conf", (struct options){LISTEN("8002")});
	assert_int_equal(fixture->config->listen_count, 2);
}

static void s_listen_replaces_the_files_list_and_l_adds_to_it(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "a.conf", "listen = [ \"8001\", \"8002\" ];");
	assert_loads(fixture, "a.conf", (struct options){SET("listen=8003,8004"), LISTEN("8005")});
	assert_int_equal(fixture->config->listen_count, 3);
	assert_string_equal(fixture->config->listen[0].address.text, "*:8003");
	assert_string_equal(fixture->config->listen[2].address.text, "*:8005");
}

static void relative_paths_begin_where_the_server_was_started(void **state)
{
	struct fixture *fixture = *state;
	char log[FIXTURE_PATH_MAX], where[FIXTURE_PATH_MAX];

	fixture_write(fixture, "www/a.conf", "error_log = \"e.log\"; listen = \"unix:s\";");
	assert_loads(fixture, "www/a.conf", (struct options){SET("access_log=./a.log"), .pid_file = "p"});
	snprintf(log, sizeof(log), "%s/e.log", fixture->folder);
	assert_string_equal(fixture->config->error_log, log);
	snprintf(log, sizeof(log), "%s/a.log", fixture->folder);
	assert_string_equal(fixture->config->site.access_log, log);
	snprintf(log, sizeof(log), "%s/p", fixture->folder);
	assert_string_equal(fixture->config->pid_file, log);
	snprintf(where, sizeof(where), "unix:%s/s", fixture->folder);
	assert_string_equal(fixture->config->listen[0].address.text, where);
}

static void a_wrong_s_is_named(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
		fixture_load(fixture, NULL, (struct options){SET("workers=x", "worker=3", "gadget=on", "listen=1,x")}),
		-1);
	fixture_assert_line(fixture, "-s 'workers=x': want a number from 1 to 1024, or auto");
	fixture_assert_line(fixture, "-s 'worker=3': unknown setting 'worker' (did you mean 'workers'?)");
	fixture_assert_line(fixture, "-s 'gadget=on': unknown setting 'gadget'");
	fixture_assert_line(fixture, "-s 'listen=1,x': \"x\" has no port (write ADDRESS:PORT)");
	fixture_assert_lines(fixture, 4);
}

static void a_root_that_is_not_there_or_no_folder_is_told(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture_load(fixture, NULL, (struct options){.root = "none"}), -1);
	fixture_assert_line(fixture, "root '$/none': no such folder");
	fixture_write(fixture, "a.conf", "\nroot = \"a.conf\";");
	assert_int_equal(fixture_load(fixture, "a.conf", none), -1);
	fixture_assert_line(fixture, "$/a.conf:2: root '$/a.conf': not a folder");
	fixture_assert_lines(fixture, 1);
}

static void a_root_that_the_workers_user_cannot_read_is_told_with_both(void **state)
{
	struct fixture *fixture = *state;
	char closed[FIXTURE_PATH_MAX], wanted[128];
	const struct passwd *user = getpwuid(geteuid());

	snprintf(closed, sizeof(closed), "%s/closed", fixture->folder);
	assert_int_equal(mkdir(closed, 0), 0);
	assert_int_equal(fixture_load(fixture, NULL, (struct options){.root = "closed"}), -1);
	if (geteuid() == 0)
		user = getpwnam("www-data") ? getpwnam("www-data") : getpwnam("nobody");
	assert_non_null(user);
	snprintf(wanted, sizeof(wanted), "root '$/closed': user '%s' cannot read it (Permission denied)",
		 user->pw_name);
	fixture_assert_line(fixture, wanted);
	fixture_assert_lines(fixture, 1);
}

static void without_any_root_the_error_says_what_to_do(void **state)
{
	struct fixture *fixture = *state;
	char www[FIXTURE_PATH_MAX];
	struct stat info;

	snprintf(www, sizeof(www), "%s/www", fixture->folder);
	assert_int_equal(rmdir(www), 0);
	if (stat(BROOD_WWW_DIR, &info) == 0) { /* installed on this machine */
		assert_loads(fixture, NULL, none);
		assert_string_equal(fixture->config->site.root, BROOD_WWW_DIR);
	} else {
		assert_int_equal(fixture_load(fixture, NULL, none), -1);
		fixture_assert_line(fixture, "nothing to serve: there is neither ./www nor " BROOD_WWW_DIR
					     "; name a folder (brood FOLDER)");
		fixture_assert_lines(fixture, 1);
	}
}

static void a_user_or_group_that_is_not_there_is_told(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "a.conf", "\nuser = \"no-such-user\";");
	assert_int_equal(fixture_load(fixture, "a.conf", none), -1);
	assert_non_null(strstr(fixture->reason.data, "/a.conf:2: "));
	assert_non_null(strstr(fixture->reason.data, "no-such-user"));
	assert_int_equal(fixture_load(fixture, NULL, (struct options){SET("group=no-such-group")}), -1);
	assert_non_null(strstr(fixture->reason.data, "no-such-group"));
}

static void a_log_in_a_folder_that_is_not_there_is_told(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "a.conf", "access_log = \"none/a.log\";\nerror_log = \"www\";");
	assert_int_equal(fixture_load(fixture, "a.conf", none), -1);
	fixture_assert_line(fixture, "$/a.conf:1: access_log '$/none/a.log': no such folder '$/none'");
	fixture_assert_line(fixture, "$/a.conf:2: error_log '$/www': is a folder");
}

static void a_load_creates_nothing(void **state)
{
	struct fixture *fixture = *state;
	char path[FIXTURE_PATH_MAX];
	static const char *const names[] = {"s", "p", "a.log", "e.log"};

	assert_loads(fixture, NULL,
		     (struct options){LISTEN("unix:s"), SET("access_log=a.log", "error_log=e.log"), .pid_file = "p"});
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->folder, names[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
}

static char *printed(const struct config *config)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	config_print(config, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* What is printed, read as a file, is printed the same. */
static void assert_comes_back(struct fixture *fixture, const char *file, struct options options)
{
	char *once, *again;

	assert_loads(fixture, file, options);
	once = printed(fixture->config);
	fixture_write(fixture, "printed.conf", once);
	assert_loads(fixture, "printed.conf", none);
	again = printed(fixture->config);
	assert_string_equal(once, again);
	for (size_t i = 0; i < settings_count(); i++) {
		char name[64];

		snprintf(name, sizeof(name), "\n%s = ", setting_at(i)->name);
		assert_non_null(strstr(once, name));
	}
	free(once);
	free(again);
}

static void what_is_printed_is_a_file_that_means_the_same(void **state)
{
	struct fixture *fixture = *state;
	char folder[FIXTURE_PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/a\"b\\c\nd\x1f\xc3\xa9 #", fixture->folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_comes_back(fixture, NULL, none);
	assert_comes_back(fixture, NULL, (struct options){LISTEN("8001", "[::1]:0", "unix:x y")});
	assert_comes_back(fixture, NULL, (struct options){.root = strrchr(folder, '/') + 1});
	fixture_write(fixture, "a.conf",
		      "listen = ( { address = \"unix:s\"; mode = \"600\"; },\n"
		      "  { address = \"1\"; backlog = 2; }, \"127.0.0.1:3\" );\n"
		      "workers = 7; accept = \"reuseport\"; handoff_policy = \"round-robin\";\n"
		      "backlog = 5; max_connections = 9; head_timeout = \"1500ms\";\n"
		      "drain_timeout = 7200; probe = \"/x?y\"; access_log = \"stdout\";\n"
		      "error_log = \"e\"; pid_file = \"p\"; debug_headers = true;\n"
		      "debug_fault = \"start-hang:3\"; control = \"off\";\n");
	assert_comes_back(fixture, "a.conf", none);
	assert_int_equal(fixture->config->listen[0].unix_mode, 0600);
	assert_int_equal(fixture->config->drain_timeout_ms, 7200000);
}

static void collect(void *context, const char *name)
{
	char *names = context;

	strcat(strcat(names, name), " ");
}

static void what_only_a_start_changes_is_told_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	struct config *old;
	char names[512] = "";

	fixture_write(fixture, "a.conf", "listen = [ \"8001\", \"8002\" ];");
	assert_loads(fixture, "a.conf", none);
	old = fixture->config;
	fixture->config = NULL;
	/* Another order is no difference. */
	fixture_write(fixture, "a.conf", "listen = [ \"8002\", \"8001\" ];");
	assert_loads(fixture, "a.conf",
		     (struct options){SET("workers=3", "head_timeout=1s", "probe=/x", "access_log=stdout",
					  "debug_headers=true")});
	config_compare(old, fixture->config, collect, names);
	assert_string_equal(names, "");

	assert_loads(fixture, NULL,
		     (struct options){LISTEN("8001", "8003"), .accept = "handoff", .pid_file = "p", SET("backlog=3")});
	config_compare(old, fixture->config, collect, names);
	assert_string_equal(names, "pid_file ");

	config_free(old);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_nothing_given_all_is_as_promised),
		TEST(the_file_is_above_the_defaults_and_s_above_the_file),
		TEST(own_options_are_above_s_whatever_the_order),
		TEST(a_later_s_is_above_an_earlier_one),
		TEST(l_replaces_the_default),
		TEST(l_adds_to_the_files_list_and_equal_addresses_merge),
		TEST(s_listen_replaces_the_files_list_and_l_adds_to_it),
		TEST(relative_paths_begin_where_the_server_was_started),
		TEST(a_wrong_s_is_named),
		TEST(a_root_that_is_not_there_or_no_folder_is_told),
		TEST(a_root_that_the_workers_user_cannot_read_is_told_with_both),
		TEST(without_any_root_the_error_says_what_to_do),
		TEST(a_user_or_group_that_is_not_there_is_told),
		TEST(a_log_in_a_folder_that_is_not_there_is_told),
		TEST(a_load_creates_nothing),
		TEST(what_is_printed_is_a_file_that_means_the_same),
		TEST(what_only_a_start_changes_is_told_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
