/* SPDX-License-Identifier: MIT
 *
 * What a worker does with connections that it is given, in which order: the master, here the other end of its
 * channel, hears that they are taken when the program expects them, and before it has them. */
#include "cluster/worker/worker_self.h"

#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int master; /* its end of the channel */
static char done[256];

/* What happens, with a "!" when the master has been told of anything by then. */
static void note(const char *what, const void *text, size_t size)
{
	char octet;
	bool told = recv(master, &octet, sizeof(octet), MSG_PEEK | MSG_DONTWAIT) >= 0;
	size_t used = strlen(done);

	snprintf(done + used, sizeof(done) - used, "%s%s%.*s ", told ? "!" : "", what, (int)size, (const char *)text);
}

static void connection(void *context, int fd, unsigned listener, unsigned flags)
{
	(void)context, (void)listener, (void)flags;
	note("new", "", 0);
	close(fd);
}

static int moved(void *context, int fd, unsigned listener, const void *state, size_t size)
{
	(void)context, (void)listener;
	note("moved:", state, size);
	if (memcmp(state, "broken", size) == 0)
		return -ENOMEM;
	close(fd);
	return 0;
}

static bool understands(void *context, const void *state, size_t size)
{
	(void)context;
	return memcmp(state, "foreign", size) != 0;
}

static void expect(void *context, const void *state, size_t size)
{
	(void)context;
	note("expect:", state, size);
}

/* There are always idle ones. */
static bool free_descriptor(void *context)
{
	(void)context;
	note("free", "", 0);
	return true;
}

static const struct cluster_program program = {.worker = {.connection = connection,
							  .moved = moved,
							  .understands = understands,
							  .expect = expect,
							  .free_descriptor = free_descriptor}};

static void ignore_frame(void *context, struct brood_frame *frame)
{
	(void)context, (void)frame;
}

static void ignore_end(void *context, int error)
{
	(void)context, (void)error;
}

static const struct brood_channel_handlers handlers = {.frame = ignore_frame, .closed = ignore_end};

/* A frame with a connection for each of these states, "" being a new one. For the last ones there were no descriptors.
 */
static void give_but(struct worker *worker, const char *const *states, unsigned count, unsigned lost)
{
	struct message_connections message = {.count = count};
	size_t size = offsetof(struct message_connections, each) + count * sizeof(message.each[0]);
	char octets[1024];
	int fds[MESSAGE_BATCH];
	struct brood_frame frame = {.type = MESSAGE_CONNECTIONS, .data = octets, .fds = fds, .fd_count = count - lost};

	for (unsigned i = 0; i < count; i++) {
		message.each[i].id = i + 1;
		message.each[i].state_size = (uint32_t)strlen(states[i]);
		memcpy(octets + size, states[i], strlen(states[i]));
		size += strlen(states[i]);
		fds[i] = i < count - lost ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
	}
	memcpy(octets, &message, offsetof(struct message_connections, each) + count * sizeof(message.each[0]));
	frame.size = size;
	worker_take_frame(worker, &frame);
	for (unsigned i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void give(struct worker *worker, const char *const *states, unsigned count)
{
	give_but(worker, states, count, 0);
}

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void open_worker(struct worker *worker)
{
	int ends[2];

	worker->base = event_base_new();
	assert_int_equal(brood_channel_pair(ends), 0);
	master = ends[1];
	assert_int_equal(brood_channel_open(&worker->channel, worker->base, ends[0], &handlers, worker), 0);
}

static void close_worker(struct worker *worker)
{
	brood_channel_free(worker->channel);
	event_base_free(worker->base);
	close(master);
}

static void they_are_expected_then_told_to_be_taken_then_here(void **state)
{
	static const char *const states[] = {"one", "foreign", "", "broken", "two"};
	struct board_record record = {0};
	struct worker worker = {.program = &program, .phase = WORKER_SERVING, .record = &record, .max_connections = 10};
	int open_before;

	(void)state;
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	open_worker(&worker);
	open_before = count_open();
	give(&worker, states, 5);
	assert_int_equal(count_open(), open_before); /* none is left of those that have been dealt with */
	assert_string_equal(done, "expect:one expect:broken expect:two "
				  "!moved:one !new !moved:broken !moved:two ");
	assert_int_equal(record.taken, 4);
	close_worker(&worker);
}

/* Nothing is asked of a program that has no functions, and no connection stays open or counted. */
static void a_program_may_have_no_functions(void **state)
{
	static const struct cluster_program nothing;
	static const char *const states[] = {"state", ""};
	static struct cluster_options options;
	struct birth *birth = calloc(1, sizeof(*birth));
	struct board_record record = {0};
	struct worker worker = {
		.program = &nothing, .birth = birth, .phase = WORKER_SERVING, .record = &record, .max_connections = 1};
	struct message_broadcast news = {.kind = 1};
	struct brood_frame frames[] = {{.type = MESSAGE_LEAVING},
				       {.type = MESSAGE_BROADCAST, .data = &news, .size = sizeof(news)},
				       {.type = MESSAGE_DRAIN},
				       {.type = MESSAGE_STOP},
				       {.type = MESSAGE_ABORT}};
	int open_before;

	(void)state;
	birth->options = &options;
	open_worker(&worker);
	assert_int_equal(worker_prepare_end(&worker), 0);
	open_before = count_open();
	give(&worker, states, 2);
	assert_int_equal(record.taken, 1);
	assert_int_equal(record.closed, 1);
	worker.connections = 1;
	worker_give(&worker, open("/dev/null", O_RDONLY | O_CLOEXEC), 1, "state", 5);
	assert_int_equal(worker.connections, 0);
	assert_int_equal(count_open(), open_before);
	for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		worker_channel_handlers.frame(&worker, &frames[i]);
	assert_int_equal(worker.phase, WORKER_STOPPING);
	assert_int_equal(worker.exit_code, CLUSTER_EXIT_DONE);
	event_free(worker.deadline);
	close_worker(&worker);
	free(birth);
}

static void those_without_descriptors_push_out_idle_ones_only_if_they_are_new(void **state)
{
	static const char *const states[] = {"one", "", "two"};
	static const char *const moving[] = {"one", "two", "three"};
	struct board_record record = {0};
	struct worker worker = {.program = &program, .phase = WORKER_SERVING, .record = &record, .max_connections = 10};
	size_t frees = 0;

	(void)state;
	open_worker(&worker);
	done[0] = '\0';
	give_but(&worker, moving, 3, 2);
	assert_string_equal(done, "expect:one !moved:one ");
	close_worker(&worker);

	open_worker(&worker);
	done[0] = '\0';
	give_but(&worker, states, 3, 2);
	for (const char *at = done; (at = strstr(at, "free")); at++)
		frees++;
	assert_int_equal(frees, 1 + 8);
	assert_non_null(strstr(done, "free !moved:one "));
	close_worker(&worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_expected_then_told_to_be_taken_then_here),
		cmocka_unit_test(those_without_descriptors_push_out_idle_ones_only_if_they_are_new),
		cmocka_unit_test(a_program_may_have_no_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
