/* SPDX-License-Identifier: MIT
 *
 * Channels: whole frames, descriptors with their frames, the end after the last frame. */
#include "brood/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct end {
	struct brood_channel *channel;
	struct brood_channel *feeder; /* through which each frame has another one sent */
	unsigned frames, fds, closed;
	unsigned inheritable; /* of the descriptors that came */
	int error;
	bool lost, free_in_callback, ordered;
	uint32_t last_type;
	ino_t inodes[BROOD_CHANNEL_FDS_MAX];
	size_t last_size;
	char last[BROOD_CHANNEL_SIZE_MAX];
};

static void on_frame(void *context, struct brood_frame *frame)
{
	struct end *end = context;
	struct stat status;

	end->ordered = end->ordered && (end->frames == 0 || frame->type == end->last_type + 1);
	end->frames++;
	end->last_type = frame->type;
	end->last_size = frame->size;
	end->lost = frame->fds_lost;
	memcpy(end->last, frame->data, frame->size);
	for (size_t i = 0; i < frame->fd_count; i++) {
		end->inheritable += !(fcntl(frame->fds[i], F_GETFD) & FD_CLOEXEC);
		end->inodes[end->fds++ % BROOD_CHANNEL_FDS_MAX] =
			fstat(frame->fds[i], &status) == 0 ? status.st_ino : 0;
	}
	if (end->feeder)
		assert_int_equal(brood_channel_try(end->feeder, &(struct brood_frame){.type = 1}), 0);
	if (end->free_in_callback) {
		brood_channel_free(end->channel);
		end->channel = NULL;
	}
}

static void on_closed(void *context, int error)
{
	struct end *end = context;

	end->closed++;
	end->error = error;
}

static const struct brood_channel_handlers handlers = {.frame = on_frame, .closed = on_closed};

static struct event_base *base;
static struct end near_end, far_end;
static int open_before, inheritable_before;

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* What a program that is executed would have. */
static int count_inheritable(void)
{
	int count = 0, flags;

	for (int fd = 0; fd < 1024; fd++) {
		flags = fcntl(fd, F_GETFD);
		count += flags >= 0 && !(flags & FD_CLOEXEC);
	}
	return count;
}

static int open_pair(void **state)
{
	int ends[2];

	(void)state;
	open_before = count_open();
	inheritable_before = count_inheritable();
	base = event_base_new();
	memset(&near_end, 0, sizeof(near_end));
	memset(&far_end, 0, sizeof(far_end));
	near_end.ordered = far_end.ordered = true;
	return brood_channel_pair(ends) || brood_channel_open(&near_end.channel, base, ends[0], &handlers, &near_end) ||
	       brood_channel_open(&far_end.channel, base, ends[1], &handlers, &far_end);
}

