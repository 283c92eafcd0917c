/* SPDX-License-Identifier: MIT
 *
 * The kernel's floor: what a request costs when the server does nothing but the system calls that no
 * server can avoid. Prefork workers on one listening socket answer whatever arrives with one send of
 * a canned response. It parses nothing, so it is of use for measuring only (bench/run).
 *
 *     keep-alive       epoll_wait, recv, send
 *     close            accept4, epoll_ctl, epoll_wait, recv, send, close
 *     close --at-once  accept4, recv, send, close, with TCP_DEFER_ACCEPT so that the request is there */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS_MAX = 64, EVENTS_MAX = 256, ACCEPTS_PER_TURN = 64, SIZE_MAX_OCTETS = 65536 };

struct floor {
	int listen_fd, epoll_fd;
	bool close_each; /* a connection carries one request */
	bool at_once;    /* read a new connection before registering it */
	char *response;
	size_t response_size;
};

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The fields are those of a static file server's answer, so that as many octets are sent. */
static void build_response(struct floor *floor, size_t body_size)
{
	char head[512];
	int head_size = snprintf(head, sizeof(head),
				 "HTTP/1.1 200 OK\r\n"
				 "Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
				 "Server: floor\r\n"
				 "Content-Type: text/plain; charset=utf-8\r\n"
				 "Content-Length: %zu\r\n"
				 "Last-Modified: Sat, 21 Nov 2026 09:00:00 GMT\r\n"
				 "ETag: \"400-18a2b3c4d5e6f708\"\r\n"
				 "Accept-Ranges: bytes\r\n"
				 "%s\r\n",
				 body_size, floor->close_each ? "Connection: close\r\n" : "");

	floor->response_size = (size_t)head_size + body_size;
	floor->response = malloc(floor->response_size);
	if (!floor->response)
		die("malloc");
	memcpy(floor->response, head, (size_t)head_size);
	memset(floor->response + head_size, 'x', body_size);
}

static int listen_on_loopback(bool defer_accept, unsigned *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
	socklen_t size = sizeof(address);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("bind");
	/* Inherited by accepted sockets: a slow acknowledgement must not hold back the next answer. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (defer_accept)
		setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof(on));
	if (listen(fd, 4096) < 0)
		die("listen");
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		die("getsockname");
	*port = ntohs(address.sin_port);
	return fd;
}

/* One recv, one send. False: the connection has ended and is closed. A short send is taken for an end:
 * the response fits a socket buffer, so it means that the peer has stopped reading. */
static bool answer(struct floor *floor, int fd)
{
	char request[16384];
	ssize_t got = recv(fd, request, sizeof(request), 0);

	if (got < 0 && errno == EAGAIN)
		return true;
	if (got > 0 && send(fd, floor->response, floor->response_size, MSG_NOSIGNAL) == (ssize_t)floor->response_size &&
	    !floor->close_each)
		return true;
	close(fd);
	return false;
}

static void add(struct floor *floor, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(floor->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

static void accept_some(struct floor *floor)
{
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(floor->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (!floor->at_once || answer(floor, fd))
			add(floor, fd);
	}
}

static void work(struct floor *floor)
{
	struct epoll_event events[EVENTS_MAX];

	floor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (floor->epoll_fd < 0)
		die("epoll_create1");
	add(floor, floor->listen_fd);
	for (;;) {
		int count = epoll_wait(floor->epoll_fd, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == floor->listen_fd)
				accept_some(floor);
			else
				answer(floor, events[i].data.fd);
		}
	}
}

static void usage(void)
{
	fputs("usage: floor [--port N] [--workers N] [--size OCTETS] [--close [--at-once]]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'}, {"workers", required_argument, NULL, 'w'},
		{"size", required_argument, NULL, 's'}, {"close", no_argument, NULL, 'c'},
		{"at-once", no_argument, NULL, 'a'},    {NULL, 0, NULL, 0},
	};
	struct floor floor = {.listen_fd = -1};
	unsigned port = 0, workers = 2;
	size_t size = 1024;
	pid_t master = getpid();
	int option;

	while ((option = getopt_long(argc, argv, "p:w:s:ca", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			workers = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			size = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			floor.close_each = true;
			break;
		case 'a':
			floor.at_once = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || !workers || workers > WORKERS_MAX || port > 65535 || size > SIZE_MAX_OCTETS ||
	    (floor.at_once && !floor.close_each))
		usage();
	build_response(&floor, size);
	floor.listen_fd = listen_on_loopback(floor.at_once, &port);
	for (unsigned i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != master)
				_exit(1);
			work(&floor);
		}
	}
	printf("floor: ready on http://127.0.0.1:%u\n", port);
	fflush(stdout);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 1;
}
