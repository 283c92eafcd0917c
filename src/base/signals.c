/* SPDX-License-Identifier: MIT
 *
 * Signals by signalfd, and a clean slate for children. The one place where dispositions change. */
#include "base/signals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void set_disposition(int signal, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	/* EINVAL for SIGKILL, SIGSTOP and the two that libc keeps to itself: those are not ours. */
	(void)sigaction(signal, &action, NULL);
}

void signals_ignore_writes(void)
{
	set_disposition(SIGPIPE, SIG_IGN);
	set_disposition(SIGXFSZ, SIG_IGN);
}

/* By which a server is told something, and by which it is ended. */
static const int telling[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};
static const int ending[] = {SIGTERM, SIGINT, SIGQUIT};

static void add(sigset_t *set, const int *signals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sigaddset(set, signals[i]);
}

static void add_telling(sigset_t *set)
{
	add(set, telling, sizeof(telling) / sizeof(telling[0]));
}

static void add_ending(sigset_t *set)
{
	add(set, ending, sizeof(ending) / sizeof(ending[0]));
}

void signals_await(bool ending_too, sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	add_telling(&set);
	/* What would end a process 1, and is not awaited, the kernel drops (pid_namespaces(7)). */
	if (ending_too || getpid() == 1)
		add_ending(&set);
	sigprocmask(SIG_BLOCK, &set, before);
}

int signals_open(const int *wanted, size_t count)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	add(&set, wanted, count);
	/* These and no others: an exec leaves us whatever mask there was. */
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -errno;
	/* Whoever started us may have left some ignored. A blocked signal reaches the signalfd even
	 * so, and what has come is dropped when it is ignored now, or was; but an ignored SIGCHLD makes children
	 * vanish without a status (wait(2)). */
	if (sigismember(&set, SIGCHLD))
		set_disposition(SIGCHLD, SIG_DFL);
	signals_ignore_writes();
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int signals_leave_to_parent(void)
{
	static const int ignored[] = {SIGTERM, SIGQUIT, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGALRM};
	int fd = signals_open(ignored, sizeof(ignored) / sizeof(ignored[0]));

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int signals_read(int fd, struct signals_received *out)
{
	struct signalfd_siginfo info;
	ssize_t got;

	do
		got = read(fd, &info, sizeof(info));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (got != sizeof(info))
		return -EIO;
	out->signal = (int)info.ssi_signo;
	out->sender = (pid_t)info.ssi_pid;
	out->by_kernel = info.ssi_code == SI_KERNEL;
	return 1;
}

void signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, before);
}

void signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGALRM};

enum { CRASHES = sizeof(crashes) / sizeof(crashes[0]) };

void signals_on_crash(void (*handler)(int), unsigned limit_s)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < CRASHES; i++) {
		sigaddset(&set, crashes[i]);
		set_disposition(crashes[i], handler);
	}
	/* The kernel does not ask the handler of a signal that is blocked. */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(limit_s);
}

void signals_off_crash(void)
{
	alarm(0);
	for (size_t i = 0; i < CRASHES; i++)
		set_disposition(crashes[i], SIG_DFL);
}

static void do_nothing(int signal)
{
	(void)signal;
}

void signals_interruptible(bool yes)
{
	set_disposition(SIGNALS_INTERRUPT, yes ? do_nothing : SIG_DFL); /* without SA_RESTART */
}

void signals_reset(const sigset_t *before)
{
	sigset_t set, awaited;

	for (int signal = 1; signal < NSIG; signal++)
		set_disposition(signal, SIG_DFL);
	signals_ignore_writes();
	sigemptyset(&set);
	add_telling(&set);
	add_ending(&set);
	sigandset(&awaited, &set, before);
	sigprocmask(SIG_SETMASK, &awaited, NULL);
}

bool signals_ignores(int signal)
{
	struct sigaction action;

	return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

const char *signals_name(int signal, char out[SIGNALS_NAME_MAX])
{
	const char *name = sigabbrev_np(signal);

	if (name)
		snprintf(out, SIGNALS_NAME_MAX, "SIG%s", name);
	else
		snprintf(out, SIGNALS_NAME_MAX, "signal %d", signal);
	return out;
}
