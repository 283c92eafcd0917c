/* SPDX-License-Identifier: MIT
 *
 * Obituaries: what is in them, which are kept, and their files. */
#include "brood/admin/obituary_store.h"

#include "base/buffer.h"
#include "base/log.h"
#include "brood/config/configuration.h"
#include "brood/admin/obituary_file.h"
#include "brood/admin/obituary_json.h"
#include "brood/config/options.h"
#include "cluster/policy/obituary.h"
#include "cluster/upgrade/upgrade_record.h"
#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* 2026-11-21T04:05:06.007Z */
#define SOME_TIME_MS UINT64_C(1795233906007)

static char base[32], folder[48];
static const char server[] = "0a1b2c3d";

static int null; /* for what is logged */

static int make_base(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/obituary_test.XXXXXX");
	if (!mkdtemp(base))
		return -1;
	snprintf(folder, sizeof(folder), "%s/state", base);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_to(null);
	return 0;
}

/* Calls `each` (if there is one) for all files, and returns how many there are. */
static unsigned count_files(void (*each)(const char *path, const char *name))
{
	DIR *files = opendir(folder);
	const struct dirent *entry;
	unsigned count = 0;

	while (files && (entry = readdir(files)) != NULL) {
		char path[400];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (each)
			each(path, entry->d_name);
	}
	if (files)
		closedir(files);
	return count;
}

static void remove_file(const char *path, const char *name)
{
	(void)name;
	unlink(path);
}

static int remove_base(void **state)
{
	(void)state;
	log_to(STDERR_FILENO);
	close(null);
	count_files(remove_file);
	rmdir(folder);
	return rmdir(base);
}

static struct cluster_obituary a_hang(void)
{
	return (struct cluster_obituary){
		.time_ms = SOME_TIME_MS,
		.slot = 3,
		.generation = 5,
		.pid = 4711,
		.age_ms = 60000,
		.phase = WORKER_SERVING,
		.why = OBITUARY_HANG,
		.detail = "silent",
		.ended = true,
		.exit_code = -1,
		.signal = SIGABRT,
		.core = true,
		.connections = 12,
		.requests = 34567,
		.idle = 7,
		.heartbeat_age_ms = 10001,
		.log = "first\nsecond \"quoted\" caf\xc3\xa9\n",
		.wait_channel = "do_signal_stop",
		.stack = "[<0>] one\n[<0>] two\n",
		.status = "State: T (stopped)\n",
	};
}

static json_t *parsed(const struct cluster_obituary *obituary)
{
	char *text = obituary_json(obituary);
	json_t *object;

	assert_non_null(text);
	assert_null(strchr(text, '\n'));
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	free(text);
	return object;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "(none)";
}

static json_int_t number_of(const json_t *object, const char *name)
{
	assert_true(json_is_integer(json_object_get(object, name)));
	return json_integer_value(json_object_get(object, name));
}

static void a_hang_is_told_with_all_that_is_known(void **state)
{
	struct cluster_obituary obituary = a_hang();
	json_t *object = parsed(&obituary), *log = json_object_get(object, "log");

	(void)state;
	assert_string_equal(text_of(object, "time"), "2026-11-21T04:05:06.007Z");
	assert_string_equal(text_of(object, "why"), "hang");
	assert_string_equal(text_of(object, "detail"), "silent");
	assert_string_equal(text_of(object, "phase"), "serving");
	assert_string_equal(text_of(object, "signal_name"), "SIGABRT");
	assert_string_equal(text_of(object, "wait_channel"), "do_signal_stop");
	assert_int_equal(number_of(object, "signal"), SIGABRT);
	assert_int_equal(number_of(object, "slot"), 3);
	assert_int_equal(number_of(object, "generation"), 5);
	assert_int_equal(number_of(object, "pid"), 4711);
	assert_int_equal(number_of(object, "age_ms"), 60000);
	assert_int_equal(number_of(object, "connections"), 12);
	assert_int_equal(number_of(object, "requests"), 34567);
	assert_int_equal(number_of(object, "idle"), 7);
	assert_int_equal(number_of(object, "heartbeat_age_ms"), 10001);
	assert_true(json_is_true(json_object_get(object, "core")));
	assert_true(json_is_true(json_object_get(object, "ended")));
	assert_null(json_object_get(object, "exit_code"));
	assert_int_equal(json_array_size(log), 2);
	assert_string_equal(json_string_value(json_array_get(log, 1)), "second \"quoted\" caf\xc3\xa9");
	assert_int_equal(json_array_size(json_object_get(object, "stack")), 2);
	assert_int_equal(json_array_size(json_object_get(object, "status")), 1);
	json_decref(object);
}

