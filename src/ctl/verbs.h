/* SPDX-License-Identifier: MIT
 *
 * What broodctl can be told to do: one row each. */
#ifndef BROOD_CTL_VERBS_H
#define BROOD_CTL_VERBS_H

#include "ctl/show.h"

#include <jansson.h>
#include <stdbool.h>

enum verb_operand { VERB_ALONE, VERB_WORKERS, VERB_SLOT };

struct verb {
	const char *name;
	const char *command; /* what is asked of the server */
	enum verb_operand operand;
	bool quick; /* the answer takes no longer than asking */
	bool stops; /* the connection's end is the wished-for outcome */
	/* Makes the answer of the result (taken; may be NULL); NULL: it is the answer. */
	json_t *(*part)(json_t *result);
	/* Prints that for people; where it is NULL, or there is no result, `done` does. */
	show_function *show;
	const char *done; /* printed when there is nothing else to say, or NULL */
	const char *help;
};

/* Ended by a row without a name. */
extern const struct verb verbs[];

/* The row of that name, or NULL. */
const struct verb *verb_find(const char *name);

/* A word of a later version. */
bool verb_is_later(const char *name);

/* The word that was probably meant, or NULL. */
const char *verb_nearest(const char *name);

#endif
