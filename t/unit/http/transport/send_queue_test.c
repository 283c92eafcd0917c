/* SPDX-License-Identifier: MIT
 *
 * The queue: every shape of response comes out whole and in order, whatever the socket takes at a time,
 * and nothing is referred to that does not last. */
#include "http/transport/send_queue.h"

#include "base/buffer.h"
#include "http/files/static.h"
#include "http/transport/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 300000 };

static const struct slice plain = {"\r\n", 2}, closing = {"Connection: close\r\n\r\n", 21};

static int large_fd;
static char held[1024];    /* stands for a file's own memory */
static char scratch[2048]; /* stands for the response builder's */
static struct file *const holder = (struct file *)held;

static char octet_at(size_t offset)
{
	return (char)('a' + offset % 26);
}

/* One response of each shape; `scratch` is filled anew for each, as the builder would. */
enum shape {
	IN_FILE_MEMORY,
	PART_IN_FILE_MEMORY,
	IN_SCRATCH,
	BARE_IN_SCRATCH,
	LARGE_WHOLE,
	LARGE_PART,
	PIECES_IN_FILE_MEMORY,
	LARGE_PIECES,
	SHAPES
};

/* The most pieces that a response has, the last without octets of the file. */
static struct response_part pieces[RESPONSE_PARTS_MAX];

static bool has_pieces(enum shape shape)
{
	return shape == PIECES_IN_FILE_MEMORY || shape == LARGE_PIECES;
}

static void make_pieces(struct response *response, enum shape shape, unsigned number)
{
	static const char body[] = "abcdefghijklmnopqrstuvwxyz";
	char *room = scratch + response->head.len;

	response->parts = pieces;
	response->part_count = RESPONSE_PARTS_MAX - number % 3;
	for (size_t i = 0; i < response->part_count; i++) {
		size_t length = (size_t)sprintf(room, "--piece %u %zu--", number, i);

		pieces[i] = (struct response_part){.lead = {room, length}};
		room += length;
		if (i + 1 == response->part_count)
			break;
		if (shape == LARGE_PIECES) {
			pieces[i].file_offset = i * 1000;
			pieces[i].file_length = 1 + number * 700;
		} else {
			pieces[i].body = (struct slice){body + i, 3};
		}
	}
}

static struct response make(enum shape shape, unsigned number)
{
	static const char body[] = "0123456789";
	struct response response = {.status = 200, .file_fd = -1};
	char *room = shape == IN_FILE_MEMORY || shape == LARGE_WHOLE ? held : scratch;

	if (room == scratch)
		memset(scratch, '!', sizeof(scratch));
	/* A file's own memory does not change while somebody holds it. */
	response.head.len = (size_t)sprintf(room, "head %u\r\n", room == held ? 0 : number);
	response.head.ptr = room;
	sprintf(room + response.head.len, "\r\n%s", body);
	if (shape != BARE_IN_SCRATCH && shape != LARGE_WHOLE && shape != LARGE_PART && !has_pieces(shape))
		response.body = (struct slice){room + response.head.len + 2, 10};
	response.contiguous = shape == IN_FILE_MEMORY || shape == IN_SCRATCH || shape == LARGE_WHOLE;
	if (shape != IN_SCRATCH && shape != BARE_IN_SCRATCH)
		response.file = holder;
	if (shape == PART_IN_FILE_MEMORY)
		response.body = (struct slice){body + 2, 5};
	if (shape == LARGE_WHOLE || shape == LARGE_PART) {
		response.file_fd = large_fd;
		response.file_offset = shape == LARGE_PART ? 1000 : 0;
		response.file_length = shape == LARGE_PART ? 100000 : LARGE;
	}
	if (has_pieces(shape)) {
		make_pieces(&response, shape, number);
		response.file_fd = shape == LARGE_PIECES ? large_fd : -1;
	}
	return response;
}

static void expect_file(struct buffer *expected, uint64_t offset, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++) {
		char octet = octet_at(offset + i);

		assert_int_equal(buffer_append(expected, &octet, 1), 0);
	}
}

