/* SPDX-License-Identifier: MIT
 *
 * A status as the answer to a request: with the location's page for it, or a plain one. */
#ifndef BROOD_HTTP_FILES_STATUS_ANSWER_H
#define BROOD_HTTP_FILES_STATUS_ANSWER_H

#include "base/slice.h"

struct answering;

/* Errors and redirects. `extra`: further field lines, as for response_simple. */
void status_answer(const struct answering *at, unsigned status, struct slice extra);

#endif
