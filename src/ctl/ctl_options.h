/* SPDX-License-Identifier: MIT
 *
 * broodctl's command line. */
#ifndef BROOD_CTL_CTL_OPTIONS_H
#define BROOD_CTL_CTL_OPTIONS_H

#include "control/control_path.h"
#include "control/protocol.h"
#include "ctl/verbs.h"

#include <stdbool.h>
#include <stdint.h>

enum ctl_exit { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NO_SERVER = 3 };

struct ctl_options {
	const char *socket; /* -s, or NULL */
	bool json, now;
	uint64_t timeout_ms; /* 0: none */
	const struct verb *verb;
	struct control_request request;
};

/* Returns -1 to go on, else the exit status; what was wrong has been said in one line. */
int ctl_options_parse(struct ctl_options *out, int argc, char **argv) __attribute__((warn_unused_result));

/* Says something on standard error, in one line or as many as it has. */
void ctl_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
