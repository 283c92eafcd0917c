/* SPDX-License-Identifier: MIT
 *
 * Child processes: forked with nothing but what they are to have, and reaped without fail.
 *
 * For the process that is the parent, from its one thread. See fork(2), waitpid(2), prctl(2). */
#ifndef BROOD_PROCESS_H
#define BROOD_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct brood_process_options {
	/* What the child does; its return value is the exit status (0 to 255). It must not return to
	 * the parent's event loop nor touch the parent's event base: that one is shared with the
	 * parent by the epoll descriptor, which is closed by then. */
	int (*main)(void *context);
	void *context;
	/* Descriptors that the child keeps, besides 0, 1 and 2. All others are closed before `main`,
	 * also those that the program never knew of. */
	const int *keep_fds;
	size_t keep_count;
	/* What ps shows as the process's name, 15 octets at most; NULL: as the parent. */
	const char *title;
};

/* Forks. In the child: signals to default and unblocked, descriptors closed, then `main`, then _exit.
 * Standard output is not flushed twice. Returns the child's pid, or -errno. */
pid_t brood_process_fork(const struct brood_process_options *options) __attribute__((warn_unused_result));

/* In a child that has taken on whom it runs as, which makes the kernel forget this: one that is stopped (SIGSTOP) when
 * its parent ends goes on then, since nobody is left who would know of it. */
void brood_process_wake_at_end(void);

struct brood_process_end {
	pid_t pid;
	int exit_code;   /* 0 to 255, or -1 when a signal ended it */
	int signal;      /* that signal, or 0 */
	int core_dumped; /* 1 when a core was written */
};

/* Reaps every child that has ended, of whatever origin (a process with pid 1 inherits strangers), and
 * tells of each. Never waits. Returns how many. */
size_t brood_process_reap(void (*ended)(void *context, const struct brood_process_end *end), void *context);

/* Tells of each child that was stopped (SIGSTOP, a debugger's hold) or continued since the last call; like
 * an end, both come with SIGCHLD. Of one that did both, only the last counts. Never waits. */
void brood_process_watch(void (*changed)(void *context, pid_t pid, int stopped), void *context);

/* "exit status 3", "signal 11 (SIGSEGV), core dumped". */
void brood_process_describe(const struct brood_process_end *end, char *out, size_t room);

#endif
