/* SPDX-License-Identifier: MIT
 *
 * Files: what is opened and what not, what is loaded, and the dates in a head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/message/date.h"
#include "http/files/file_entry.h"
#include "http/files/file_load.h"
#include "http/files/response.h"
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { LONG_AGO = 1000000000, BODY_MAX = 1000 };

/* --- a kernel that says "again" --- */

static int says_again; /* how often, for openat2 */

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_openat2 && says_again > 0) {
		says_again--;
		errno = EAGAIN;
		return -1;
	}
	return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
			      arguments[5]);
}

struct fixture {
	struct root root;
	struct file_source source;
	struct response_builder *builder;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	root_make(&fixture->root);
	fixture->builder = response_builder_new(NULL);
	fixture->source = (struct file_source){NULL, fixture->builder, BODY_MAX};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	response_builder_free(fixture->builder);
	root_remove(&fixture->root);
	free(fixture);
	return 0;
}

static int load(struct fixture *fixture, const char *name, struct file **out)
{
	struct file_entry *entry;
	int error = file_entry_load(&fixture->source, &fixture->root.location, name, strlen(name), &entry);

	if (error == 0)
		*out = file_entry_take(entry, entry->file);
	return error;
}

static struct file *loaded(struct fixture *fixture, const char *name)
{
	struct file *file = NULL;

	assert_int_equal(load(fixture, name, &file), 0);
	assert_non_null(file);
	return file;
}

static void links_are_followed_inside_of_the_root_only(void **state)
{
	struct fixture *fixture = *state;
	struct file *file;

	root_directory(&fixture->root, "d");
	root_write(&fixture->root, "d/real", "real", LONG_AGO);
	root_link(&fixture->root, "inside", "d/real");
	root_link(&fixture->root, "d/up", "../d/real");
	root_link(&fixture->root, "outside", "../../etc/passwd");
	root_link(&fixture->root, "absolute", "/etc/passwd");
	root_link(&fixture->root, "d/above", "../../../../../../etc/passwd");
	root_link(&fixture->root, "loop", "loop");
	root_link(&fixture->root, "dangling", "nothing");
	root_link(&fixture->root, "magic", "/proc/self/cwd");

	file = loaded(fixture, "inside");
	assert_true(slice_equal(file->body, SLICE("real")));
	file_release(file);
	file = loaded(fixture, "d/up");
	file_release(file);
	assert_int_equal(load(fixture, "outside", &file), -EXDEV);
	assert_int_equal(load(fixture, "absolute", &file), -EXDEV);
	assert_int_equal(load(fixture, "d/above", &file), -EXDEV);
	assert_int_equal(load(fixture, "magic", &file), -EXDEV);
	assert_int_equal(load(fixture, "loop", &file), -ELOOP);
	assert_int_equal(load(fixture, "dangling", &file), -ENOENT);
	assert_int_equal(load(fixture, "../x", &file), -EXDEV);
	assert_int_equal(load(fixture, "/etc/passwd", &file), -EXDEV);
}

