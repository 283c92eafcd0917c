/* SPDX-License-Identifier: MIT
 *
 * Forking a child (brood/process.h). The one home of fork. The parent's side is short; the child's is
 * a fixed order that can be read from top to bottom. */
#include "brood/process.h"

#include "base/fd.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { CLOSING_MS = 100 };

static _Noreturn void become_child(const struct brood_process_options *options, const sigset_t *before)
{
	struct interrupt interrupt = {.made = false};

	/* Handlers and masks first. */
	signals_reset(before);
	log_forget_parent();
	if (options->title)
		prctl(PR_SET_NAME, options->title);
	/* The parent's epoll and signal descriptors go here too, so nothing that the child does to its
	 * copies of event structures can reach the parent's loop. One of these may be the last of a socket that
	 * lingers, and nobody is there yet who would miss us. */
	if (interrupt_open(&interrupt) == 0)
		interrupt_after(&interrupt, CLOSING_MS);
	fd_close_all_but(options->keep_fds, options->keep_count);
	interrupt_close(&interrupt);
	_exit(options->main(options->context) & 0xff);
}

void brood_process_wake_at_end(void)
{
	prctl(PR_SET_PDEATHSIG, SIGCONT); /* which does nothing to one that runs */
}

pid_t brood_process_fork(const struct brood_process_options *options)
{
	sigset_t all, old;
	pid_t pid;
	int error;

	/* Between fork and signals_reset the child has the parent's dispositions: nothing may arrive. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid = fork();
	if (pid == 0)
		become_child(options, &old);
	error = -errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? error : pid;
}
