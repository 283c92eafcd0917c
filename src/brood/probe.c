/* SPDX-License-Identifier: MIT
 *
 * A worker's self-test (probe.h). Worker only. */
#include "brood/probe.h"

#include "base/fd.h"
#include "http/http.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, STATUS_LINE = 12 /* "HTTP/1.1 200" */ };

struct probe {
	int fd;
	struct event *readable;
	void (*done)(void *context, int status);
	void *context;
	char answer[STATUS_LINE + 1];
	size_t size;
};

static void finish(struct probe *probe, int status)
{
	void (*done)(void *context, int status) = probe->done;
	void *context = probe->context;

	if (probe->readable)
		event_free(probe->readable);
	fd_close(&probe->fd);
	free(probe);
	if (done)
		done(context, status);
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
	struct probe *probe = argument;
	unsigned status;
	ssize_t got = recv(fd, probe->answer + probe->size, STATUS_LINE - probe->size, MSG_DONTWAIT);

	(void)what;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		finish(probe, got < 0 ? -errno : -ECONNRESET);
		return;
	}
	probe->size += (size_t)got;
	if (probe->size < STATUS_LINE)
		return;
	if (sscanf(probe->answer, "HTTP/1.%*1u %3u", &status) != 1)
		finish(probe, -EPROTO);
	else
		finish(probe, (int)status);
}

static int send_request(int fd, const char *path)
{
	char request[REQUEST_MAX];
	/* An empty Host is the default site's, whatever names there are. */
	int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", path);

	if (size < 0 || (size_t)size >= sizeof(request))
		return -ENAMETOOLONG;
	return send(fd, request, (size_t)size, MSG_NOSIGNAL) == size ? 0 : -EIO;
}

int probe_start(struct event_base *base, struct http_server *server, const char *path,
		void (*done)(void *context, int status), void *context)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int ends[2], error;

	if (!probe)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
		error = -errno;
		free(probe);
		return error;
	}
	probe->fd = ends[0];
	probe->context = context;
	error = send_request(probe->fd, path);
	probe->readable = event_new(base, probe->fd, EV_READ | EV_PERSIST, on_readable, probe);
	if (!error && (!probe->readable || event_add(probe->readable, NULL) < 0))
		error = -ENOMEM;
	if (error) {
		fd_close(&ends[1]);
		finish(probe, error);
		return error;
	}
	probe->done = done;
	http_server_take(server, ends[1], HTTP_TAKE_PROBE | HTTP_TAKE_WAITING);
	return 0;
}
