/* SPDX-License-Identifier: MIT
 *
 * How far a command is, on standard error: one line that is rewritten on a terminal, plain lines
 * elsewhere. */
#ifndef BROOD_CTL_PROGRESS_H
#define BROOD_CTL_PROGRESS_H

#include "control/protocol.h"

#include <stdbool.h>

struct progress {
	bool terminal;
	bool shown; /* a line stands there to be rewritten */
};

void progress_start(struct progress *progress);
void progress_show(struct progress *progress, const struct control_answer *answer);

/* Wipes the line away; before anything else is printed. */
void progress_end(struct progress *progress);

#endif
