/* SPDX-License-Identifier: MIT
 *
 * From a queue into files: each line once, whole, under the name of who said it, whoever dies on the way. */
#include "brood/log/log_reader.h"

#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cluster/ipc/log_outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACCESS = 5, SECOND = 6, ERRORS = 9 };

static char folder[] = "/tmp/log_reader_test.XXXXXX";
static struct list sinks;
static struct log_sink_file files[3];
static struct line_queue writer;
static struct log_reader reader;
static int memory;
static char text[4 << 20];
static const struct log_source_message who = {.serial = 1, .pid = 4711, .error_log = ERRORS, .tag = "worker 3"};

static void path_of(unsigned number, char out[80])
{
	snprintf(out, 80, "%s/%u", folder, number);
}

static void open_sinks(void)
{
	static const unsigned numbers[] = {ACCESS, SECOND, ERRORS};

	list_init(&sinks);
	for (size_t i = 0; i < 3; i++) {
		char path[80];

		path_of(numbers[i], path);
		files[i] = (struct log_sink_file){
			.number = numbers[i],
			.kind = numbers[i] == ERRORS ? LOG_KIND_MESSAGES : LOG_KIND_LINES,
			.writer = log_writer_new(open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)),
		};
		files[i].size_at_first = log_writer_size(files[i].writer);
		list_init(&files[i].link);
		list_append(&sinks, &files[i].link);
	}
}

static void close_sinks(void)
{
	for (size_t i = 0; i < 3; i++) {
		log_writer_free(files[i].writer);
		files[i].writer = NULL;
	}
}

static int make(void **state)
{
	(void)state;
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return -1;
	memory = line_queue_create();
	open_sinks();
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	return line_queue_open(&writer, memory) || log_reader_open(&reader, &who, memory);
}

static int drop(void **state)
{
	char command[100];

	(void)state;
	log_reader_close(&reader);
	line_queue_close(&writer);
	close_sinks();
	close(memory);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void put(unsigned log, unsigned kind, const char *octets, size_t size)
{
	char *room = line_queue_reserve(&writer, size);

	assert_non_null(room);
	memcpy(room, octets, size);
	line_queue_commit(&writer, log, (uint16_t)kind, size);
}

static void put_line(unsigned log, const char *line)
{
	put(log, LOG_LINE_WHOLE, line, strlen(line));
}

static void put_message(enum log_level level, uint64_t time_ms, const char *message)
{
	char octets[LINE_QUEUE_LINE_MAX];
	struct log_message_head head = {.time_ms = time_ms};

	memcpy(octets, &head, sizeof(head));
	memcpy(octets + sizeof(head), message, strlen(message));
	put(ERRORS, LOG_LINE_MESSAGE + level, octets, sizeof(head) + strlen(message));
}

static void read_all(void)
{
	while (log_reader_pass(&reader, &sinks))
		;
}

static const char *contents(unsigned number)
{
	char path[80];
	size_t length;
	FILE *file;

	path_of(number, path);
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static void lines_go_to_the_log_that_they_are_for(void **state)
{
	(void)state;
	put_line(ACCESS, "one\n");
	put_line(SECOND, "two\n");
	put_line(ACCESS, "three\n");
	put_message(LOG_LEVEL_WARN, 971211336123, "something");
	read_all();
	assert_string_equal(contents(ACCESS), "one\nthree\n");
	assert_string_equal(contents(SECOND), "two\n");
	assert_string_equal(contents(ERRORS), "2000-10-10T20:55:36.123Z warn  worker 3 [4711] something\n");
}

/* One that was taken over writes what it likes into its own memory. */
static void nobody_can_speak_for_others_or_leave_half_a_line(void **state)
{
	(void)state;
	put_line(ERRORS, "2000-10-10T20:55:36.123Z error master [1] forged\n"); /* whole, to the error log */
	put_message(LOG_LEVEL_ERROR, 0, "a\n2000-10-10T20:55:36.123Z error master [1] forged");
	put_message(LOG_LEVEL_ERROR, UINT64_MAX, "at no time");
	put(ERRORS, 4, "12345678message of no level", 27);
	put(ERRORS, LOG_LEVEL_INFO, "1234", 4);
	put(ACCESS, LOG_LEVEL_INFO, "12345678a message under another number", 38);
	put_line(ACCESS, "no end");
	put_line(ACCESS, "two\nlines\n");
	put_line(ACCESS, "");
	put_line(77, "of a log that there is not\n");
	put_line(ACCESS, "good\n");
	read_all();
	assert_string_equal(contents(ACCESS), "good\n");
	assert_string_equal(contents(ERRORS),
			    "1970-01-01T00:00:00.000Z error worker 3 [4711] "
			    "a\\x0a2000-10-10T20:55:36.123Z error master [1] forged\n"
			    "1900-01-00T00:00:00.615Z error worker 3 [4711] at no time\n"
			    "1900-01-00T00:00:00.505Z info  worker 3 [4711] a message under another number\n");
}

static void a_queue_that_makes_no_sense_is_read_no_further(void **state)
{
	(void)state;
	put_line(ACCESS, "before\n");
	read_all();
	writer.at += 4 * (uint64_t)LINE_QUEUE_ROOM; /* more than there can be */
	line_queue_commit(&writer, ACCESS, LOG_LINE_WHOLE, 8);
	assert_false(log_reader_pass(&reader, &sinks));
	assert_true(reader.broken);
	assert_false(log_reader_pass(&reader, &sinks));
	assert_string_equal(contents(ACCESS), "before\n");
}

static void what_comes_by_the_pipe_makes_lines_of_the_error_log(void **state)
{
	static const char octets[] = "\0\0==1==ERROR: \0Sanitizer\n\n\033[31mred\n\0rest";

	(void)state;
	log_reader_stray(&reader, &sinks, octets, 5);
	log_reader_stray(&reader, &sinks, octets + 5, sizeof(octets) - 1 - 5);
	contents(ERRORS);
	assert_non_null(strstr(text, " error worker 3 [4711] ==1==ERROR: Sanitizer\n"));
	assert_non_null(strstr(text, " error worker 3 [4711] \\x1b[31mred\n"));
	assert_null(strstr(text, "rest"));
	log_reader_end_stray(&reader, &sinks);
	assert_non_null(strstr(contents(ERRORS), "] rest\n"));
	memset(text, 'x', 100000);
	log_reader_stray(&reader, &sinks, text, 100000); /* no newline, no end */
	assert_true(strlen(contents(ERRORS)) > 100000);
}

/* Many lines to two logs, while the process that writes them is killed again and again, at any point: each is
 * there once, in order. */
static void each_line_is_there_once_however_often_the_reader_dies(void **state)
{
	enum { LINES = 40000 };
	unsigned expected[2] = {0, 1}, deaths = 0;
	bool done = false;

	(void)state;
	for (unsigned i = 0; i < LINES; i++) {
		char line[100];

		snprintf(line, sizeof(line), "line %u of those that were put, which are all different\n", i);
		put_line(i % 2 ? SECOND : ACCESS, line);
	}
	line_queue_close(&reader.queue);
	close_sinks();
	while (!done) {
		int ends[2], status;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0) {
			char octet;

			open_sinks();
			if (log_reader_open(&reader, &who, memory) < 0)
				_exit(2);
			log_reader_take_over(&reader, &sinks);
			(void)!read(ends[0], &octet, 1);
			_exit(log_reader_pass(&reader, &sinks) ? 0 : 1);
		}
		assert_int_equal(write(ends[1], "", 1), 1);
		usleep(deaths * 7 % (400 + deaths)); /* another point each time */
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		deaths += WIFSIGNALED(status);
		done = WIFEXITED(status) && WEXITSTATUS(status) == 1;
		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 2);
		close(ends[0]);
		close(ends[1]);
	}
	for (unsigned i = 0; i < 2; i++)
		for (const char *at = contents(i ? SECOND : ACCESS); *at; at = strchr(at, '\n') + 1) {
			unsigned number;

			assert_int_equal(
				sscanf(at, "line %u of those that were put, which are all different\n", &number), 1);
			assert_int_equal(number, expected[i]);
			expected[i] += 2;
		}
	assert_int_equal(expected[0], LINES);
	assert_int_equal(expected[1], LINES + 1);
	open_sinks();
	assert_int_equal(log_reader_open(&reader, &who, memory), 0);
}

