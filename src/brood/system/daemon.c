/* SPDX-License-Identifier: MIT
 *
 * Daemon mode. Besides src/proc the only place that forks and waits: all of it happens, and ends,
 * before the server has its first child. */
#include "brood/system/daemon.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_FAILED = 1 };

/* The child's exit status; a death by signal is told and counts as a failure. */
static int wait_for(pid_t pid)
{
	char name[SIGNALS_NAME_MAX];
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return STATUS_FAILED;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "brood: the server was ended by %s before it was ready\n",
		signals_name(WTERMSIG(status), name));
	return STATUS_FAILED;
}

/* Both ends of the two pipes between guardian and server. */
struct link {
	int ready[2], errors[2];
};

static void close_end(struct link *link, int end)
{
	fd_close(&link->ready[end]);
	fd_close(&link->errors[end]);
}

static int open_link(struct link *link)
{
	int rc;

	*link = (struct link){{-1, -1}, {-1, -1}};
	if (pipe2(link->ready, O_CLOEXEC) == 0 && pipe2(link->errors, O_CLOEXEC) == 0)
		return 0;
	rc = -errno;
	close_end(link, 0);
	close_end(link, 1);
	return rc;
}

/* True: there may be more. */
static bool copy_errors(int from)
{
	char text[4096];
	ssize_t got = read(from, text, sizeof(text));

	if (got <= 0)
		return got < 0 && errno == EINTR;
	(void)!write(STDERR_FILENO, text, (size_t)got);
	return true;
}

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	return poll(&one, 1, timeout_ms) > 0;
}

/* One octet means ready. Without it the end of that pipe means that the server has gone, and then
 * its status is what counts. The other pipe may never end: workers have it too. What they and the
 * server have said so far is in it by then. */
static int guard(pid_t server, const struct link *link)
{
	struct pollfd both[] = {{.fd = link->errors[0], .events = POLLIN}, {.fd = link->ready[0], .events = POLLIN}};
	char octet;
	int status = 0;

	while (poll(both, 2, -1) < 0 || both[1].revents == 0)
		if (both[0].revents != 0 && !copy_errors(both[0].fd))
			both[0].fd = -1;
	if (read(link->ready[0], &octet, 1) != 1)
		status = wait_for(server);
	while (is_readable(link->errors[0], 0) && copy_errors(link->errors[0]))
		;
	return status;
}

static int replace_standard(const struct daemon *daemon, int errors)
{
	int rc = 0, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	if (dup2(null, STDIN_FILENO) < 0 || (!daemon->keeps_output && dup2(null, STDOUT_FILENO) < 0) ||
	    (!daemon->keeps_errors && dup2(errors < 0 ? null : errors, STDERR_FILENO) < 0))
		rc = -errno;
	if (null > STDERR_FILENO)
		fd_close(&null);
	return rc;
}

/* Whoever ends the start ends all of it: each process gets the signal when its parent goes, which
 * may have happened before the kernel was asked. */
static void follow_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(STATUS_FAILED);
}

/* In the first child. Returns in the server only. */
static void become_server(const struct daemon *daemon, pid_t starter, struct link *link)
{
	pid_t guardian, server;

	setsid();
	follow_parent(starter);
	guardian = getpid();
	server = fork();
	if (server < 0) {
		fprintf(stderr, "brood: cannot fork: %s\n", strerror(errno));
		_exit(STATUS_FAILED);
	}
	if (server > 0) {
		close_end(link, 1);
		_exit(guard(server, link));
	}
	follow_parent(guardian);
	close_end(link, 0);
	if (replace_standard(daemon, link->errors[1]) < 0 || chdir("/") < 0) {
		fprintf(stderr, "brood: cannot become a daemon: %s\n", strerror(errno));
		_exit(STATUS_FAILED);
	}
	fd_close(&link->errors[1]);
}

int daemon_start(struct daemon *out, bool keep_output, bool keep_errors)
{
	pid_t starter = getpid(), child;
	sigset_t signals;
	struct link link;
	int rc;

	*out = (struct daemon){.ready_fd = -1, .keeps_output = keep_output, .keeps_errors = keep_errors};
	rc = open_link(&link);
	if (rc < 0)
		return rc;
	fflush(NULL); /* or each process would write it out again */
	signals_await(false, &signals);
	signals_reset(&signals); /* HUP and others still wait for the server, and mean nothing to who waits for it */
	child = fork();
	if (child < 0) {
		rc = -errno;
		close_end(&link, 0);
		close_end(&link, 1);
		return rc;
	}
	if (child > 0) {
		close_end(&link, 0);
		close_end(&link, 1);
		_exit(wait_for(child));
	}
	become_server(out, starter, &link);
	out->ready_fd = link.ready[1];
	return 0;
}

int daemon_ready(struct daemon *daemon)
{
	int rc;

	if (daemon->ready_fd < 0)
		return 0;
	rc = replace_standard(daemon, -1);
	/* Before the guardian may go: its end is no longer ours. */
	prctl(PR_SET_PDEATHSIG, 0);
	/* Should the guardian have been killed, nobody is left to be told. */
	(void)!write(daemon->ready_fd, "", 1);
	fd_close(&daemon->ready_fd);
	return rc;
}
