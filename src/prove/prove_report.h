/* SPDX-License-Identifier: MIT
 *
 * What people and programs read of an experiment. Progress goes to standard error, results to
 * standard output. */
#ifndef BROOD_PROVE_PROVE_REPORT_H
#define BROOD_PROVE_PROVE_REPORT_H

#include "prove/experiment.h"

#include <stdbool.h>

/* "4 workers, shared; 200 idle and 64 busy keep-alive connections" */
void report_begin(const struct experiment_plan *plan);

/* On a terminal a line that is written over by the next one, elsewhere a plain line; quietly: there
 * nothing. */
void report_progress(void *context, const struct experiment_plan *plan, const char *what);
void report_progress_quietly(void *context, const struct experiment_plan *plan, const char *what);
void report_progress_end(void);

/* A small table and a sentence; what the server said, when something is wrong. */
void report_text(const struct experiment_plan *plan, const struct experiment_result *result);

/* One object: begin, each experiment, end. */
void report_json_begin(void);
void report_json(const struct experiment_plan *plan, const struct experiment_result *result, bool first);
void report_json_end(bool good);

#endif