static void only_regular_files_are_loaded_and_nothing_waits(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct file *file;

	assert_int_equal(mkfifoat(fixture->root.fd, "fifo", 0644), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", fixture->root.path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	root_directory(&fixture->root, "d");

	assert_int_equal(load(fixture, "fifo", &file), -EACCES);
	assert_int_equal(load(fixture, "socket", &file), -ENXIO);
	assert_int_equal(load(fixture, "d", &file), -EISDIR);
	assert_int_equal(load(fixture, "none", &file), -ENOENT);
	assert_int_equal(load(fixture, "none/x", &file), -ENOENT);
	close(listener);
}

static void files_up_to_the_limit_are_in_memory_larger_ones_open(void **state)
{
	struct fixture *fixture = *state;
	struct file *file;

	root_write_large(&fixture->root, "small", BODY_MAX, LONG_AGO);
	root_write_large(&fixture->root, "large", BODY_MAX + 1, LONG_AGO);
	root_write(&fixture->root, "empty", "", LONG_AGO);

	file = loaded(fixture, "small");
	assert_int_equal(file->fd, -1);
	assert_int_equal(file->body.len, BODY_MAX);
	for (int i = 0; i < BODY_MAX; i++)
		assert_int_equal(file->body.ptr[i], (char)i);
	file_release(file);
	file = loaded(fixture, "large");
	assert_true(file->fd >= 0);
	assert_int_equal(file->body.len, 0);
	assert_int_equal(file->stamp.size, BODY_MAX + 1);
	file_release(file);
	file = loaded(fixture, "empty");
	assert_int_equal(file->fd, -1);
	assert_int_equal(file->body.len, 0);
	file_release(file);
}

static void head_and_body_lie_in_one_run(void **state)
{
	struct fixture *fixture = *state;
	struct file *file;

	root_write(&fixture->root, "a.txt", "body", LONG_AGO);
	file = loaded(fixture, "a.txt");
	assert_ptr_equal(file->head.ptr + file->head.len + 2, file->body.ptr);
	assert_memory_equal(file->body.ptr - 4, "\r\n\r\n", 4);
	assert_true(slice_equal(file->type, SLICE("text/plain; charset=utf-8")));
	assert_memory_equal(file->last_modified_text, "Sun, 09 Sep 2001 01:46:40 GMT", 29);
	assert_true(slice_equal(file->etag, SLICE("\"4-de0b6b3c5316500\"")));
	file_release(file);
}

static void the_tag_does_not_depend_on_the_inode(void **state)
{
	struct fixture *fixture = *state;
	struct file *a, *b;

	root_write(&fixture->root, "a", "same", LONG_AGO);
	root_write(&fixture->root, "b", "same", LONG_AGO);
	a = loaded(fixture, "a");
	b = loaded(fixture, "b");
	assert_int_not_equal(a->stamp.ino, b->stamp.ino);
	assert_true(slice_equal(a->etag, b->etag));
	file_release(a);
	file_release(b);
}

static void the_date_is_patched_while_nobody_else_has_the_file(void **state)
{
	struct fixture *fixture = *state;
	struct file *file;
	char *length;

	root_write(&fixture->root, "a", "x", LONG_AGO);
	file = loaded(fixture, "a");
	length = strndup(file->head.ptr, file->head.len);
	assert_true(file_set_date(file, SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777));
	assert_memory_equal(file->head.ptr, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
			    17 + 6 + 29 + 2);
	/* Nothing else but the dates: Last-Modified is never later. */
	assert_memory_equal(file->last_modified_text, "Sun, 06 Nov 1994 08:49:37 GMT", 29);
	assert_true(file_set_date(file, (struct slice){length + 23, 29}, LONG_AGO + 1));
	assert_memory_equal(file->last_modified_text, "Sun, 09 Sep 2001 01:46:40 GMT", 29);
	assert_memory_equal(file->head.ptr, length, file->head.len);

	file_keep(file);
	assert_false(file_set_date(file, SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777));
	assert_memory_equal(file->head.ptr, length, file->head.len);
	file_release(file);
	assert_true(file_set_date(file, SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777));
	free(length);
	file_release(file);
}

static void a_time_to_come_is_never_told(void **state)
{
	struct fixture *fixture = *state;
	struct file *file;

	root_write(&fixture->root, "a", "x", time(NULL) + 86400);
	file = loaded(fixture, "a");
	assert_memory_equal(file->last_modified_text, file->date_text, 29);
	assert_int_equal(file->last_modified, file->date_second);
	assert_true(file->settled);
	file_release(file);
}

static void extreme_times_are_served(void **state)
{
	static const time_t times[] = {INT64_MIN, -1, 0, INT64_MAX / 4, INT64_MAX};
	struct fixture *fixture = *state;
	struct file *file;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		root_write(&fixture->root, "a", "x", times[i]); /* the file system clamps it */
		file = loaded(fixture, "a");
		assert_true(file->settled);
		file_release(file);
	}
}

static struct file_entry *entry_of(struct fixture *fixture, const char *name)
{
	struct file_entry *entry = NULL;

	assert_int_equal(file_entry_load(&fixture->source, &fixture->root.location, name, strlen(name), &entry), 0);
	return entry;
}

static void a_file_is_current_until_its_stamp_or_name_changes(void **state)
{
	struct fixture *fixture = *state;
	struct file_entry *entry;

	root_write(&fixture->root, "a", "x", LONG_AGO);
	entry = entry_of(fixture, "a");
	assert_true(file_entry_is_current(entry));
	root_set_time(&fixture->root, "a", LONG_AGO, 500000001);
	assert_false(file_entry_is_current(entry));
	file_entry_free(entry);

	entry = entry_of(fixture, "a");
	root_replace(&fixture->root, "a", "x", LONG_AGO);
	assert_false(file_entry_is_current(entry));
	file_entry_free(entry);

	entry = entry_of(fixture, "a");
	root_delete(&fixture->root, "a");
	assert_false(file_entry_is_current(entry));
	file_entry_free(entry);
}

/* Tries within one second of the wall clock: `mtime` is that second, without a fraction. */
static void a_change_that_the_stamp_does_not_show_changes_the_tag(void **state)
{
	struct fixture *fixture = *state;
	struct file *before, *again, *after;
	struct timespec now;
	time_t second;

	for (;;) {
		clock_gettime(CLOCK_REALTIME, &now);
		second = now.tv_sec;
		root_write(&fixture->root, "a", "one", second);
		root_set_time(&fixture->root, "a", second, 0);
		before = loaded(fixture, "a");
		again = loaded(fixture, "a");
		root_write(&fixture->root, "a", "two", second);
		root_set_time(&fixture->root, "a", second, 0);
		after = loaded(fixture, "a");
		clock_gettime(CLOCK_REALTIME, &now);
		if (now.tv_sec == second)
			break;
		file_release(before);
		file_release(again);
		file_release(after);
	}
	assert_false(before->settled);
	assert_false(after->settled);
	assert_true(slice_equal(before->etag, again->etag));
	assert_false(slice_equal(before->etag, after->etag));
	file_release(before);
	file_release(again);
	file_release(after);
}

