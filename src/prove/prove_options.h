/* SPDX-License-Identifier: MIT
 *
 * The command line of `brood prove`. */
#ifndef BROOD_PROVE_PROVE_OPTIONS_H
#define BROOD_PROVE_PROVE_OPTIONS_H

#include "prove/experiment.h"

#include <stdbool.h>
#include <stddef.h>

enum { PROVE_MODES = 3, PROVE_PLANS_MAX = EXPERIMENT_KINDS * PROVE_MODES };

struct prove_options {
	struct experiment_plan plan[PROVE_PLANS_MAX]; /* in the order in which they run */
	size_t plans;
	bool json;
};

/* -1 to go on, else the exit status: what was wrong is on standard error by then. */
int prove_options_parse(struct prove_options *out, int argc, char **argv) __attribute__((warn_unused_result));

#endif
