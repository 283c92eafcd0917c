/* SPDX-License-Identifier: MIT
 *
 * Calls of the program's functions (program.h), all of which may be missing. */
#ifndef BROOD_CLUSTER_POLICY_PROGRAM_CALL_H
#define BROOD_CLUSTER_POLICY_PROGRAM_CALL_H

#include "cluster/program.h"

/* The value of PROGRAM_CALL(program, OTHERWISE, TABLE.FUNCTION, ARGUMENTS...), the context left out; OTHERWISE where
 * the program has no such function. */
#define PROGRAM_CALL(program, otherwise, function, ...) \
	((program)->function ? (program)->function((program)->context, ##__VA_ARGS__) : (otherwise))

/* The same of one that returns nothing. */
#define PROGRAM_TELL(program, function, ...) PROGRAM_CALL(program, (void)0, function, ##__VA_ARGS__)

/* What people are told of its version. */
static inline const char *program_version(const struct cluster_program *program)
{
	return program->version ? program->version : "";
}

#endif
