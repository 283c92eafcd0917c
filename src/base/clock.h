/* SPDX-License-Identifier: MIT
 *
 * The two clocks. Deadlines and ages use the monotonic one (shared by all processes since boot),
 * what people and HTTP read the wall clock. */
#ifndef BROOD_BASE_CLOCK_H
#define BROOD_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_now_ms(void); /* CLOCK_MONOTONIC; no system call (vDSO) */
uint64_t clock_now_us(void);
time_t clock_wall_seconds(void); /* CLOCK_REALTIME, coarse: a tick of the kernel late at most */

#endif
