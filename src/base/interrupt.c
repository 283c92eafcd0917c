/* SPDX-License-Identifier: MIT
 *
 * A timer whose signal has a handler that does nothing (interrupt.h). Any process. */
#include "base/interrupt.h"

#include "base/signals.h"

#include <errno.h>
#include <signal.h>

enum { AGAIN_MS = 10 }; /* the next call may sleep as well */

int interrupt_open(struct interrupt *interrupt)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGNALS_INTERRUPT};

	signals_interruptible(true);
	if (timer_create(CLOCK_MONOTONIC, &event, &interrupt->timer) < 0)
		return -errno;
	interrupt->made = true;
	return 0;
}

void interrupt_after(const struct interrupt *interrupt, unsigned after_ms)
{
	struct itimerspec when = {
		.it_value = {after_ms / 1000, (long)(after_ms % 1000) * 1000000},
		.it_interval = {.tv_nsec = AGAIN_MS * 1000000},
	};

	if (interrupt->made)
		(void)timer_settime(interrupt->timer, 0, &when, NULL);
}

void interrupt_close(struct interrupt *interrupt)
{
	if (!interrupt->made)
		return;
	(void)timer_delete(interrupt->timer);
	signals_interruptible(false);
	interrupt->made = false;
}
