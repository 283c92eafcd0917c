/* SPDX-License-Identifier: MIT
 *
 * See certificate_check.h. */
#include "brood/certificates/certificate_check.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/sandbox.h"
#include "brood/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

_Static_assert(sizeof(struct certificate_verdict) <= 4096, "a verdict is written at once (PIPE_BUF)");

/* --- the child --- */

struct task {
	const struct certificate_check *check;
	int pipe;
};

/* The pipe's end is closed with the process, so whoever sees it knows that the process is gone. */
static int child_main(void *context)
{
	const struct task *task = context;
	const struct certificate_check *check = task->check;
	struct tls_roots roots = {0};
	int rc = 0;

	if (privilege_drop(check->privilege) < 0)
		return 1;
	(void)!sandbox_enter(); /* where there is no filter, rights must do */
	if (check->candidate)   /* in this process's memory */
		check->certificates->list[check->next].pair = check->candidate->pair;
	for (size_t i = 0; rc == 0 && i < check->count; i++) {
		struct certificate_verdict verdict = {.good = false};

		verdict.good = certificate_judge(check->certificates, check->next + i, &roots, &verdict.not_after,
						 verdict.reason, &verdict.warnings) == 0;
		if (write(task->pipe, &verdict, sizeof(verdict)) != sizeof(verdict))
			rc = 1;
	}
	tls_roots_free(&roots);
	return rc;
}

/* --- the parent --- */

static int fork_child(struct certificate_check *check, int end)
{
	struct task task = {check, end};
	struct brood_process_options options = {.main = child_main, .context = &task, .title = "brood: check"};
	size_t room = 3 + 2 * check->certificates->count;
	int *kept = reallocarray(NULL, room, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	options.keep_fds = kept;
	kept[options.keep_count++] = end;
	if (check->candidate) {
		kept[options.keep_count++] = check->candidate->pair.certificate_fd;
		kept[options.keep_count++] = check->candidate->pair.key_fd;
	}
	options.keep_count +=
		certificates_keep(check->certificates, kept + options.keep_count, room - options.keep_count);
	check->pid = brood_process_fork(&options);
	free(kept);
	return check->pid < 0 ? check->pid : 0;
}

/* A child for all of which there is no verdict yet. The child may have to wait until its verdicts are read,
 * the parent never waits. 0 or -errno. */
static int begin(struct certificate_check *check, uint64_t now_ms)
{
	int ends[2], error = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		error = -errno;
	if (!error)
		error = fork_child(check, ends[1]);
	fd_close(&ends[1]);
	if (error) {
		fd_close(&ends[0]);
		check->pid = 0;
		return error;
	}
	check->pipe = ends[0];
	check->since_ms = now_ms;
	return 0;
}

int certificate_check_start(struct certificate_check *check, const struct privilege *privilege,
			    struct certificates *certificates, size_t first, size_t count,
			    const struct certificate *candidate, uint64_t now_ms)
{
	int error;

	*check = (struct certificate_check){.privilege = privilege,
					    .certificates = certificates,
					    .candidate = candidate,
					    .next = first,
					    .count = count};
	error = begin(check, now_ms);
	if (error)
		*check = (struct certificate_check){0};
	return error;
}

/* Whoever reaps children has no eye on this one: as long as its end of the pipe is open it has its number. */
static void end_child(struct certificate_check *check)
{
	struct pollfd end = {.fd = check->pipe};

	if (check->pid == 0)
		return;
	if (poll(&end, 1, 0) <= 0 || !(end.revents & POLLHUP))
		kill(check->pid, SIGKILL);
	fd_close(&check->pipe);
	check->pid = 0;
}

void certificate_check_stop(struct certificate_check *check)
{
	end_child(check);
	*check = (struct certificate_check){0};
}

static bool conclude(struct certificate_check *check, uint64_t now_ms)
{
	check->next++;
	check->count--;
	check->since_ms = now_ms;
	if (check->count == 0)
		certificate_check_stop(check);
	return true;
}

/* What there is no verdict on by a child. The next one has a child of its own. */
static bool fail(struct certificate_check *check, uint64_t now_ms, struct certificate_verdict *out, const char *why)
{
	end_child(check);
	*out = (struct certificate_verdict){.good = false};
	snprintf(out->reason, sizeof(out->reason), "%s", why);
	return conclude(check, now_ms);
}

bool certificate_check_poll(struct certificate_check *check, uint64_t now_ms, struct certificate_verdict *out)
{
	ssize_t size;
	int error;

	if (check->pid == 0) {
		error = begin(check, now_ms);
		return error ? fail(check, now_ms, out, strerror(-error)) : false;
	}
	size = read(check->pipe, out, sizeof(*out));
	if (size == sizeof(*out)) {
		/* It came out of a process that has read what others have written. */
		out->reason[sizeof(out->reason) - 1] = '\0';
		out->warnings.time[TLS_REASON_MAX - 1] = '\0';
		out->warnings.chain[TLS_REASON_MAX - 1] = '\0';
		out->warnings.names[TLS_REASON_MAX - 1] = '\0';
		return conclude(check, now_ms);
	}
	if (size < 0 && (errno == EAGAIN || errno == EINTR) && now_ms - check->since_ms < PATIENCE_MS)
		return false;
	return fail(check, now_ms, out, size < 0 ? "checking it takes too long" : "the process that checked it died");
}

void certificate_warn(const struct certificate *certificate, const struct tls_warnings *warnings,
		      void (*tell)(bool error, const char *text))
{
	/* That it has ended is told at its time: certificate_ends. */
	bool ended = certificate->not_after <= (int64_t)time(NULL);
	const char *const all[] = {ended ? "" : warnings->time, warnings->chain, warnings->names};
	char text[CERTIFICATE_TEXT_MAX];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i][0] == '\0')
			continue;
		certificate_describe(certificate, all[i], text);
		tell(false, text);
	}
}

