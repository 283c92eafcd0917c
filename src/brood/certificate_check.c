/* SPDX-License-Identifier: MIT
 *
 * See certificate_check.h. */
#include "brood/certificate_check.h"

#include "base/clock.h"
#include "base/fd.h"
#include "brood/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

_Static_assert(sizeof(struct certificate_verdict) <= 4096, "a verdict is written at once (PIPE_BUF)");

/* --- the child --- */

struct task {
	const struct privilege *privilege;
	const struct certificate *certificate;
	int pipe;
};

/* The pipe's end is closed with the process, so whoever sees it knows that the process is gone. */
static int child_main(void *context)
{
	const struct task *task = context;
	struct certificate_verdict verdict = {.good = false};

	if (privilege_drop(task->privilege) < 0)
		return 1;
	verdict.good = certificate_judge(task->certificate, &verdict.not_after, verdict.reason,
					 verdict.warning) == 0;
	return write(task->pipe, &verdict, sizeof(verdict)) == sizeof(verdict) ? 0 : 1;
}

/* --- the parent --- */

int certificate_check_start(struct certificate_check *check, const struct privilege *privilege,
			    const struct certificate *certificate, uint64_t now_ms)
{
	int ends[2], kept[3];
	struct task task = {privilege, certificate, -1};
	struct brood_process_options options = {.main = child_main,
						.context = &task,
						.keep_fds = kept,
						.keep_count = 3,
						.title = "brood: check"};
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	task.pipe = kept[0] = ends[1];
	kept[1] = certificate->pair.certificate_fd;
	kept[2] = certificate->pair.key_fd;
	pid = brood_process_fork(&options);
	fd_close(&ends[1]);
	if (pid < 0) {
		fd_close(&ends[0]);
		return pid;
	}
	*check = (struct certificate_check){.pid = pid, .pipe = ends[0], .since_ms = now_ms};
	return 0;
}

/* Whoever reaps children has no eye on this one: as long as its pipe is open it has its number. */
void certificate_check_stop(struct certificate_check *check)
{
	char octet;

	if (check->pid == 0)
		return;
	if (read(check->pipe, &octet, sizeof(octet)) != 0)
		kill(check->pid, SIGKILL);
	fd_close(&check->pipe);
	*check = (struct certificate_check){0};
}

static void fail(struct certificate_check *check, struct certificate_verdict *out, const char *why)
{
	certificate_check_stop(check);
	*out = (struct certificate_verdict){.good = false};
	snprintf(out->reason, sizeof(out->reason), "%s", why);
}

bool certificate_check_poll(struct certificate_check *check, uint64_t now_ms,
			    struct certificate_verdict *out)
{
	ssize_t size = read(check->pipe, out, sizeof(*out));

	if (size == sizeof(*out)) {
		/* It came out of a process that has read what others have written. */
		out->reason[sizeof(out->reason) - 1] = '\0';
		out->warning[sizeof(out->warning) - 1] = '\0';
		certificate_check_stop(check);
		return true;
	}
	if (size < 0 && (errno == EAGAIN || errno == EINTR) &&
	    now_ms - check->since_ms < PATIENCE_MS)
		return false;
	fail(check, out, size < 0 ? "checking it takes too long" : "the process that checked it died");
	return true;
}

/* --- all of them, where nothing else is to be done --- */

static void forget(void *context, const struct brood_process_end *end)
{
	(void)context, (void)end;
}

/* The child is gone when this returns, and nothing is left of it. */
static void check_one(const struct certificate *certificate, const struct privilege *privilege,
		      struct certificate_verdict *out)
{
	struct certificate_check check = {0};
	int error = certificate_check_start(&check, privilege, certificate, clock_now_ms());
	struct pollfd end = {.events = POLLIN}, said = {.fd = check.pipe, .events = POLLIN};

	if (error) {
		fail(&check, out, strerror(-error));
		return;
	}
	end.fd = pidfd_open(check.pid, 0);
	do
		(void)poll(&said, 1, PATIENCE_MS);
	while (!certificate_check_poll(&check, clock_now_ms(), out));
	if (end.fd >= 0)
		(void)poll(&end, 1, PATIENCE_MS);
	fd_close(&end.fd);
	brood_process_reap(forget, NULL);
}

int certificates_check(struct certificates *certificates, const struct privilege *privilege,
		       void (*tell)(bool error, const char *text))
{
	struct certificate_verdict verdict;
	char text[CERTIFICATE_TEXT_MAX];
	int64_t now = (int64_t)time(NULL);
	int rc = 0;

	for (size_t i = 0; i < certificates->count; i++) {
		struct certificate *one = &certificates->list[i];

		check_one(one, privilege, &verdict);
		if (!verdict.good) {
			certificate_describe(one, verdict.reason, text);
			tell(true, text);
			rc = -1;
			continue;
		}
		one->not_after = verdict.not_after;
		one->watch = WATCH_QUIET;
		if (certificate_ends(one, now, text)) {
			tell(false, text);
		} else if (verdict.warning[0]) {
			certificate_describe(one, verdict.warning, text);
			tell(false, text);
		}
	}
	return rc;
}
