/* SPDX-License-Identifier: MIT
 *
 * What a failed start says on standard error. */
#include "brood/log/start_log.h"

#include "base/log.h"
#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct start_log kept;
static char told[65536];

/* What goes to standard error, which is somewhere else for that long. */
static const char *tell(void)
{
	int before = dup(STDERR_FILENO), file = memfd_create("stderr", 0);
	ssize_t size;

	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	start_log_tell(&kept);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	size = pread(file, told, sizeof(told) - 1, 0);
	assert_true(size >= 0);
	told[size] = '\0';
	close(before);
	close(file);
	return told;
}

static int set_up(void **state)
{
	int file = open("/dev/null", O_WRONLY | O_CLOEXEC);

	*state = (void *)(intptr_t)file;
	log_to(file);
	start_log_begin(&kept, file);
	return 0;
}

static int tear_down(void **state)
{
	start_log_end(&kept);
	log_to(STDERR_FILENO);
	return close((int)(intptr_t)*state);
}

static void what_the_log_has_is_told(void **state)
{
	(void)state;
	log_error("cannot bind: %s", "in use");
	log_warn("it \x1b[31m");
	log_debug("of no interest");
	assert_string_equal(tell(), "brood: cannot bind: in use\nbrood: it \\x1b[31m\n");
}

static void each_line_is_told_once(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		start_log_add_words(&kept, 1, "no such user\ngiving up\n");
		start_log_add_words(&kept, 1, "giving up");
		start_log_add_words(&kept, 1, "");
		log_error("parked");
	}
	start_log_add_words(&kept, 2, "giving up\n");
	assert_string_equal(tell(), "brood: worker 1: no such user\nbrood: worker 1: giving up\n"
				    "brood: parked\nbrood: worker 2: giving up\n");
}

static void what_is_kept_is_bounded(void **state)
{
	char line[4000];
	const char *text;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 100; i++) {
		line[0] = (char)('!' + i);
		log_error("%s", line);
		start_log_add_words(&kept, 0, line);
	}
	text = tell();
	assert_in_range(strlen(text), 8192, 20000);
	assert_non_null(strstr(text, " lines more\n"));
	for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1)
		assert_int_equal(strncmp(at, "brood: ", 7), 0);
}

static void once_it_is_ready_nothing_is_kept(void **state)
{
	(void)state;
	log_error("a slow start");
	start_log_end(&kept);
	log_error("an error of later");
	start_log_add_words(&kept, 0, "words");
	assert_string_equal(tell(), "");
	assert_null(kept.text.data);
}

static void what_standard_error_has_already_is_not_told_again(void **state)
{
	char path[64];
	int same;

	(void)state;
	start_log_end(&kept);
	start_log_begin(&kept, STDERR_FILENO);
	log_error("a");
	assert_string_equal(tell(), "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", STDERR_FILENO);
	same = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (same < 0)
		same = dup(STDERR_FILENO);
	start_log_begin(&kept, same);
	log_error("b");
	assert_string_equal(tell(), "");
	close(same);
}

static void a_log_that_is_off_has_its_reasons_told(void **state)
{
	(void)state;
	start_log_end(&kept);
	start_log_begin(&kept, -1);
	log_error("a");
	assert_string_equal(tell(), "brood: a\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(what_the_log_has_is_told),
		TEST(each_line_is_told_once),
		TEST(what_is_kept_is_bounded),
		TEST(once_it_is_ready_nothing_is_kept),
		TEST(what_standard_error_has_already_is_not_told_again),
		TEST(a_log_that_is_off_has_its_reasons_told),
	};

	return cmocka_run_group_tests_name("start_log", tests, NULL, NULL);
}