/* --- all of them, where nothing else is to be done --- */

static void forget(void *context, const struct brood_process_end *end)
{
	(void)context, (void)end;
}

/* A child that a check has no more is gone when this returns, and nothing is left of it. */
static void wait_for_end(int *child)
{
	struct pollfd end = {.fd = *child, .events = POLLIN};

	if (*child >= 0)
		(void)poll(&end, 1, PATIENCE_MS);
	fd_close(child);
	brood_process_reap(forget, NULL);
}

static void wait_for_verdict(struct certificate_check *check, struct certificate_verdict *out)
{
	int child = check->pid ? pidfd_open(check->pid, 0) : -1;

	while (!certificate_check_poll(check, clock_now_ms(), out)) {
		struct pollfd said = {.fd = check->pipe, .events = POLLIN};

		if (child < 0)
			child = pidfd_open(check->pid, 0);
		(void)poll(&said, 1, PATIENCE_MS);
	}
	if (check->pid == 0)
		wait_for_end(&child);
	fd_close(&child);
}

/* True: it is good. */
static bool conclude_one(struct certificate *certificate, const struct certificate_verdict *verdict, int64_t now,
			 void (*tell)(bool error, const char *text))
{
	char text[CERTIFICATE_TEXT_MAX];

	if (!verdict->good) {
		certificate_describe(certificate, verdict->reason, text);
		tell(true, text);
		return false;
	}
	certificate->not_after = verdict->not_after;
	certificate->watch = WATCH_QUIET;
	if (certificate_ends(certificate, now, text))
		tell(false, text);
	certificate_warn(certificate, &verdict->warnings, tell);
	return true;
}

int certificates_check(struct certificates *certificates, const struct privilege *privilege,
		       void (*tell)(bool error, const char *text))
{
	struct certificate_check check = {
		.privilege = privilege, .certificates = certificates, .count = certificates->count};
	int64_t now = (int64_t)time(NULL);
	int rc = 0;

	for (size_t i = 0; i < certificates->count; i++) {
		struct certificate_verdict verdict;

		wait_for_verdict(&check, &verdict);
		if (!conclude_one(&certificates->list[i], &verdict, now, tell))
			rc = -1;
	}
	return rc;
}
