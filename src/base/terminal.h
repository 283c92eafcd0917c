/* SPDX-License-Identifier: MIT
 *
 * The terminal that a process was started on. */
#ifndef BROOD_BASE_TERMINAL_H
#define BROOD_BASE_TERMINAL_H

#include <stdbool.h>

/* Whether it has one (a controlling terminal, credentials(7)); it has lost it when that was closed. */
bool terminal_exists(void);

#endif