static void what_does_not_apply_is_left_out(void **state)
{
	struct cluster_obituary obituary = {
		.time_ms = SOME_TIME_MS, .phase = WORKER_STARTING, .ended = true, .exit_code = 3};
	static const char *const absent[] = {"signal", "signal_name", "core",   "detail",
					     "log",    "stack",       "status", "wait_channel"};
	json_t *object = parsed(&obituary);

	(void)state;
	assert_string_equal(text_of(object, "why"), "exit");
	assert_int_equal(number_of(object, "exit_code"), 3);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_null(json_object_get(object, absent[i]));
	json_decref(object);

	obituary.ended = false;
	object = parsed(&obituary);
	assert_true(json_is_false(json_object_get(object, "ended")));
	assert_null(json_object_get(object, "exit_code"));
	json_decref(object);
}

static void nonsense_makes_no_broken_json(void **state)
{
	struct cluster_obituary obituary = a_hang();

	(void)state;
	obituary.requests = UINT64_MAX;
	snprintf(obituary.log, sizeof(obituary.log), "\xff\xfe\n\x01\n\n");
	json_decref(parsed(&obituary));
	memset(obituary.log, 'a', sizeof(obituary.log) - 1);
	json_decref(parsed(&obituary));
}

/* Those of a slot, as broodctl gets them. */
static json_t *told(const struct obituaries *obituaries, unsigned slot)
{
	struct buffer text = {0};
	json_t *array;

	assert_int_equal(obituaries_text(obituaries, slot, &text), 0);
	array = json_loadb(text.data, text.used, 0, NULL);
	assert_true(json_is_array(array));
	buffer_free(&text);
	return array;
}

static void the_newest_eight_of_each_slot_are_told(void **state)
{
	struct cluster_obituary obituary = a_hang();
	struct obituaries obituaries;
	json_t *array;

	(void)state;
	obituaries_init(&obituaries);
	array = told(&obituaries, 0);
	assert_int_equal(json_array_size(array), 0);
	json_decref(array);
	for (int i = 0; i < 100; i++) {
		obituary.slot = (unsigned)i % 3;
		obituary.pid = i;
		obituaries_add(&obituaries, "off", server, &obituary);
	}
	for (unsigned slot = 0; slot < 3; slot++) {
		array = told(&obituaries, slot);
		assert_int_equal(json_array_size(array), OBITUARIES_KEPT);
		for (int i = 0; i < OBITUARIES_KEPT; i++) {
			json_int_t pid = number_of(json_array_get(array, (size_t)i), "pid");

			assert_int_equal(pid % 3, slot);
			assert_in_range(pid, 97 - 3 * i, 99 - 3 * i); /* newest first */
		}
		json_decref(array);
	}
	obituaries_free(&obituaries);
}

static void the_end_of_a_hang_takes_its_place(void **state)
{
	struct cluster_obituary obituary = a_hang();
	struct obituaries obituaries;
	json_t *array;

	(void)state;
	obituaries_init(&obituaries);
	obituary.ended = false;
	obituaries_add(&obituaries, folder, server, &obituary);
	obituary.ended = true;
	obituaries_add(&obituaries, folder, server, &obituary);
	array = told(&obituaries, 3);
	assert_int_equal(json_array_size(array), 1);
	assert_true(json_is_true(json_object_get(json_array_get(array, 0), "ended")));
	json_decref(array);
	assert_int_equal(count_files(NULL), 1);
	obituaries_free(&obituaries);
}

