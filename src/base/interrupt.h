/* SPDX-License-Identifier: MIT
 *
 * A bound on calls that must not wait and might: what somebody else has done to a socket can make even close(2)
 * sleep for as long as he likes (socket(7), SO_LINGER), and accept4(2) or write(2), by flags that copies share. For
 * the process's one thread. */
#ifndef BROOD_BASE_INTERRUPT_H
#define BROOD_BASE_INTERRUPT_H

#include <stdbool.h>
#include <time.h>

struct interrupt {
	timer_t timer;
	bool made;
};

/* 0 or -errno; then there is no bound, and the calls below do nothing. All-zero: not open. */
int interrupt_open(struct interrupt *interrupt) __attribute__((warn_unused_result));

/* A call that sleeps in the kernel `after_ms` from now returns, as does any later one, until this is called
 * anew, which sets the time back. Where it tells of it the error is EINTR. */
void interrupt_after(const struct interrupt *interrupt, unsigned after_ms);

void interrupt_close(struct interrupt *interrupt);

#endif
