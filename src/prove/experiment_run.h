/* SPDX-License-Identifier: MIT
 *
 * An experiment that runs. Private to experiment.c, which has its phases, and experiment_event.c, which has what is
 * done in them. */
#ifndef BROOD_PROVE_EXPERIMENT_RUN_H
#define BROOD_PROVE_EXPERIMENT_RUN_H

#include "prove/experiment.h"
#include "prove/prove_line.h"

struct run {
	struct stage *stage;
	const struct site *site;
	const struct experiment_plan *plan;
	const struct experiment_progress *progress;
	struct experiment_result *result;
	struct load load;
	struct line line; /* open for a stop only */
	unsigned victim;  /* the slot whose worker is killed next */
	/* What is waited for. */
	uint64_t until_ms;
	unsigned rolls_before;
	struct answer_worker killed;
	int dead_fd;
};

/* Why the experiment cannot be carried through; what came first is the reason. */
void experiment_problem(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0, -EINTR, -ETIMEDOUT, or -ECANCELED when the server or our side broke down, which is told. */
int experiment_await(struct run *run, bool (*until)(const void *run), unsigned limit_ms);

/* Until all connections are open and answered. */
int experiment_await_settled(struct run *run);

/* Until every kept connection has been answered once more, by a worker that is not replaced. */
int experiment_settle(struct run *run);

/* What the plan is about: once, up to its end. The same errors, and any -errno when it could not be done. */
int experiment_do(struct run *run);

/* The same, when the server ends with it. */
int experiment_do_last(struct run *run);

#endif
