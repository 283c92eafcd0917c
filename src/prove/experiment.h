/* SPDX-License-Identifier: MIT
 *
 * One experiment: a private server, its clients, first left alone and then while one thing is done
 * to the server again and again. */
#ifndef BROOD_PROVE_EXPERIMENT_H
#define BROOD_PROVE_EXPERIMENT_H

#include "prove/load.h"
#include "prove/private_server.h"
#include "prove/verdict.h"

#include <stdbool.h>

enum experiment_kind {
	EXPERIMENT_RESTART,
	EXPERIMENT_RELOAD,
	EXPERIMENT_UPGRADE,
	EXPERIMENT_KILL,
	EXPERIMENT_STOP, /* over a long line, once; drain_delay is longer than clients pause */
	EXPERIMENT_KINDS
};

/* "restart"; "restarting"; what it is to a reader, for one and for several. */
const char *experiment_name(enum experiment_kind kind);
const char *experiment_doing(enum experiment_kind kind);
const char *experiment_event(enum experiment_kind kind, bool several);

enum {
	EXPERIMENT_LINE_MS = 20, /* each way */
	EXPERIMENT_PAUSE_MS = 20,
	EXPERIMENT_DRAIN_DELAY_MS = 500,
};

struct experiment_plan {
	enum experiment_kind kind;
	const char *accept; /* "shared" and so on */
	unsigned workers;
	unsigned events;
	unsigned time_ms; /* a third of it without events */
	unsigned idle, busy;
	bool strict; /* not even a killed worker's own connections may be lost */
};

struct experiment_result {
	struct load_figures without, with;
	struct counts total;
	struct verdict_facts facts;
	unsigned broken;                    /* the verdict */
	struct load_worker *before, *after; /* owned */
	size_t before_count, after_count;
	unsigned with_ms;             /* how long the events took, all in all */
	char problem[256];            /* why it could not be carried through, or "" */
	const char *wrong;            /* about the last wrong answer, or NULL */
	struct private_server server; /* stopped; for its last lines */
};

struct experiment_progress {
	void (*tell)(void *context, const struct experiment_plan *plan, const char *what);
	void *context;
};

/* Runs it, which takes time_ms and some seconds more, whatever the server does. 0, -EINTR when
 * interrupted, or another -errno when the fault is on our side. The result is to be freed in every
 * case. */
int experiment_run(struct stage *stage, const struct site *site, const struct experiment_plan *plan,
		   const struct experiment_progress *progress, struct experiment_result *result)
	__attribute__((warn_unused_result));
void experiment_free(struct experiment_result *result);

/* True when nothing was lost that should not be. */
bool experiment_good(const struct experiment_result *result);

#endif
