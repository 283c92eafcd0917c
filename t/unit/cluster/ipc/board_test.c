/* SPDX-License-Identifier: MIT
 *
 * The scoreboard: who can write, who is counted, and that nonsense on a page harms nobody. */
#include "cluster/ipc/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct board_record *record_of(const struct board *board, int record)
{
	return &board->cells[record]->record;
}

static void records_are_given_out_once(void **state)
{
	struct board board;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	for (int i = 0; i < BOARD_RECORDS; i++)
		assert_int_equal(board_take_record(&board), i);
	assert_int_equal(board_take_record(&board), -EBUSY);
	record_of(&board, 2)->requests = 7;
	board_free_record(&board, 2);
	assert_int_equal(board_take_record(&board), 2);
	assert_int_equal(record_of(&board, 2)->requests, 0);
	board_close(&board);
}

/* Whatever a worker writes there. */
static void no_record_says_itself_whether_it_is_in_use(void **state)
{
	static const uint32_t words[] = {BOARD_FREE, BOARD_STARTING, BOARD_SERVING, BOARD_DRAINING, UINT32_MAX};
	struct board board;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		for (int i = 0; i < BOARD_RECORDS_KEPT; i++)
			record_of(&board, i)->state = words[w];
		for (int i = 0; i < BOARD_RECORDS; i++)
			assert_int_equal(board_take_record(&board), i);
		for (int i = 0; i < BOARD_RECORDS; i++)
			record_of(&board, i)->state = words[w];
		assert_int_equal(board_take_record(&board), -EBUSY);
		for (int i = 0; i < BOARD_RECORDS; i++)
			board_free_record(&board, i);
	}
	board_close(&board);
}

static void what_is_seldom_needed_is_there_while_it_is_in_use(void **state)
{
	struct board board;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	for (int i = 0; i < BOARD_RECORDS; i++)
		assert_int_equal(board.cells[i] != NULL, i < BOARD_RECORDS_KEPT);
	for (int i = 0; i < BOARD_RECORDS; i++)
		assert_int_equal(board_take_record(&board), i);
	for (int i = 0; i < BOARD_RECORDS; i++) {
		board_free_record(&board, i);
		assert_int_equal(board.cells[i] != NULL, i < BOARD_RECORDS_KEPT);
		assert_int_equal(board.fds[i] >= 0, i < BOARD_RECORDS_KEPT);
	}
	board_close(&board);
}

static void a_record_that_an_earlier_version_gave_out_stays_in_use(void **state)
{
	struct board before, board;

	(void)state;
	assert_int_equal(board_create(&before), 0);
	assert_int_equal(board_take_record(&before), 0);
	assert_int_equal(board_take_record(&before), 1);
	board_free_record(&before, 0);
	record_of(&before, 0)->state = BOARD_SERVING; /* says who had it */
	record_of(&before, 1)->state = BOARD_FREE;    /* says who has it */
	board_init(&board);
	for (int i = 0; i < BOARD_RECORDS_KEPT; i++)
		assert_int_equal(board_adopt(&board, i, dup(before.fds[i])), 0);
	board_keep_record(&board, 1);
	assert_int_equal(board_take_record(&board), 0);
	assert_int_equal(board_take_record(&board), 2);
	board_close(&board);
	board_close(&before);
}

static void records_of_another_size_are_refused(void **state)
{
	static const off_t sizes[] = {0, 4096, 17408, 1 << 20};
	struct board board;

	(void)state;
	board_init(&board);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = memfd_create("other", MFD_ALLOW_SEALING);

		assert_int_equal(ftruncate(fd, sizes[i]), 0);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
		assert_int_equal(board_adopt(&board, 0, fd), -EBADMSG);
		assert_int_equal(close(fd), 0); /* it was not taken */
	}
	assert_null(board.cells[0]);
}

static void only_serving_workers_with_a_fresh_heartbeat_count(void **state)
{
	static const uint64_t beats[] = {9000, 9000, 9000, 8999, 11000, 11001, UINT64_MAX};
	struct board boards[2];
	struct board_record *record;
	unsigned workers;
	uint64_t connections;

	(void)state;
	assert_int_equal(board_create(&boards[0]), 0);
	board_init(&boards[1]); /* one that could not be mapped */
	for (int i = 0; i < 7; i++) {
		record = record_of(&boards[0], board_take_record(&boards[0]));
		board_store32(&record->state, i == 2 ? BOARD_DRAINING : BOARD_SERVING);
		board_store64(&record->heartbeat_ms, beats[i]);
		board_store64(&record->opened, 100);
		board_store64(&record->closed, 90);
	}
	board_sum(boards, 2, 10000, &workers, &connections);
	assert_int_equal(workers, 3);
	assert_int_equal(connections, 30);
	board_close(&boards[0]);
}

static void figures_that_make_no_sense_count_as_none(void **state)
{
	struct board_record record = {.opened = 3, .closed = 5};

	(void)state;
	assert_int_equal(board_connections(&record), 0);
	record.opened = UINT64_MAX;
	assert_int_equal(board_connections(&record), 0);
	record.opened = 9;
	assert_int_equal(board_connections(&record), 4);
}

