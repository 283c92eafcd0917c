/* SPDX-License-Identifier: MIT
 *
 * Request and answers (ctl_exchange.h). */
#include "ctl/ctl_exchange.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	CONNECT_LIMIT_MS = 10000,
	NEXT_LIMIT_MS = 5000, /* for the first words of an admin process that takes another one's place */
	NEXT_MAX = 16,        /* admins that die one after the other */
	READ_SIZE = 65536,
};

/* What is known so far. */
struct talk {
	const struct exchange *exchange;
	int fd; /* owned */
	struct buffer input;
	bool told;  /* progress */
	bool heard; /* anything at all, over this connection */
	unsigned connections;
	char *reason;
};

/* The shorter one of a limit (-1: none) and the time that is left. */
static int time_left(const struct exchange *exchange, int limit_ms)
{
	uint64_t now_ms = clock_now_ms(), left_ms;

	if (exchange->timeout_ms == 0)
		return limit_ms;
	left_ms = exchange->deadline_ms > now_ms ? exchange->deadline_ms - now_ms : 0;
	return limit_ms >= 0 && (uint64_t)limit_ms < left_ms ? limit_ms
	       : left_ms < INT32_MAX                         ? (int)left_ms
							     : INT32_MAX;
}

static bool is_over(const struct exchange *exchange)
{
	return time_left(exchange, -1) == 0;
}

int exchange_connect(const struct exchange *exchange)
{
	int limit_ms = time_left(exchange, CONNECT_LIMIT_MS), error, fd;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000};

	if (strlen(exchange->path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	if (limit_ms == 0)
		return -ETIME;
	memcpy(name.sun_path, exchange->path, strlen(exchange->path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Connecting waits, too, while the accept queue is full (unix(7)). */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0 &&
	    connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	error = errno == EAGAIN && is_over(exchange) ? ETIME : errno;
	fd_close(&fd);
	return -error;
}

/* Who listens, that is, the master; 0: it cannot be seen from here. */
static pid_t server_of(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

static int fail(const struct talk *talk, const char *words, const char *detail)
{
	snprintf(talk->reason, EXCHANGE_REASON_MAX, "%s%s", words, detail);
	return -1;
}

/* A refusal may be waiting to be read when sending fails, so that is no reason to give up. */
static int send_request(const struct talk *talk)
{
	struct buffer line = {0};
	size_t sent = 0;
	int error = control_encode_request(&line, talk->exchange->request);

	while (error == 0 && sent < line.used) {
		ssize_t size = send(talk->fd, line.data + sent, line.used - sent, MSG_NOSIGNAL);

		if (size < 0 && errno != EINTR)
			break;
		sent += size > 0 ? (size_t)size : 0;
	}
	buffer_free(&line);
	return error;
}

/* More of the answers. 1, 0 at the end, or -errno. */
static int receive(struct talk *talk)
{
	struct pollfd wait = {.fd = talk->fd, .events = POLLIN};
	bool is_next = talk->connections > 0 && !talk->heard;
	int ready = poll(&wait, 1, time_left(talk->exchange, is_next ? NEXT_LIMIT_MS : talk->exchange->limit_ms));
	struct buffer *input = &talk->input;
	ssize_t size;

	if (ready < 0 && errno == EINTR)
		return 1;
	if (ready <= 0)
		return ready < 0 ? -errno : -ETIMEDOUT;
	if (buffer_reserve(input, READ_SIZE) < 0)
		return -ENOMEM;
	size = recv(talk->fd, input->data + input->used, READ_SIZE, 0);
	if (size < 0)
		return errno == EINTR ? 1 : errno == ECONNRESET ? 0 : -errno;
	input->used += (size_t)size;
	talk->heard |= size > 0;
	return size > 0;
}

/* Handles the whole lines that are there. 1: outcome; 0: none yet; -1: nonsense. */
static int take_lines(struct talk *talk, struct control_answer *outcome)
{
	const struct exchange *exchange = talk->exchange;
	struct buffer *input = &talk->input;
	char why[CONTROL_REASON_MAX] = "no memory";
	const char *newline;

	while (input->used > 0 && (newline = memchr(input->data, '\n', input->used))) {
		size_t size = (size_t)(newline - input->data) + 1;

		if (control_decode_answer(input->data, size, outcome, why) < 0)
			return fail(talk, "the server's answer is not understood: ", why);
		buffer_consume(input, size);
		if (outcome->kind != CONTROL_PROGRESS)
			return 1;
		talk->told = true;
		exchange->progress(exchange->context, outcome);
		control_answer_free(outcome);
	}
	if (input->used > CONTROL_ANSWER_MAX)
		return fail(talk, "the server's answer is too long", "");
	return 0;
}

/* The connection has ended. Is the server there, and this its next admin process? */
static bool ask_next(struct talk *talk)
{
	pid_t server = server_of(talk->fd);
	int fd = server > 0 && talk->connections < NEXT_MAX ? exchange_connect(talk->exchange) : -1;

	if (fd < 0)
		return false;
	fd_close(&talk->fd);
	talk->fd = fd;
	talk->connections++;
	talk->heard = false;
	talk->input.used = 0; /* half an answer */
	return server_of(fd) == server && send_request(talk) == 0;
}

/* There is no outcome; `got`: what the last attempt to read came to. */
static int conclude(const struct talk *talk, int got, struct control_answer *outcome)
{
	const struct exchange *exchange = talk->exchange;
	bool is_silent = got == -ETIMEDOUT;
	char limit[32];

	text_format_duration(limit, sizeof(limit), exchange->timeout_ms);
	if (is_over(exchange) && (is_silent || got == 0)) {
		snprintf(talk->reason, EXCHANGE_REASON_MAX, "no outcome within %s: what was asked for goes on", limit);
		return -1;
	}
	if ((got == 0 || (is_silent && talk->connections > 0)) && talk->told && exchange->end_is_wished) {
		*outcome = (struct control_answer){.kind = CONTROL_OK};
		return 0;
	}
	if (got == 0 || (is_silent && talk->connections > 0 && !talk->heard))
		return fail(talk, "the connection has ended without an answer", "");
	if (is_silent)
		return fail(talk, "the server does not answer", "");
	return fail(talk, strerror(-got), "");
}

int exchange_run(int fd, const struct exchange *exchange, struct control_answer *outcome,
		 char reason[EXCHANGE_REASON_MAX])
{
	struct talk talk = {.exchange = exchange, .fd = fd, .reason = reason};
	int got = 1, done = send_request(&talk);

	if (done < 0)
		done = fail(&talk, strerror(-done), "");
	while (got > 0 && done == 0) {
		got = receive(&talk);
		done = take_lines(&talk, outcome);
		if (got == 0 && done == 0 && ask_next(&talk))
			got = 1;
	}
	if (done == 0)
		done = conclude(&talk, got, outcome);
	else if (done > 0)
		done = 0;
	buffer_free(&talk.input);
	fd_close(&talk.fd);
	return done;
}
