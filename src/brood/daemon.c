/* SPDX-License-Identifier: MIT
 *
 * Daemon mode. Besides src/proc the only place that forks and waits: all of it happens, and ends,
 * before the server has its first child. */
#include "brood/daemon.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_FAILED = 1 };

/* The child's exit status; a death by signal is told and counts as a failure. */
static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return STATUS_FAILED;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "brood: the server was ended by %s before it was ready\n",
		signals_name(WTERMSIG(status)));
	return STATUS_FAILED;
}

/* One octet means ready. Without it the end of the pipe means that the server has gone, or lost its
 * end of it, and then its status is what counts. */
static int guard(pid_t server, int ready_fd)
{
	char octet;
	ssize_t got;

	do
		got = read(ready_fd, &octet, 1);
	while (got < 0 && errno == EINTR);
	return got == 1 ? 0 : wait_for(server);
}

/* In the first child. Returns in the server only. */
static void become_server(pid_t starter, int pipe_ends[2])
{
	pid_t guardian, server;

	setsid();
	/* Whoever ends the start ends all of it: each gets the signal when its parent goes, which
	 * may have happened before the kernel was asked. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != starter)
		_exit(STATUS_FAILED);
	guardian = getpid();
	server = fork();
	if (server < 0) {
		fprintf(stderr, "brood: cannot fork: %s\n", strerror(errno));
		_exit(STATUS_FAILED);
	}
	if (server > 0) {
		fd_close(&pipe_ends[1]);
		_exit(guard(server, pipe_ends[0]));
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != guardian)
		_exit(STATUS_FAILED);
	fd_close(&pipe_ends[0]);
}

int daemon_start(struct daemon *out)
{
	pid_t starter = getpid(), child;
	int pipe_ends[2], rc;

	out->ready_fd = -1;
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL); /* or each process would write it out again */
	signals_reset();
	child = fork();
	if (child < 0) {
		rc = -errno;
		fd_close(&pipe_ends[0]);
		fd_close(&pipe_ends[1]);
		return rc;
	}
	if (child > 0) {
		fd_close(&pipe_ends[1]);
		_exit(wait_for(child));
	}
	become_server(starter, pipe_ends);
	if (chdir("/") < 0)
		_exit(STATUS_FAILED);
	out->ready_fd = pipe_ends[1];
	return 0;
}

static int leave_standard(void)
{
	int rc = 0, fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		if (dup2(fd, standard) < 0)
			rc = -errno;
	if (fd > STDERR_FILENO)
		fd_close(&fd);
	if (log_fd() <= STDERR_FILENO)
		log_set_fd(log_fd()); /* no terminal any more */
	return rc;
}

int daemon_ready(struct daemon *daemon)
{
	int rc;

	if (daemon->ready_fd < 0)
		return 0;
	rc = leave_standard();
	/* Before the guardian may go: its end is no longer ours. */
	prctl(PR_SET_PDEATHSIG, 0);
	/* Should the guardian have been killed, nobody is left to be told. */
	(void)!write(daemon->ready_fd, "", 1);
	fd_close(&daemon->ready_fd);
	return rc;
}
