/* SPDX-License-Identifier: MIT
 *
 * What it means that a stop is asked for, once and again. Pure. Master only.
 *
 *     NOT --asked--> ASKED --again, later than TOGETHER, or "now"--> CUTTING
 *
 * Several askers often mean one stop: a terminal's ^C reaches npm and the server, and npm passes it on; a service
 * manager runs a command that stops the server, then signals what is left. */
#ifndef BROOD_CLUSTER_POLICY_STOP_H
#define BROOD_CLUSTER_POLICY_STOP_H

#include <stdint.h>

enum { STOP_TOGETHER_MS = 1000 };

enum stop_phase { STOP_NOT, STOP_ASKED, STOP_CUTTING, STOP_PHASES };

/* How it is asked for. By a command it may be asked for any number of times. */
enum stop_call { STOP_BY_SIGNAL, STOP_BY_COMMAND, STOP_NOW, STOP_CALLS };

enum stop_action {
	STOP_NOTHING,
	STOP_BEGIN,         /* what is in flight is finished */
	STOP_CUT,           /* what is in flight is not waited for any more */
	STOP_BEGIN_AND_CUT, /* what is in flight is never waited for */
};

struct stop {
	enum stop_phase phase;
	uint64_t asked_ms; /* first */
};

enum stop_action stop_called(struct stop *stop, enum stop_call call, uint64_t now_ms);

#endif
