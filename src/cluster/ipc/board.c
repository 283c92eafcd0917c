/* SPDX-License-Identifier: MIT
 *
 * The scoreboard (board.h). Master and workers. */
#include "cluster/ipc/board.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "cluster/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct board_cell) <= 4096, "a page for each worker");
_Static_assert(BOARD_RECORDS <= 8 * sizeof(((struct board *)NULL)->in_use), "a bit for each record");

/* More than any machine will hold, and small enough to add up without overflow. */
enum { CONNECTIONS_SANE = 1 << 30 };

void board_init(struct board *board)
{
	*board = (struct board){.in_use = 0};
	for (int i = 0; i < BOARD_RECORDS; i++)
		board->fds[i] = -1;
}

static void forget(struct board *board, int record)
{
	if (board->cells[record])
		munmap(board->cells[record], sizeof(struct board_cell));
	board->cells[record] = NULL;
	fd_close(&board->fds[record]);
}

/* In place of what was there. */
static int map(struct board *board, int record, int fd, int protection)
{
	void *cell = mmap(NULL, sizeof(struct board_cell), protection, MAP_SHARED, fd, 0);

	if (cell == MAP_FAILED)
		return -errno;
	forget(board, record);
	board->cells[record] = cell;
	return 0;
}

static int make(struct board *board, int record)
{
	int fd = memfd_create("brood-board", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -errno;
	/* The size is sealed: nobody who holds the descriptor can shrink it under a reader (SIGBUS), nor grow it. */
	if (ftruncate(fd, sizeof(struct board_cell)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		error = -errno;
	else
		error = map(board, record, fd, PROT_READ | PROT_WRITE);
	if (error)
		fd_close(&fd);
	else
		fd_note(board->fds[record] = fd, FD_MEMORY);
	return error;
}

int board_create(struct board *board)
{
	int error = 0;

	board_init(board);
	for (int i = 0; i < BOARD_RECORDS_KEPT && error == 0; i++)
		error = make(board, i);
	if (error)
		board_close(board);
	return error;
}

int board_adopt(struct board *board, int record, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS), error;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || status.st_size != sizeof(struct board_cell))
		return -EBADMSG;
	error = map(board, record, fd, PROT_READ | PROT_WRITE);
	if (!error)
		fd_note(board->fds[record] = fd, FD_MEMORY);
	return error;
}

int board_open_readonly(const struct board *board, int record)
{
	char path[64];
	int fd;

	/* Only an open of its own gives a description that cannot be mapped for writing. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", board->fds[record]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int board_show(struct board *board, int record, int fd)
{
	int error = map(board, record, fd, PROT_READ);

	fd_close(&fd);
	return error;
}

int board_demote(struct board *board, int own)
{
	for (int i = 0; i < BOARD_RECORDS; i++) {
		int fd, error;

		if (i == own)
			fd_close(&board->fds[i]);
		if (i == own || !board->cells[i])
			continue;
		fd = board_open_readonly(board, i);
		error = fd < 0 ? fd : board_show(board, i, fd);
		if (error)
			return error;
	}
	return 0;
}

void board_close(struct board *board)
{
	for (int i = 0; i < BOARD_RECORDS; i++)
		forget(board, i);
}

void board_keep_record(struct board *board, int record)
{
	board->in_use |= 1u << record;
}

int board_take_record(struct board *board)
{
	struct board_cell *cell;
	int record = 0, error;

	while (record < BOARD_RECORDS && board->in_use & 1u << record)
		record++;
	if (record == BOARD_RECORDS)
		return -EBUSY;
	error = board->cells[record] ? 0 : make(board, record);
	if (error)
		return error;
	cell = board->cells[record];
	memset(&cell->record, 0, sizeof(cell->record));
	log_ring_clear(&cell->log);
	board_store32(&cell->record.state, BOARD_STARTING);
	board_keep_record(board, record);
	return record;
}

void board_free_record(struct board *board, int record)
{
	board->in_use &= ~(1u << record);
	if (board->cells[record])
		board_store32(&board->cells[record]->record.state, BOARD_FREE);
	if (record >= BOARD_RECORDS_KEPT)
		forget(board, record);
}

_Static_assert(CLUSTER_SLOTS_MAX *BOARD_RECORDS == CLUSTER_WORKERS_MAX, "a number for each record");

unsigned board_worker_number(unsigned slot, int record)
{
	return slot * BOARD_RECORDS + (unsigned)record;
}

uint64_t board_load64(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static uint32_t load32(const uint32_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

void board_store64(uint64_t *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

void board_store32(uint32_t *field, uint32_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

uint64_t board_connections(const struct board_record *record)
{
	uint64_t closed = board_load64(&record->closed);
	uint64_t opened = board_load64(&record->opened);

	return opened > closed && opened - closed < CONNECTIONS_SANE ? opened - closed : 0;
}

struct board_figures board_figures(const struct board_record *record)
{
	struct board_figures figures = {.connections = board_connections(record),
					.idle = load32(&record->idle),
					.requests = board_load64(&record->requests)};

	/* They are not taken at one moment, nor by somebody who must be trusted. */
	if (figures.idle > figures.connections)
		figures.idle = figures.connections;
	if (figures.requests > INT64_MAX)
		figures.requests = 0;
	return figures;
}

bool board_is_fresh(const struct board_record *record, uint64_t now_ms)
{
	uint64_t seen_ms = board_load64(&record->heartbeat_ms);

	return (seen_ms > now_ms ? seen_ms - now_ms : now_ms - seen_ms) <= BOARD_FRESH_MS;
}

void board_sum(const struct board *boards, unsigned count, uint64_t now_ms, unsigned *workers, uint64_t *connections)
{
	*workers = 0;
	*connections = 0;
	for (unsigned slot = 0; slot < count; slot++) {
		for (int i = 0; i < BOARD_RECORDS; i++) {
			const struct board_cell *cell = boards[slot].cells[i];

			if (!cell || load32(&cell->record.state) != BOARD_SERVING ||
			    !board_is_fresh(&cell->record, now_ms))
				continue;
			(*workers)++;
			*connections += board_connections(&cell->record);
		}
	}
}
