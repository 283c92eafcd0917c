/* SPDX-License-Identifier: MIT
 *
 * Signals. Nothing runs inside of a signal handler (but what signals_on_crash is for): wanted signals are
 * blocked and read from a signalfd in the event loop. A forked child starts from a clean slate. */
#ifndef BROOD_BASE_SIGNALS_H
#define BROOD_BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What cannot be written, since its reader is gone or its file may not grow (ulimit -f), is an error then, and not
 * the end of the process: SIGPIPE and SIGXFSZ are set to be ignored. */
void signals_ignore_writes(void);

/* The signals by which a server is told something (HUP, USR1, USR2, TTIN, TTOU) wait from now on for signals_open,
 * rather than end or stop a process that is not there yet; and those that end it (TERM, INT, QUIT), if `ending_too` or
 * where nothing else would do them justice: in a process 1. `before` may be NULL. */
void signals_await(bool ending_too, sigset_t *before);

/* Blocks the `count` signals, and no others, and returns a non-blocking, close-on-exec signalfd for them, or
 * -errno. Ignores writes, too. */
int signals_open(const int *wanted, size_t count) __attribute__((warn_unused_result));

struct signals_received {
	int signal;
	pid_t sender;
	bool by_kernel; /* nobody has sent it: a terminal, say */
};

/* The next signal that has come; 1, 0 when there is none, or -errno. */
int signals_read(int fd, struct signals_received *out) __attribute__((warn_unused_result));

/* Blocks all signals: they wait for whoever opens the next signalfd, also across an exec. And undoes it. */
void signals_hold(sigset_t *before);
void signals_release(const sigset_t *before);

/* Until signals_off_crash: calls this when the process crashes or `limit_s` seconds are over, once, and as a
 * signal handler: only what signal-safety(7) lists may be called. These signals are no longer blocked. */
void signals_on_crash(void (*handler)(int), unsigned limit_s);
void signals_off_crash(void);

/* What is sent to end a call that sleeps (interrupt.h); where nobody is prepared for it, it is ignored. */
enum { SIGNALS_INTERRUPT = SIGURG };

/* From now on it ends them, or again it does not. */
void signals_interruptible(bool yes);

/* In a child after fork: every disposition back to default (but writes are ignored). Of the mask that its parent had
 * what a server is told or ended by (signals_await) is blocked still: what is sent to all of a server's processes must
 * neither end nor stop one that has not got so far yet. */
void signals_reset(const sigset_t *before);

/* Whether it is set to be ignored; in a program that was just started: by whoever has (nohup). */
bool signals_ignores(int signal);

enum { SIGNALS_NAME_MAX = 32 };

/* "SIGTERM"; "signal 70" for one without a name. Returns `out`. */
const char *signals_name(int signal, char out[SIGNALS_NAME_MAX]);

/* For a child that ends when its parent does: the signals that people and service managers send to all of a
 * server's processes are meant for the parent; here they are blocked, and nobody looks at them. 0 or -errno. */
int signals_leave_to_parent(void) __attribute__((warn_unused_result));

#endif
