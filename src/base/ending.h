/* SPDX-License-Identifier: MIT
 *
 * Processes that are coming to their end: they have been killed, and may for a moment still have what others wait for.
 * Only for a start, when there is nothing else to do. Master only. */
#ifndef BROOD_BASE_ENDING_H
#define BROOD_BASE_ENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Has it ended, or been killed? */
bool ending_is_near(pid_t pid);

/* Waits for some milliseconds. False, at once: it has been waited for two seconds since then. */
bool ending_wait(uint64_t since_ms);

#endif
