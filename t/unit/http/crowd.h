/* SPDX-License-Identifier: MIT
 *
 * For tests of what processes share: some of them do the same at the same time. */
#ifndef BROOD_UNIT_HTTP_CROWD_H
#define BROOD_UNIT_HTTP_CROWD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>

enum { CROWD = 4 };

/* Runs `work` in CROWD processes, which begin together, to its end. The sum of what it returns. */
uint64_t crowd_run(uint32_t (*work)(void *context, unsigned number), void *context);

/* One process that does `work`, over and over, until it is killed. */
pid_t crowd_start(void (*work)(void *context), void *context);
void crowd_kill(pid_t pid);

#endif