/* A pass that was cut at any octet of what it had to write. */
static void a_pass_goes_on_where_its_writing_was_cut(void **state)
{
	static const char all[] = "first\nsecond\nthird\n";
	char path[80];

	(void)state;
	path_of(ACCESS, path);
	for (size_t cut = 0; cut < sizeof(all); cut++) {
		struct line line;
		struct line_note note = {.log = ACCESS, .size = sizeof(all) - 1};

		put_line(ACCESS, "first\n");
		put_line(ACCESS, "second\n");
		put_line(ACCESS, "third\n");
		close_sinks();
		assert_int_equal(truncate(path, 0), 0);
		while (line_queue_peek(&reader.queue, &line) > 0)
			line_queue_skip(&reader.queue, &line);
		line_queue_note(&reader.queue, &note, 1);
		int fd = open(path, O_WRONLY | O_APPEND);

		assert_int_equal(write(fd, all, cut), cut);
		close(fd);
		log_reader_close(&reader); /* dead here */
		put_line(ACCESS, "fourth\n");
		open_sinks();
		assert_int_equal(log_reader_open(&reader, &who, memory), 0);
		log_reader_take_over(&reader, &sinks);
		read_all();
		assert_string_equal(contents(ACCESS), "first\nsecond\nthird\nfourth\n");
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(lines_go_to_the_log_that_they_are_for),
		IN_FOLDER(nobody_can_speak_for_others_or_leave_half_a_line),
		IN_FOLDER(a_queue_that_makes_no_sense_is_read_no_further),
		IN_FOLDER(what_comes_by_the_pipe_makes_lines_of_the_error_log),
		IN_FOLDER(each_line_is_there_once_however_often_the_reader_dies),
		IN_FOLDER(a_pass_goes_on_where_its_writing_was_cut),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
