/* SPDX-License-Identifier: MIT
 *
 * What a server needs of the machine, whatever its configuration: containers come without one or the other. */
#ifndef BROOD_BROOD_SYSTEM_REQUIREMENTS_H
#define BROOD_BROOD_SYSTEM_REQUIREMENTS_H

#include <stdbool.h>

enum { REQUIREMENTS_REASON_MAX = 256 };

/* Looks for all of it and tells what is missing, each once (`error` is true). 0, or -1: a server could not run. The
 * caller may have 0, 1 and 2 closed. Raises the limit of descriptors as far as it goes. Before anything else is
 * opened. */
int requirements_check(void (*tell)(bool error, const char *text)) __attribute__((warn_unused_result));

#endif