/* What is to come out for it. */
static void expect(struct buffer *expected, const struct response *response, struct slice end, bool body)
{
	assert_int_equal(buffer_append(expected, response->head.ptr, response->head.len), 0);
	assert_int_equal(buffer_append(expected, end.ptr, end.len), 0);
	if (!body)
		return;
	if (response->body.len > 0)
		assert_int_equal(buffer_append(expected, response->body.ptr, response->body.len), 0);
	if (response->file_fd >= 0)
		expect_file(expected, response->file_offset, response->file_length);
	for (size_t i = 0; i < response->part_count; i++) {
		const struct response_part *part = &response->parts[i];

		assert_int_equal(buffer_append(expected, part->lead.ptr, part->lead.len), 0);
		if (part->body.len > 0)
			assert_int_equal(buffer_append(expected, part->body.ptr, part->body.len), 0);
		expect_file(expected, part->file_offset, part->file_length);
	}
}

static size_t body_length(const struct response *response)
{
	size_t length = response->body.len;

	if (response->file_fd >= 0)
		length += (size_t)response->file_length;
	for (size_t i = 0; i < response->part_count; i++)
		length += response->parts[i].lead.len + response->parts[i].body.len +
			  (size_t)response->parts[i].file_length;
	return length;
}

static void drain(int fd, struct buffer *received)
{
	static char data[65536];
	ssize_t size;

	while ((size = recv(fd, data, sizeof(data), MSG_DONTWAIT)) > 0)
		assert_int_equal(buffer_append(received, data, (size_t)size), 0);
}

/* Writes until all is out; the reader empties the socket only when it is full. Returns the octets
 * of bodies, as the items have counted them. */
static uint64_t write_all(struct send_queue *staging, int pair[2], struct buffer *received, unsigned items)
{
	enum send_queue_result result = send_queue_write(staging, &(struct stream){.io = &stream_plain, .fd = pair[1]});
	struct send_queue *own = NULL;
	struct send_queue_item *item;
	unsigned taken = 0;
	uint64_t bodies = 0;

	for (; (item = send_queue_take_written(staging)); taken++)
		bodies += send_queue_item_body_sent(item);
	if (result != SEND_QUEUE_EMPTY) {
		assert_true(result == SEND_QUEUE_BLOCKED || result == SEND_QUEUE_YIELDED);
		own = send_queue_detach(staging);
		assert_non_null(own);
	}
	while (send_queue_take(staging))
		taken++;
	send_queue_reset(staging);
	/* Staging serves another connection meanwhile. */
	memset(staging->copies, '?', SEND_QUEUE_COPIES_MAX);
	memset(scratch, '?', sizeof(scratch));
	while (result != SEND_QUEUE_EMPTY) {
		drain(pair[0], received);
		result = send_queue_write(own, &(struct stream){.io = &stream_plain, .fd = pair[1]});
		assert_true(result != SEND_QUEUE_BROKEN);
	}
	drain(pair[0], received);
	for (; own && (item = send_queue_take_written(own)); taken++)
		bodies += send_queue_item_body_sent(item);
	send_queue_free(own);
	assert_int_equal(taken, items);
	return bodies;
}

static void sequence(struct send_queue *staging, unsigned seed, int send_size)
{
	struct buffer expected = {0}, received = {0};
	unsigned count = 0, wanted;
	uint64_t bodies = 0;
	int pair[2];

	srand(seed);
	wanted = 1 + (unsigned)rand() % 8;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	if (send_size > 0)
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &send_size, sizeof(send_size));
	for (; count < wanted && (count == 0 || send_queue_ready(staging)); count++) {
		struct response response = make((enum shape)(rand() % SHAPES), count);
		struct slice end = rand() % 2 ? plain : closing;
		bool body = rand() % 4 != 0;

		send_queue_add(staging, &response, end, body);
		expect(&expected, &response, end, body);
		bodies += body ? body_length(&response) : 0;
	}
	assert_int_equal(write_all(staging, pair, &received, count), bodies);
	assert_int_equal(received.used, expected.used);
	assert_memory_equal(received.data, expected.data, expected.used);
	buffer_free(&expected);
	buffer_free(&received);
	close(pair[0]);
	close(pair[1]);
}

