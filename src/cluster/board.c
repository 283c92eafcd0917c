/* SPDX-License-Identifier: MIT
 *
 * The scoreboard (board.h). Master and workers. */
#include "cluster/board.h"

#include "base/fd.h"
#include "cluster/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct board_page) <= 5 * 4096, "five pages");

/* More than any machine will hold, and small enough to add up without overflow. */
enum { CONNECTIONS_SANE = 1 << 30 };

static int map(struct board *board, int fd, int protection)
{
	void *page = mmap(NULL, sizeof(struct board_page), protection, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	board->page = page;
	board->writable = (protection & PROT_WRITE) != 0;
	return 0;
}

int board_create(struct board *board)
{
	int error;

	*board = (struct board){.fd = memfd_create("brood-board", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
	if (board->fd < 0)
		return -errno;
	/* The size is sealed: nobody who holds the descriptor can shrink it under a reader (SIGBUS). */
	if (ftruncate(board->fd, sizeof(struct board_page)) < 0 ||
	    fcntl(board->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		error = -errno;
	else
		error = map(board, board->fd, PROT_READ | PROT_WRITE);
	if (error)
		board_close(board);
	return error;
}

int board_adopt(struct board *board, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS), error;
	struct stat status;

	*board = (struct board){.fd = fd};
	if (fstat(fd, &status) < 0)
		error = -errno;
	else if (seals < 0 || !(seals & F_SEAL_SHRINK) || status.st_size != sizeof(struct board_page))
		error = -EBADMSG;
	else
		error = map(board, fd, PROT_READ | PROT_WRITE);
	if (error)
		board->fd = -1; /* still the caller's */
	return error;
}

int board_open_readonly(const struct board *board)
{
	char path[64];
	int fd;

	/* Only an open of its own gives a description that cannot be mapped for writing. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", board->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int board_map_readonly(struct board *board, int fd)
{
	int error;

	*board = (struct board){.fd = -1};
	error = map(board, fd, PROT_READ);
	fd_close(&fd);
	return error;
}

int board_demote(struct board *board)
{
	int fd;

	if (!board->page)
		return 0;
	fd = board_open_readonly(board);
	if (fd < 0)
		return fd;
	board_close(board);
	return board_map_readonly(board, fd);
}

void board_close(struct board *board)
{
	if (board->page)
		munmap(board->page, sizeof(struct board_page));
	board->page = NULL;
	fd_close(&board->fd);
}

int board_take_record(struct board *board)
{
	for (int i = 0; i < BOARD_RECORDS; i++) {
		struct board_record *record = &board->page->records[i];

		if (board_load32(&record->state) != BOARD_FREE)
			continue;
		memset(record, 0, sizeof(*record));
		log_ring_clear(&board->page->logs[i]);
		board_store32(&record->state, BOARD_STARTING);
		return i;
	}
	return -1;
}

void board_free_record(struct board *board, int index)
{
	board_store32(&board->page->records[index].state, BOARD_FREE);
}

_Static_assert(CLUSTER_SLOTS_MAX * BOARD_RECORDS == CLUSTER_PLACES_MAX, "a place for each record");

unsigned board_place(unsigned slot, int record)
{
	return slot * BOARD_RECORDS + (unsigned)record;
}

uint64_t board_load64(const uint64_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

uint32_t board_load32(const uint32_t *field)
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

bool board_is_fresh(const struct board_record *record, uint64_t now_ms)
{
	uint64_t seen_ms = board_load64(&record->heartbeat_ms);

	return board_load32(&record->state) == BOARD_SERVING &&
	       (seen_ms > now_ms || now_ms - seen_ms <= BOARD_FRESH_MS);
}

void board_sum(const struct board *boards, unsigned count, uint64_t now_ms, unsigned *workers,
	       uint64_t *connections)
{
	*workers = 0;
	*connections = 0;
	for (unsigned slot = 0; slot < count; slot++) {
		for (int i = 0; boards[slot].page && i < BOARD_RECORDS; i++) {
			const struct board_record *record = &boards[slot].page->records[i];

			if (!board_is_fresh(record, now_ms))
				continue;
			(*workers)++;
			*connections += board_connections(record);
		}
	}
}
