/* SPDX-License-Identifier: MIT
 *
 * A client connection (prove_client.h). */
#include "prove/prove_client.h"

#include "base/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void on_readable(evutil_socket_t fd, short what, void *argument);
static void on_connected(evutil_socket_t fd, short what, void *argument);

void client_init(struct client *client, struct client_group *group)
{
	memset(client, 0, sizeof(*client));
	client->group = group;
	client->fd = -1;
}

void client_close(struct client *client)
{
	if (client->state == CLIENT_CLOSED)
		return;
	event_del(&client->event);
	fd_close(&client->fd);
	client->state = CLIENT_CLOSED;
}

void client_give_up(struct client *client, enum counts_end how)
{
	bool outstanding = client->state == CLIENT_WAITING;

	client_close(client);
	client->group->events->ended(client->group->context, client, how, outstanding);
}

static void refuse(struct client *client, int error)
{
	client_close(client);
	client->group->events->refused(client->group->context, client, error);
}

/* Watches the socket for `what`. Without memory the connection is given up: 0 or -ENOMEM. */
static int watch(struct client *client, short what, event_callback_fn callback)
{
	struct event_base *base = client->group->base;

	if (event_assign(&client->event, base, client->fd, what, callback, client) == 0 &&
	    event_add(&client->event, NULL) == 0)
		return 0;
	fd_close(&client->fd);
	client->state = CLIENT_CLOSED;
	return -ENOMEM;
}

/* Takes a connected, non-blocking socket, which it owns from then on, even on failure. As client_open. */
static int client_take(struct client *client, int fd)
{
	int error;

	client->fd = fd;
	client->worker = (struct answer_worker){0};
	error = watch(client, EV_READ | EV_PERSIST, on_readable);
	if (error)
		return error;
	client->state = CLIENT_IDLE;
	client->group->events->opened(client->group->context, client);
	return 0;
}

int client_open(struct client *client)
{
	const struct client_group *group = client->group;
	int fd = socket(group->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&group->address, group->address_size) == 0)
		return client_take(client, fd);
	error = errno;
	if (error != EINPROGRESS) {
		fd_close(&fd);
		if (error != ECONNREFUSED && error != ECONNRESET)
			return -error;
		group->events->refused(group->context, client, error);
		return 0;
	}
	client->fd = fd;
	client->state = CLIENT_CONNECTING;
	return watch(client, EV_WRITE, on_connected);
}

static void on_connected(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;
	int error = 0;
	socklen_t size = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error) {
		refuse(client, error);
		return;
	}
	error = client_take(client, client->fd);
	if (error)
		refuse(client, -error);
}

void client_ask(struct client *client, const struct site_file *file)
{
	char request[256];
	int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", file->target,
			    client->group->host, client->closes ? "Connection: close\r\n" : "");

	answer_expect(&client->answer, file->content, file->size);
	client->state = CLIENT_WAITING;
	/* So little fits into the empty buffer of a socket whose last request was answered; if it
	 * does not, the other end is gone. */
	if (send(client->fd, request, (size_t)size, MSG_NOSIGNAL) != size)
		client_give_up(client, COUNTS_RESET);
}

static void finish_answer(struct client *client)
{
	const struct client_events *events = client->group->events;

	client->state = CLIENT_IDLE;
	client->worker = client->answer.worker;
	events->answered(client->group->context, client);
	if (client->state == CLIENT_IDLE && client->answer.says_close)
		client_give_up(client, COUNTS_ANNOUNCED);
}

static void take_octets(struct client *client, size_t size)
{
	const char *buffer = client->group->buffer;
	enum answer_step step;
	size_t used;

	if (client->state != CLIENT_WAITING) {
		client->problem = "octets that nobody asked for";
		client_give_up(client, COUNTS_WRONG);
		return;
	}
	step = answer_take(&client->answer, buffer, size, &used);
	if (step == ANSWER_DONE && used < size) {
		client->answer.problem = "octets behind the answer";
		step = ANSWER_WRONG;
	}
	if (step == ANSWER_WRONG) {
		client->problem = client->answer.problem;
		client_give_up(client, COUNTS_WRONG);
	} else if (step == ANSWER_DONE) {
		finish_answer(client);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct client *client = argument;
	ssize_t got = recv(fd, client->group->buffer, CLIENT_BUFFER, 0);

	(void)what;
	if (got > 0)
		take_octets(client, (size_t)got);
	else if (got == 0)
		client_give_up(client, COUNTS_CLOSED);
	else if (errno != EAGAIN && errno != EINTR)
		client_give_up(client, COUNTS_RESET);
}
