/* SPDX-License-Identifier: MIT
 *
 * The scoreboard: who can write, who is counted, and that nonsense on a page harms nobody. */
#include "cluster/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void records_are_given_out_once(void **state)
{
	struct board board;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	for (int i = 0; i < BOARD_RECORDS; i++)
		assert_int_equal(board_take_record(&board), i);
	assert_int_equal(board_take_record(&board), -1);
	board.page->records[2].requests = 7;
	board_free_record(&board, 2);
	assert_int_equal(board_take_record(&board), 2);
	assert_int_equal(board.page->records[2].requests, 0);
	board_close(&board);
}

static void only_serving_workers_with_a_fresh_heartbeat_count(void **state)
{
	struct board boards[2];
	struct board_record *record;
	unsigned workers;
	uint64_t connections;

	(void)state;
	assert_int_equal(board_create(&boards[0]), 0);
	boards[1] = (struct board){.fd = -1}; /* one that could not be mapped */
	for (int i = 0; i < 4; i++) {
		record = &boards[0].page->records[board_take_record(&boards[0])];
		board_store32(&record->state, i == 2 ? BOARD_DRAINING : BOARD_SERVING);
		board_store64(&record->heartbeat_ms, i == 3 ? 8999 : 9000);
		board_store64(&record->opened, 100);
		board_store64(&record->closed, 90);
	}
	board_sum(boards, 2, 10000, &workers, &connections);
	assert_int_equal(workers, 2);
	assert_int_equal(connections, 20);
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

/* What a worker gets of another slot's page: writing to it ends the process, and so it must even after
 * an mprotect. */
static void others_cannot_write(void **state)
{
	struct board board;
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	child = fork();
	if (child == 0) {
		if (board_demote(&board) != 0)
			_exit(2);
		if (mprotect(board.page, sizeof(*board.page), PROT_READ | PROT_WRITE) == 0)
			_exit(3);
		signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit of it */
		board_store64(&board.page->records[0].requests, 1);
		_exit(4);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
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
	log_ring_add(&board.page->logs[record], "words", 5);
	board_free_record(&board, record);
	assert_int_equal(log_ring_read(&board.page->logs[record], text, sizeof(text)), 6);
	assert_int_equal(board_take_record(&board), record);
	assert_int_equal(log_ring_read(&board.page->logs[record], text, sizeof(text)), 0);
	board_close(&board);
}

static void a_page_cannot_be_shrunk_under_a_reader(void **state)
{
	struct board board;

	(void)state;
	assert_int_equal(board_create(&board), 0);
	assert_int_equal(ftruncate(board.fd, 0), -1);
	board_close(&board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_given_out_once),
		cmocka_unit_test(only_serving_workers_with_a_fresh_heartbeat_count),
		cmocka_unit_test(figures_that_make_no_sense_count_as_none),
		cmocka_unit_test(others_cannot_write),
		cmocka_unit_test(a_record_begins_without_what_its_last_worker_said),
		cmocka_unit_test(a_page_cannot_be_shrunk_under_a_reader),
	};

	return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