static void a_file_just_written_is_not_settled(void **state)
{
	struct fixture *fixture = *state;
	struct file *file;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_nsec = now.tv_nsec / 2 + 1; /* of this second, with a fraction */
	root_write(&fixture->root, "a", "x", LONG_AGO);
	root_set_time(&fixture->root, "a", now.tv_sec - 1, now.tv_nsec);
	file = loaded(fixture, "a");
	assert_true(file->settled);
	file_release(file);

	/* Ahead of the clock by less than a stamp may be; retried while the machine is too slow. */
	for (bool settled = true; settled;) {
		clock_gettime(CLOCK_REALTIME, &now);
		now.tv_nsec += 15000000;
		if (now.tv_nsec >= 1000000000)
			now.tv_sec++, now.tv_nsec -= 1000000000;
		root_set_time(&fixture->root, "a", now.tv_sec, now.tv_nsec | 1);
		file = loaded(fixture, "a");
		settled = file->settled;
		file_release(file);
	}
}

/* sysfs says 4096 octets and has a few. */
/* So it says when a rename, anywhere, has crossed the look-up. */
static void a_file_is_found_while_folders_are_renamed(void **state)
{
	struct fixture *fixture = *state;
	struct file *file;

	if (fixture->root.site.root.walks)
		skip();
	root_write(&fixture->root, "a", "hello", LONG_AGO);
	for (int times = 1; times < 8; times++) {
		says_again = times;
		file = loaded(fixture, "a");
		assert_int_equal(says_again, 0);
		file_release(file);
	}
	says_again = 1000; /* not for ever */
	assert_int_not_equal(load(fixture, "a", &file), 0);
	assert_in_range(says_again, 980, 999);
	says_again = 0;
}

static void a_file_shorter_than_it_says_is_not_served(void **state)
{
	struct fixture *fixture = *state;
	struct http_site site = fixture->root.site;
	struct http_location location = {.site = &site};
	struct file_source source = fixture->source;
	struct file_entry *entry;

	site.root.fd = open("/sys/kernel", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	source.body_max = 65536;
	assert_int_equal(file_entry_load(&source, &location, "uevent_seqnum", 13, &entry), -ESTALE);
	close(site.root.fd);
}

static void without_permission_it_is_forbidden(void **state)
{
	struct fixture *fixture = *state;
	struct file *file;

	root_write(&fixture->root, "a", "x", LONG_AGO);
	assert_int_equal(fchmodat(fixture->root.fd, "a", 0, 0), 0);
	assert_int_equal(load(fixture, "a", &file), -EACCES);
}

static void skipped(void **state)
{
	(void)state;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	/* Decided here, as cmocka's own skip() reads "not ok" in TAP: a name with a directive. */
#define SKIP(name, reason)                                         \
	{                                                          \
#name " # SKIP " reason, skipped, NULL, NULL, NULL \
	}
	const struct CMUnitTest short_file[] = {
		TEST(a_file_is_found_while_folders_are_renamed),
		TEST(a_file_shorter_than_it_says_is_not_served),
		SKIP(a_file_shorter_than_it_says_is_not_served, "needs sysfs"),
	};
	const struct CMUnitTest permission[] = {
		TEST(without_permission_it_is_forbidden),
		SKIP(without_permission_it_is_forbidden, "root may read everything"),
	};
	const struct CMUnitTest tests[] = {
		TEST(links_are_followed_inside_of_the_root_only),
		TEST(only_regular_files_are_loaded_and_nothing_waits),
		TEST(files_up_to_the_limit_are_in_memory_larger_ones_open),
		TEST(head_and_body_lie_in_one_run),
		TEST(the_tag_does_not_depend_on_the_inode),
		TEST(the_date_is_patched_while_nobody_else_has_the_file),
		TEST(a_time_to_come_is_never_told),
		TEST(extreme_times_are_served),
		TEST(a_file_is_current_until_its_stamp_or_name_changes),
		TEST(a_change_that_the_stamp_does_not_show_changes_the_tag),
		TEST(a_file_just_written_is_not_settled),
		short_file[access("/sys/kernel/uevent_seqnum", R_OK) != 0],
		permission[geteuid() == 0],
	};

	alarm(60); /* a FIFO that is waited for would hold everything up */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