/* Writes those of `from` and adds what is read to `to`. */
static void hand_on(const struct obituaries *from, struct obituaries *to)
{
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;
	struct upgrade_record record;

	obituaries_save(from, 7, &writer);
	assert_int_equal(upgrade_finish(&writer), 0);
	assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), 0);
	while (upgrade_next(&reader, &record))
		assert_int_equal(obituaries_restore(to, &record), 0);
	upgrade_writer_free(&writer);
}

static void the_next_version_knows_them(void **state)
{
	struct cluster_obituary obituary = {.phase = WORKER_SERVING, .why = OBITUARY_EXIT};
	struct obituaries here, there;
	json_t *before, *after;

	(void)state;
	obituaries_init(&here);
	obituaries_init(&there);
	for (unsigned i = 0; i < 30; i++) {
		obituary.slot = i % 3;
		obituary.pid = (pid_t)(100 + i);
		obituary.time_ms = SOME_TIME_MS + i;
		obituaries_add(&here, "off", server, &obituary);
	}
	hand_on(&here, &there);
	hand_on(&here, &there); /* again: they take their own places */
	for (unsigned slot = 0; slot < 3; slot++) {
		before = told(&here, slot);
		after = told(&there, slot);
		assert_int_equal(json_array_size(after), OBITUARIES_KEPT);
		assert_true(json_equal(before, after));
		json_decref(before);
		json_decref(after);
	}
	obituaries_free(&here);
	obituaries_free(&there);
}

static void what_the_former_version_left_may_make_no_sense(void **state)
{
	static const char no_end[] = "0123456789abcdef{\"a\":1}", ends_early[] = "0123456789abcdef{\0}";
	static const char no_object[] = "0123456789abcdefnull";
	struct upgrade_record records[] = {
		{.data = no_end, .size = 0},
		{.data = no_end, .size = 16},
		{.data = no_end, .size = sizeof(no_end) - 1},
		{.data = ends_early, .size = sizeof(ends_early)},
		{.data = no_object, .size = sizeof(no_object)},
	};
	struct obituaries obituaries;

	(void)state;
	obituaries_init(&obituaries);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		assert_int_equal(obituaries_restore(&obituaries, &records[i]), -EBADMSG);
	assert_true(list_empty(&obituaries.entries));
}

static void assert_modes(const char *path, const char *name)
{
	struct stat status;

	assert_string_equal(name, "obituary-3-20261121T040506.007Z-0a1b2c3d-4711.json");
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0644);
}

static char reason[512];

static void a_file_has_its_name_and_modes_whatever_the_umask(void **state)
{
	struct cluster_obituary obituary = a_hang();
	struct stat status;
	mode_t mask = umask(077);

	(void)state;
	assert_int_equal(obituary_file_write(folder, server, &obituary, "{}", reason, sizeof(reason)), 0);
	assert_int_equal(obituary_file_write(folder, server, &obituary, "{}", reason, sizeof(reason)), 0); /* over it */
	umask(mask);
	assert_int_equal(count_files(assert_modes), 1);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0755);
}

static uint64_t oldest_pid;

static void note_oldest(const char *path, const char *name)
{
	unsigned slot, pid;
	char time[32];

	(void)path;
	assert_int_equal(sscanf(name, "obituary-%u-%30[^-]-0a1b2c3d-%u.json", &slot, time, &pid), 3);
	if (slot == 3 && pid < oldest_pid)
		oldest_pid = pid;
}

static void twenty_files_of_each_slot_are_kept(void **state)
{
	struct cluster_obituary obituary = a_hang();

	(void)state;
	for (int i = 0; i < 50; i++) {
		obituary.slot = i % 2 ? 3 : 31;
		obituary.pid = 1000 + i;
		obituary.time_ms = SOME_TIME_MS + (uint64_t)i * 997;
		assert_int_equal(obituary_file_write(folder, server, &obituary, "{}", reason, sizeof(reason)), 0);
	}
	oldest_pid = UINT64_MAX;
	assert_int_equal(count_files(note_oldest), 2 * OBITUARY_FILES_KEPT);
	assert_int_equal(oldest_pid, 1049 - 2 * (OBITUARY_FILES_KEPT - 1));
}