static int close_pair(void **state)
{
	(void)state;
	brood_channel_free(near_end.channel);
	brood_channel_free(far_end.channel);
	event_base_free(base);
	return count_open() == open_before ? 0 : -1; /* nothing leaks, whatever the test did */
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void a_frame_arrives_whole_with_its_type(void **state)
{
	char data[BROOD_CHANNEL_SIZE_MAX];
	struct brood_frame frame = {.type = 77, .data = data, .size = sizeof(data)};

	(void)state;
	memset(data, 'x', sizeof(data));
	data[0] = 'a';
	data[sizeof(data) - 1] = 'z';
	assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
	frame.size = 0;
	frame.type = 78;
	assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
	brood_channel_drain(far_end.channel);
	assert_int_equal(far_end.frames, 2);
	assert_true(far_end.ordered);
	assert_int_equal(far_end.last_size, 0);
	assert_int_equal(far_end.last[0], 'a');
	assert_int_equal(far_end.last[sizeof(data) - 1], 'z');
	frame.size = BROOD_CHANNEL_SIZE_MAX + 1;
	assert_int_equal(brood_channel_try(near_end.channel, &frame), -EMSGSIZE);
}

static void descriptors_come_with_their_frame(void **state)
{
	int fds[BROOD_CHANNEL_FDS_MAX];
	struct brood_frame frame = {.type = 1, .fds = fds, .fd_count = BROOD_CHANNEL_FDS_MAX};
	struct stat status;

	(void)state;
	for (int i = 0; i < BROOD_CHANNEL_FDS_MAX; i++)
		fds[i] = i % 2 ? STDERR_FILENO : brood_channel_fd(near_end.channel);
	assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
	turn();
	assert_int_equal(far_end.fds, BROOD_CHANNEL_FDS_MAX);
	for (int i = 0; i < BROOD_CHANNEL_FDS_MAX; i++) {
		fstat(fds[i], &status);
		assert_int_equal(far_end.inodes[i], status.st_ino);
	}
}

static void lost_descriptors_are_told(void **state)
{
	struct rlimit old, tight;
	int fds[4] = {STDERR_FILENO, STDERR_FILENO, STDERR_FILENO, STDERR_FILENO};
	struct brood_frame frame = {.type = 1, .fds = fds, .fd_count = 4};

	(void)state;
	assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
	getrlimit(RLIMIT_NOFILE, &old);
	tight = old;
	tight.rlim_cur = 0;
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			tight.rlim_cur = (rlim_t)fd + 1;
	/* Two more fit: fill the holes below first. */
	int holes[1024], count = 0;
	while ((holes[count] = dup(STDERR_FILENO)) >= 0 && holes[count] < (int)tight.rlim_cur)
		count++;
	close(holes[count]);
	tight.rlim_cur += 2;
	setrlimit(RLIMIT_NOFILE, &tight);
	brood_channel_drain(far_end.channel);
	setrlimit(RLIMIT_NOFILE, &old);
	while (count > 0)
		close(holes[--count]);
	assert_int_equal(far_end.frames, 1);
	assert_true(far_end.lost);
	assert_int_equal(far_end.fds, 2);
}

static void a_full_peer_gets_queued_frames_later_and_in_order(void **state)
{
	char data[16384] = {0};
	struct brood_frame frame = {.type = 1, .data = data, .size = sizeof(data)};
	int fd = STDERR_FILENO;
	unsigned sent = 0;

	(void)state;
	while (brood_channel_try(near_end.channel, &frame) == 0)
		frame.type++, sent++;
	assert_true(sent > 1);
	for (int i = 0; i < 10; i++) {
		frame.fds = &fd;
		frame.fd_count = 1;
		assert_int_equal(brood_channel_send(near_end.channel, &frame), 0);
		frame.type++, sent++;
	}
	/* What must go now may not overtake what waits. */
	assert_int_equal(brood_channel_try(near_end.channel, &frame), -EAGAIN);
	for (int i = 0; i < 1000 && far_end.frames < sent; i++)
		turn();
	assert_int_equal(far_end.frames, sent);
	assert_int_equal(far_end.fds, 10);
	assert_true(far_end.ordered);
	assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
}

/* Be it a channel's end, a copy that waits for the peer, or what has come. */
static void no_descriptor_outlives_an_exec(void **state)
{
	char data[16384] = {0};
	int fd = STDERR_FILENO;
	struct brood_frame frame = {.type = 1, .data = data, .size = sizeof(data), .fds = &fd, .fd_count = 1};

	(void)state;
	assert_int_equal(count_inheritable(), inheritable_before);
	for (; !brood_channel_is_full(near_end.channel); frame.type++)
		assert_int_equal(brood_channel_send(near_end.channel, &frame), 0);
	assert_int_equal(count_inheritable(), inheritable_before);
	for (int i = 0; i < 1000 && far_end.frames < frame.type - 1; i++)
		turn();
	assert_int_equal(far_end.frames, frame.type - 1);
	assert_int_equal(far_end.fds, far_end.frames);
	assert_int_equal(far_end.inheritable, 0);
}

static void the_queue_is_bounded(void **state)
{
	char data[16384] = {0};
	struct brood_frame frame = {.type = 1, .data = data, .size = sizeof(data)};
	int error = 0, sent;

	(void)state;
	for (sent = 0; sent < 10000 && error == 0; sent++)
		error = brood_channel_send(near_end.channel, &frame);
	assert_int_equal(error, -ENOBUFS);
	assert_true(sent > BROOD_CHANNEL_QUEUE_MAX);
}

static void the_end_is_told_once_after_the_last_frame(void **state)
{
	struct brood_frame frame = {.type = 1, .data = "last words", .size = 10};

	(void)state;
	/* The peer dies with something of ours unread, which the kernel reports as a reset. */
	assert_int_equal(brood_channel_try(far_end.channel, &frame), 0);
	for (int i = 0; i < 3; i++, frame.type++)
		assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
	brood_channel_free(near_end.channel);
	near_end.channel = NULL;
	assert_true(brood_channel_drain(far_end.channel));
	assert_int_equal(far_end.frames, 3);
	assert_int_equal(far_end.closed, 1);
	assert_true(brood_channel_drain(far_end.channel));
	assert_int_equal(far_end.closed, 1);
	assert_int_equal(brood_channel_try(far_end.channel, &frame), -EPIPE);
}

static void a_callback_may_free_the_channel(void **state)
{
	struct brood_frame frame = {.type = 1};

	(void)state;
	assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
	assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
	far_end.free_in_callback = true;
	brood_channel_drain(far_end.channel);
	assert_int_equal(far_end.frames, 1);
	assert_null(far_end.channel);
}

static void garbage_ends_the_channel(void **state)
{
	(void)state;
	assert_int_equal(send(brood_channel_fd(near_end.channel), "12345678too much", 16, 0), 16);
	assert_true(brood_channel_drain(far_end.channel));
	assert_int_equal(far_end.closed, 1);
	assert_int_equal(far_end.error, -EPROTO);
	assert_int_equal(far_end.frames, 0);
}

/* A peer that means harm: nothing of ours is used up by what it sends. */
static void send_with_descriptors(const void *data, size_t size)
{
	union {
		char space[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.space,
				 .msg_controllen = sizeof(control.space)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fds[2] = {STDERR_FILENO, STDERR_FILENO};

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	assert_int_equal(sendmsg(brood_channel_fd(near_end.channel), &message, 0), size);
}

static void descriptors_without_a_frame_are_closed(void **state)
{
	(void)state;
	send_with_descriptors(NULL, 0);
	assert_true(brood_channel_drain(far_end.channel));
	assert_int_equal(far_end.closed, 1);
	assert_int_equal(far_end.error, -EPROTO);
	assert_int_equal(far_end.frames, 0);
	/* close_pair counts what is open */
}

static void descriptors_of_garbage_are_closed(void **state)
{
	(void)state;
	send_with_descriptors("12345678too much", 16);
	assert_true(brood_channel_drain(far_end.channel));
	assert_int_equal(far_end.error, -EPROTO);
	assert_int_equal(far_end.frames, 0);
	/* close_pair counts what is open */
}

/* As a child of the dead child may: it has inherited the channel's other end. */
static void draining_ends_also_when_somebody_goes_on_sending(void **state)
{
	struct brood_frame frame = {.type = 1};

	(void)state;
	far_end.feeder = near_end.channel;
	assert_int_equal(brood_channel_try(near_end.channel, &frame), 0);
	assert_false(brood_channel_drain(far_end.channel));
	assert_in_range(far_end.frames, 1000, 100000);
}

static void only_its_kind_of_socket_is_taken(void **state)
{
	struct brood_channel *channel;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(brood_channel_open(&channel, base, ends[0], &handlers, NULL), -EINVAL);
	close(ends[1]); /* the other one was taken, and closed */
}

static unsigned discarded;

static void on_discard(void *context, int fd)
{
	(void)context;
	discarded++;
	close(fd);
}

/* What came and was not taken, copies for a peer that is full, the channel's own end. */
static void who_must_not_close_is_left_all_descriptors(void **state)
{
	static const struct brood_channel_handlers careful = {
		.frame = on_frame, .closed = on_closed, .discard = on_discard};
	struct end careful_end = {.ordered = true}, plain_end = {.ordered = true};
	struct brood_channel *careful_channel, *plain_channel;
	int ends[2], fds[2] = {STDERR_FILENO, STDERR_FILENO};
	struct brood_frame frame = {.type = 1, .fds = fds, .fd_count = 2};

	(void)state;
	discarded = 0;
	assert_int_equal(brood_channel_pair(ends), 0);
	assert_int_equal(brood_channel_open(&careful_channel, base, ends[0], &careful, &careful_end), 0);
	assert_int_equal(brood_channel_open(&plain_channel, base, ends[1], &handlers, &plain_end), 0);
	assert_int_equal(brood_channel_send(plain_channel, &frame), 0);
	brood_channel_drain(careful_channel);
	assert_int_equal(careful_end.frames, 1);
	assert_int_equal(discarded, 2);
	while (!brood_channel_is_full(careful_channel))
		assert_int_equal(brood_channel_send(careful_channel, &frame), 0);
	brood_channel_free(careful_channel);
	assert_int_equal(discarded, 2 + 2 + 1);
	brood_channel_free(plain_channel);
}

static void a_descriptor_that_cannot_be_sent_is_found_out(void **state)
{
	(void)state;
	assert_int_equal(brood_channel_can_carry(STDERR_FILENO), 0);
	assert_int_equal(brood_channel_can_carry(100000), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
		TEST(a_frame_arrives_whole_with_its_type),
		TEST(descriptors_come_with_their_frame),
		TEST(lost_descriptors_are_told),
		TEST(a_full_peer_gets_queued_frames_later_and_in_order),
		TEST(no_descriptor_outlives_an_exec),
		TEST(the_queue_is_bounded),
		TEST(the_end_is_told_once_after_the_last_frame),
		TEST(a_callback_may_free_the_channel),
		TEST(garbage_ends_the_channel),
		TEST(descriptors_without_a_frame_are_closed),
		TEST(descriptors_of_garbage_are_closed),
		TEST(draining_ends_also_when_somebody_goes_on_sending),
		TEST(only_its_kind_of_socket_is_taken),
		TEST(who_must_not_close_is_left_all_descriptors),
		TEST(a_descriptor_that_cannot_be_sent_is_found_out),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
