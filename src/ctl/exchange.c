/* SPDX-License-Identifier: MIT
 *
 * Request and answers (exchange.h). */
#include "ctl/exchange.h"

#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CONNECT_LIMIT_S = 10, READ_SIZE = 65536 };

int exchange_connect(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct timeval limit = {CONNECT_LIMIT_S, 0};
	int error, fd;

	if (strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Connecting waits, too, while the accept queue is full (unix(7)). */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
	    connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	error = errno;
	fd_close(&fd);
	return -error;
}

static int fail(char *reason, const char *words, const char *detail)
{
	snprintf(reason, EXCHANGE_REASON_MAX, "%s%s", words, detail);
	return -1;
}

/* A refusal may be waiting to be read when sending fails, so that is no reason to give up. */
static int send_request(int fd, const struct control_request *request)
{
	struct buffer line = {0};
	size_t sent = 0;
	int error = control_encode_request(&line, request);

	while (error == 0 && sent < line.used) {
		ssize_t size = send(fd, line.data + sent, line.used - sent, MSG_NOSIGNAL);

		if (size < 0 && errno != EINTR)
			break;
		sent += size > 0 ? (size_t)size : 0;
	}
	buffer_free(&line);
	return error;
}

/* More of the answers. 1, 0 at the end, or -errno. */
static int receive(int fd, struct buffer *input, int limit_ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	ssize_t size;
	int ready = poll(&wait, 1, limit_ms);

	if (ready < 0 && errno == EINTR)
		return 1;
	if (ready <= 0)
		return ready < 0 ? -errno : -ETIMEDOUT;
	if (buffer_reserve(input, READ_SIZE) < 0)
		return -ENOMEM;
	size = recv(fd, input->data + input->used, READ_SIZE, 0);
	if (size < 0)
		return errno == EINTR ? 1 : errno == ECONNRESET ? 0 : -errno;
	input->used += (size_t)size;
	return size > 0;
}

/* Handles the whole lines that are there. 1: outcome; 0: none yet; -1: nonsense. */
static int take_lines(const struct exchange *exchange, struct buffer *input, bool *told,
		      struct control_answer *outcome, char *reason)
{
	char why[CONTROL_REASON_MAX] = "no memory";
	const char *newline;

	while (input->used > 0 && (newline = memchr(input->data, '\n', input->used))) {
		size_t size = (size_t)(newline - input->data) + 1;

		if (control_decode_answer(input->data, size, outcome, why) < 0)
			return fail(reason, "the server's answer is not understood: ", why);
		buffer_consume(input, size);
		if (outcome->kind != CONTROL_PROGRESS)
			return 1;
		*told = true;
		exchange->progress(exchange->context, outcome);
		control_answer_free(outcome);
	}
	if (input->used > CONTROL_ANSWER_MAX)
		return fail(reason, "the server's answer is too long", "");
	return 0;
}

int exchange_run(int fd, const struct exchange *exchange, struct control_answer *outcome,
		 char reason[EXCHANGE_REASON_MAX])
{
	struct buffer input = {0};
	bool told = false;
	int got = 1, done = send_request(fd, exchange->request);

	if (done < 0)
		return fail(reason, strerror(-done), "");
	while (got > 0 && done == 0) {
		got = receive(fd, &input, exchange->limit_ms);
		done = take_lines(exchange, &input, &told, outcome, reason);
	}
	buffer_free(&input);
	if (done != 0)
		return done > 0 ? 0 : -1;
	if (got == 0 && told && exchange->end_is_wished) {
		*outcome = (struct control_answer){.kind = CONTROL_OK};
		return 0;
	}
	if (got == 0)
		return fail(reason, "the connection has ended without an answer", "");
	if (got == -ETIMEDOUT)
		return fail(reason, "the server does not answer", "");
	return fail(reason, strerror(-got), "");
}
