/* SPDX-License-Identifier: MIT
 *
 * What passes from one image of the master to the next: the state in a sealed memfd, named by an
 * environment variable together with the process that it belongs to. This is the new image's side;
 * upgrading.c is the old one's. Master only. */
#ifndef BROOD_CLUSTER_UPGRADE_UPGRADE_H
#define BROOD_CLUSTER_UPGRADE_UPGRADE_H

#include "cluster/upgrade/upgrade_record.h"

#include <stdbool.h>
#include <sys/types.h>

#define UPGRADE_VARIABLE "BROOD_STATE" /* "<fd>:<pid>:<mode> <image>" */

/* What a dry run says last on standard error: it has understood all of the state. A program that knows
 * nothing of all this exits well, too. */
#define UPGRADE_UNDERSTOOD "brood: state understood, version 1\n"

enum upgrade_mode {
	UPGRADE_DRY,  /* a child with copies: try everything, change nothing, leave */
	UPGRADE_GO,   /* the master itself, by the new version */
	UPGRADE_BACK, /* the old version again: the new one could not go on */
};

struct upgrade_state {
	int fd;
	enum upgrade_mode mode;
	int image; /* of what ran before: the way back, closed when it is not needed any more; -1 in a dry run */
	char **argv;
	char *octets;
	struct upgrade_reader reader;
};

/* The variable's value for a state of the calling process. */
void upgrade_name(char *out, size_t room, int fd, pid_t pid, enum upgrade_mode mode, int image);

/* Writes a finished state to a sealed memfd. The descriptor or -errno. */
int upgrade_seal(const struct upgrade_writer *writer) __attribute__((warn_unused_result));

/* Takes what the variable names, and the variable itself. True; false: there is none, this is a start like
 * any other. One that cannot be used is given up (logged). In UPGRADE_GO, from here up to upgrade_settle, a
 * crash leads back to the old image, and so does standing still for too long. */
bool upgrade_take(struct upgrade_state *out, char **argv) __attribute__((warn_unused_result));

/* The new image is the master from here on: closes what only the way back needed. */
void upgrade_settle(struct upgrade_state *state);

/* It could not: the reason is logged by now. Leaves a dry run; executes the old image, or exits when
 * even that is impossible. */
_Noreturn void upgrade_give_up(const struct upgrade_state *state);

/* Records of the state as a whole; the master's and the program's own are others. */
enum { RECORD_FDS = 1, RECORD_VERSION, RECORD_PROGRAM = 1000 };

#endif