static void every_mixture_comes_out_whole(void **state)
{
	struct send_queue *staging = send_queue_new();

	(void)state;
	assert_non_null(staging);
	for (unsigned seed = 1; seed <= 300; seed++)
		sequence(staging, seed, seed % 3 == 0 ? 0 : (int)(seed * 10));
	send_queue_free(staging);
}

static void statuses_without_a_body_have_none(void **state)
{
	static const unsigned statuses[] = {100, 204, 304};
	struct send_queue *staging = send_queue_new();

	(void)state;
	assert_non_null(staging);
	for (size_t i = 0; i < 3; i++) {
		struct response response = make(IN_SCRATCH, 0);
		struct send_queue_item *item;

		response.status = statuses[i];
		item = send_queue_add(staging, &response, closing, true);
		assert_int_equal(item->parts[PART_BODY].len, 0);
		response = make(LARGE_WHOLE, 0);
		response.status = statuses[i];
		assert_int_equal(send_queue_add(staging, &response, plain, true)->file_left, 0);
	}
	while (send_queue_take(staging))
		continue;
	send_queue_free(staging);
}

static void octets_of_bodies_are_counted(void **state)
{
	struct send_queue *staging = send_queue_new();
	int pair[2];

	(void)state;
	assert_non_null(staging);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		for (unsigned variant = 0; variant < 4; variant++) {
			struct response response = make((enum shape)shape, 0);
			size_t length = body_length(&response);
			struct buffer received = {0};
			struct send_queue_item *item =
				send_queue_add(staging, &response, variant & 1 ? plain : closing, (variant & 2) != 0);

			while (send_queue_write(staging, &(struct stream){.io = &stream_plain, .fd = pair[1]}) ==
			       SEND_QUEUE_BLOCKED)
				drain(pair[0], &received);
			assert_ptr_equal(send_queue_take_written(staging), item);
			assert_int_equal(send_queue_item_body_sent(item), variant & 2 ? length : 0);
			send_queue_reset(staging);
			drain(pair[0], &received);
			buffer_free(&received);
		}
	}
	send_queue_free(staging);
	close(pair[0]);
	close(pair[1]);
}

static void octets_of_an_abandoned_body_are_counted(void **state)
{
	(void)state;
	for (unsigned shape = PIECES_IN_FILE_MEMORY; shape <= LARGE_PIECES; shape++) {
		struct response response = make((enum shape)shape, 9);
		struct send_queue *staging = send_queue_new(), *own;
		struct send_queue_item *item;
		struct buffer received = {0};
		int pair[2], size = 1;

		assert_non_null(staging);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		/* The last of many fits only in part; the reader goes before it reads the rest. */
		for (unsigned i = 0; i < 3; i++) {
			send_queue_ready(staging);
			send_queue_add(staging, &response, plain, true);
		}
		send_queue_write(staging, &(struct stream){.io = &stream_plain, .fd = pair[1]});
		while (send_queue_take_written(staging))
			continue;
		own = send_queue_detach(staging);
		assert_non_null(own);
		send_queue_write(own, &(struct stream){.io = &stream_plain, .fd = pair[1]});
		drain(pair[0], &received);
		for (uint64_t all = response.head.len + 2 + body_length(&response), left;
		     (item = send_queue_take(own));) {
			left = received.used % all;
			assert_true(item->written == all || item->written == left || item->written == 0);
			assert_int_equal(send_queue_item_body_sent(item),
					 item->written > response.head.len + 2 ? item->written - response.head.len - 2
									       : 0);
			assert_ptr_equal(item->file, holder);
		}
		buffer_free(&received);
		send_queue_free(own);
		send_queue_free(staging);
		close(pair[0]);
		close(pair[1]);
	}
}