static void create(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	assert_true(fd >= 0);
	close(fd);
}

static bool is_there(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void files_of_other_servers_are_left_alone(void **state)
{
	static const char *const others[] = {"obituary-3-20200101T000000.000Z-12345678-1.json",
					     "obituary-3-20200101T000000.000Z-other.json", "obituary-3-1.json",
					     "obituary-3-20200101T000000.000Z-0a1b2c3d-1.json.bak", "obituary-33-x"};
	struct cluster_obituary obituary = a_hang();
	size_t count = sizeof(others) / sizeof(others[0]);

	(void)state;
	assert_int_equal(mkdir(folder, 0755), 0);
	for (size_t i = 0; i < count; i++)
		create(others[i]);
	create("obituary-3-20200101T000000.000Z-1.json"); /* of a former version */
	for (int i = 0; i < 25; i++) {
		obituary.time_ms = SOME_TIME_MS + (uint64_t)i;
		assert_int_equal(obituary_file_write(folder, server, &obituary, "{}", reason, sizeof(reason)), 0);
	}
	for (int i = 0; i < 25; i++) {
		obituary.time_ms = SOME_TIME_MS + 1000 + (uint64_t)i;
		assert_int_equal(obituary_file_write(folder, "4d3c2b1a", &obituary, "{}", reason, sizeof(reason)), 0);
	}
	for (size_t i = 0; i < count; i++)
		assert_true(is_there(others[i]));
	assert_false(is_there("obituary-3-20200101T000000.000Z-1.json"));
	assert_int_equal(count_files(NULL), count + 2 * OBITUARY_FILES_KEPT);
}

static void a_server_is_told_by_how_it_was_started(void **state)
{
	static char name[] = "brood", full[] = "/usr/sbin/brood", option[] = "-c", file[] = "a.conf",
		    other[] = "b.conf";
	char *argv[] = {name, option, file, NULL}, *by_path[] = {full, option, file, NULL};
	char *elsewhere[] = {name, option, other, NULL}, *none[] = {NULL};
	static char here_folder[] = "/srv", there_folder[] = "/home";
	struct options here = {.directory = here_folder}, there = {.directory = there_folder};
	struct config_listener fixed_listener = {0}, chosen_listener = {0};
	struct config fixed = {.listen = &fixed_listener, .listen_count = 1};
	struct config chosen = {.listen = &chosen_listener, .listen_count = 1};
	char first[OBITUARY_SERVER_MAX], second[OBITUARY_SERVER_MAX];

	(void)state;
	assert_int_equal(address_parse("127.0.0.1:80", &fixed_listener.address, reason, sizeof(reason)), 0);
	assert_int_equal(address_parse("127.0.0.1:0", &chosen_listener.address, reason, sizeof(reason)), 0);
	obituary_server(&here, argv, &fixed, 1, first);
	assert_int_equal(strspn(first, "0123456789abcdef"), 8);
	obituary_server(&here, by_path, &fixed, 2, second);
	assert_string_equal(first, second);
	obituary_server(&here, elsewhere, &fixed, 1, second);
	assert_string_not_equal(first, second);
	obituary_server(&there, argv, &fixed, 1, second);
	assert_string_not_equal(first, second);
	obituary_server(&here, none, &fixed, 1, second);
	assert_string_not_equal(first, second);
	obituary_server(&here, argv, &chosen, 1, first);
	obituary_server(&here, argv, &chosen, 2, second);
	assert_string_not_equal(first, second);
}

static void links_are_not_followed(void **state)
{
	struct cluster_obituary obituary = a_hang();
	char path[128], victim[64];
	struct stat status;

	(void)state;
	snprintf(victim, sizeof(victim), "%s/victim", base);
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/obituary-3-20261121T040506.007Z-0a1b2c3d-4711.json", folder);
	assert_int_equal(symlink(victim, path), 0);
	snprintf(path, sizeof(path), "%s/.obituary-0a1b2c3d-%d", folder, (int)getpid());
	assert_int_equal(symlink(victim, path), 0);
	assert_int_equal(obituary_file_write(folder, server, &obituary, "{}", reason, sizeof(reason)), 0);
	assert_int_equal(lstat(victim, &status), -1);
	assert_int_equal(count_files(assert_modes), 1);
}

static void a_folder_that_cannot_be_is_an_error(void **state)
{
	struct cluster_obituary obituary = a_hang();
	char deep[64];

	(void)state;
	snprintf(deep, sizeof(deep), "%s/none/such", base);
	assert_int_equal(obituary_file_write(deep, server, &obituary, "{}", reason, sizeof(reason)), -ENOENT);
	assert_int_equal(obituary_file_write("/dev/null", server, &obituary, "{}", reason, sizeof(reason)), -ENOTDIR);
}

static void the_folder_is_by_the_setting_and_by_who_asks(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_false(obituary_folder("off", path));
	assert_true(obituary_folder("/some/where", path));
	assert_string_equal(path, "/some/where");
	setenv("XDG_STATE_HOME", "/home/x/state", 1);
	assert_true(obituary_folder("auto", path));
	assert_string_equal(path, geteuid() == 0 ? "/var/lib/brood" : "/home/x/state/brood");
	setenv("XDG_STATE_HOME", "relative", 1);
	assert_int_equal(obituary_folder("auto", path), geteuid() == 0);
	unsetenv("XDG_STATE_HOME");
	assert_int_equal(obituary_folder("auto", path), geteuid() == 0);
	setenv("STATE_DIRECTORY", "/var/lib/web:/var/lib/more", 1); /* by systemd */
	assert_true(obituary_folder("auto", path));
	assert_string_equal(path, geteuid() == 0 ? "/var/lib/brood" : "/var/lib/web");
	setenv("STATE_DIRECTORY", "web", 1);
	assert_int_equal(obituary_folder("auto", path), geteuid() == 0);
	unsetenv("STATE_DIRECTORY");
}

static void a_process_is_looked_at(void **state)
{
	struct cluster_obituary obituary = {0};
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	obituary_inspect(&obituary, pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_non_null(strstr(obituary.status, "State: T (stopped)\n"));
	assert_null(strchr(obituary.status, '\t'));
	/* One that is gone leaves everything empty. */
	obituary_inspect(&obituary, pid);
	assert_string_equal(obituary.status, "");
	assert_string_equal(obituary.stack, "");
	assert_string_equal(obituary.wait_channel, "");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_base, remove_base)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hang_is_told_with_all_that_is_known),
		cmocka_unit_test(what_does_not_apply_is_left_out),
		cmocka_unit_test(nonsense_makes_no_broken_json),
		cmocka_unit_test(the_newest_eight_of_each_slot_are_told),
		cmocka_unit_test(the_next_version_knows_them),
		cmocka_unit_test(what_the_former_version_left_may_make_no_sense),
		WITH_FOLDER(the_end_of_a_hang_takes_its_place),
		WITH_FOLDER(a_file_has_its_name_and_modes_whatever_the_umask),
		WITH_FOLDER(twenty_files_of_each_slot_are_kept),
		WITH_FOLDER(files_of_other_servers_are_left_alone),
		cmocka_unit_test(a_server_is_told_by_how_it_was_started),
		WITH_FOLDER(links_are_not_followed),
		WITH_FOLDER(a_folder_that_cannot_be_is_an_error),
		cmocka_unit_test(the_folder_is_by_the_setting_and_by_who_asks),
		cmocka_unit_test(a_process_is_looked_at),
	};

	return cmocka_run_group_tests_name("obituary", tests, NULL, NULL);
}