static void people_are_told_figures_within_bounds(void **state)
{
	struct board_record record = {.opened = 9, .closed = 5, .idle = UINT32_MAX, .requests = 8};
	struct board_figures figures = board_figures(&record);

	(void)state;
	assert_int_equal(figures.connections, 4);
	assert_int_equal(figures.idle, 4);
	assert_int_equal(figures.requests, 8);
	memset(&record, 0xff, sizeof(record));
	figures = board_figures(&record);
	assert_int_equal(figures.connections + figures.idle + figures.requests, 0);
}

/* Runs it in a child; returns that one's status. */
static int run_child(void (*what)(struct board *board), struct board *board)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit of it */
		what(board);
		_exit(4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void write_after_all(struct board *board)
{
	if (board_demote(board, -1) != 0 || board->fds[0] >= 0)
		_exit(2);
	if (mprotect(board->cells[0], sizeof(struct board_cell), PROT_READ | PROT_WRITE) == 0)
		_exit(3);
	board_store64(&record_of(board, 0)->requests, 1);
}

/* What a worker gets of others' records: writing to one ends the process, and so it must even after an mprotect. */
static void others_cannot_write(void **state)
{
	struct board board;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	assert_true(WIFSIGNALED(run_child(write_after_all, &board)));
	assert_int_equal(record_of(&board, 0)->requests, 0);
	board_close(&board);
}

static void write_own(struct board *board)
{
	if (board_demote(board, 1) != 0 || board->fds[1] >= 0)
		_exit(2);
	record_of(board, 1)->requests = 7;
	log_ring_add(&board->cells[1]->log, "words", 5);
	_exit(0);
}

static void write_beside(struct board *board)
{
	if (board_demote(board, 1) != 0)
		_exit(2);
	record_of(board, 0)->requests = 9;
}

/* A mapping can be made larger, and then shows what follows in the file. */
static void write_beyond(struct board *board)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *all;

	if (board_demote(board, 0) != 0)
		_exit(2);
	all = mremap(board->cells[0], page, BOARD_RECORDS * page, MREMAP_MAYMOVE);
	if (all == MAP_FAILED)
		raise(SIGBUS);
	signal(SIGBUS, SIG_DFL);
	for (int i = 1; i < BOARD_RECORDS; i++)
		memset(all + i * (ptrdiff_t)page, 0xff, page);
}

static void a_worker_writes_on_its_own_record_and_on_no_other(void **state)
{
	struct board board;
	char text[64];
	int status;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	status = run_child(write_own, &board);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(record_of(&board, 1)->requests, 7);
	assert_int_equal(log_ring_read(&board.cells[1]->log, text, sizeof(text)), 6);
	assert_true(WIFSIGNALED(run_child(write_beside, &board)));
	assert_int_equal(record_of(&board, 0)->requests, 0);
	assert_true(WIFSIGNALED(run_child(write_beyond, &board)));
	assert_int_equal(record_of(&board, 1)->requests, 7);
	board_close(&board);
}

static void what_is_shown_later_is_seen(void **state)
{
	struct board board, seen;
	int record;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	board_init(&seen);
	for (int i = 0; i < 3; i++)
		record = board_take_record(&board);
	for (uint64_t round = 1; round <= 2; round++) { /* the second one takes the first one's place */
		record_of(&board, record)->requests = round;
		assert_int_equal(board_show(&seen, record, board_open_readonly(&board, record)), 0);
		assert_int_equal(record_of(&seen, record)->requests, round);
		board_free_record(&board, record);
		assert_int_equal(record_of(&seen, record)->state, BOARD_FREE);
		assert_int_equal(board_take_record(&board), record);
	}
	board_close(&seen);
	board_close(&board);
}

static void a_record_begins_without_what_its_last_worker_said(void **state)
{
	struct board board;
	char text[64];
	int record;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	record = board_take_record(&board);
	log_ring_add(&board.cells[record]->log, "words", 5);
	board_free_record(&board, record);
	assert_int_equal(log_ring_read(&board.cells[record]->log, text, sizeof(text)), 6);
	assert_int_equal(board_take_record(&board), record);
	assert_int_equal(log_ring_read(&board.cells[record]->log, text, sizeof(text)), 0);
	board_close(&board);
}

static void a_record_cannot_be_shrunk_under_a_reader(void **state)
{
	struct board board;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	assert_int_equal(ftruncate(board.fds[0], 0), -1);
	board_close(&board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_given_out_once),
		cmocka_unit_test(no_record_says_itself_whether_it_is_in_use),
		cmocka_unit_test(what_is_seldom_needed_is_there_while_it_is_in_use),
		cmocka_unit_test(a_record_that_an_earlier_version_gave_out_stays_in_use),
		cmocka_unit_test(records_of_another_size_are_refused),
		cmocka_unit_test(only_serving_workers_with_a_fresh_heartbeat_count),
		cmocka_unit_test(figures_that_make_no_sense_count_as_none),
		cmocka_unit_test(people_are_told_figures_within_bounds),
		cmocka_unit_test(others_cannot_write),
		cmocka_unit_test(a_worker_writes_on_its_own_record_and_on_no_other),
		cmocka_unit_test(what_is_shown_later_is_seen),
		cmocka_unit_test(a_record_begins_without_what_its_last_worker_said),
		cmocka_unit_test(a_record_cannot_be_shrunk_under_a_reader),
	};

	return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