static void no_more_is_staged_than_fits(void **state)
{
	struct send_queue *staging = send_queue_new();
	unsigned count = 0;

	(void)state;
	assert_non_null(staging);
	while (count == 0 || send_queue_ready(staging)) {
		struct response response = make(IN_SCRATCH, count++);

		send_queue_add(staging, &response, plain, true);
	}
	assert_int_equal(count, SEND_QUEUE_ITEMS_MAX);
	while (send_queue_take(staging))
		continue;
	send_queue_reset(staging);
	/* The last one of these has as many pieces as there can be. */
	for (count = 0; count == 0 || send_queue_ready(staging); count++) {
		struct response response =
			make(count < SEND_QUEUE_ITEMS_MAX - 1 ? IN_FILE_MEMORY : PIECES_IN_FILE_MEMORY, 0);

		send_queue_add(staging, &response, plain, true);
	}
	assert_int_equal(count, SEND_QUEUE_ITEMS_MAX);
	assert_int_equal(staging->count, SEND_QUEUE_ITEMS_ROOM);
	for (count = 0; send_queue_take(staging); count++)
		continue;
	assert_int_equal(count, SEND_QUEUE_ITEMS_MAX);
	send_queue_reset(staging);
	for (count = 0; count == 0 || send_queue_ready(staging); count++) {
		static char body[30000];
		struct response response = make(BARE_IN_SCRATCH, count);

		response.body = (struct slice){body, sizeof(body)};
		send_queue_add(staging, &response, plain, true);
	}
	assert_int_equal(count, 3);
	while (send_queue_take(staging))
		continue;
	send_queue_free(staging);
}

/* A stream that takes whatever it is given. */
static ssize_t take_pieces(struct stream *stream, const struct iovec *given, unsigned count, bool more)
{
	ssize_t size = 0;

	(void)stream, (void)more;
	for (unsigned i = 0; i < count; i++)
		size += (ssize_t)given[i].iov_len;
	return size;
}

static ssize_t take_file(struct stream *stream, int file, uint64_t offset, size_t size)
{
	(void)stream, (void)file, (void)offset;
	return (ssize_t)size;
}

static void one_turn_writes_as_much_as_the_stream_likes(void **state)
{
	const struct stream_io io = {.send = take_pieces, .send_file = take_file, .turn = 50000};
	struct stream stream = {.io = &io};
	struct send_queue *staging = send_queue_new();
	struct response response = make(LARGE_WHOLE, 0);
	unsigned turns = 1;
	uint64_t before = 0;

	(void)state;
	assert_non_null(staging);
	send_queue_add(staging, &response, plain, true);
	for (; send_queue_write(staging, &stream) == SEND_QUEUE_YIELDED; turns++) {
		assert_int_equal(staging->written - before, io.turn);
		before = staging->written;
	}
	assert_true(staging->written - before <= io.turn);
	assert_true(staging->written > LARGE);
	assert_int_equal(turns, LARGE / io.turn + 1);
	assert_non_null(send_queue_take_written(staging));
	send_queue_free(staging);
}

static void a_gone_reader_and_a_short_file_break_it(void **state)
{
	struct send_queue *staging = send_queue_new();
	struct response response = make(LARGE_WHOLE, 0);
	int pair[2];

	(void)state;
	assert_non_null(staging);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	response.file_offset = LARGE;
	send_queue_add(staging, &response, plain, true);
	assert_int_equal(send_queue_write(staging, &(struct stream){.io = &stream_plain, .fd = pair[1]}),
			 SEND_QUEUE_BROKEN);
	while (send_queue_take(staging))
		continue;
	send_queue_reset(staging);
	close(pair[0]);
	response = make(IN_SCRATCH, 0);
	send_queue_add(staging, &response, plain, true);
	assert_int_equal(send_queue_write(staging, &(struct stream){.io = &stream_plain, .fd = pair[1]}),
			 SEND_QUEUE_BROKEN);
	while (send_queue_take(staging))
		continue;
	send_queue_free(staging);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mixture_comes_out_whole),
		cmocka_unit_test(statuses_without_a_body_have_none),
		cmocka_unit_test(octets_of_bodies_are_counted),
		cmocka_unit_test(octets_of_an_abandoned_body_are_counted),
		cmocka_unit_test(no_more_is_staged_than_fits),
		cmocka_unit_test(one_turn_writes_as_much_as_the_stream_likes),
		cmocka_unit_test(a_gone_reader_and_a_short_file_break_it),
	};

	signal(SIGPIPE, SIG_IGN);
	large_fd = memfd_create("large", MFD_CLOEXEC);
	for (size_t i = 0; i < LARGE; i++) {
		char octet = octet_at(i);

		if (pwrite(large_fd, &octet, 1, (off_t)i) != 1)
			return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
