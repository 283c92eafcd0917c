/* SPDX-License-Identifier: MIT
 *
 * Obituaries of workers, as JSON: the last ones of each slot in memory, for `broodctl why`, and in
 * files (obituary_file.h). Master only. */
#ifndef BROOD_BROOD_ADMIN_OBITUARY_STORE_H
#define BROOD_BROOD_ADMIN_OBITUARY_STORE_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct cluster_obituary;
struct upgrade_record;
struct upgrade_writer;

enum { OBITUARIES_KEPT = 8 }; /* of each slot */

struct obituaries {
	struct list entries; /* oldest first, of all slots */
	bool warned;         /* that files cannot be written; until one can */
};

void obituaries_init(struct obituaries *obituaries);
void obituaries_free(struct obituaries *obituaries);

/* Keeps it, in place of one of the same worker and time, and writes its file. `state_dir` is the
 * setting, `server` what obituary_server says. What cannot be done is logged, once for a row of the same. */
void obituaries_add(struct obituaries *obituaries, const char *state_dir, const char *server,
		    const struct cluster_obituary *obituary);

/* Appends those of a slot, newest first, as a JSON array; an empty one when there are none. 0 or
 * -ENOMEM. */
int obituaries_text(const struct obituaries *obituaries, unsigned slot, struct buffer *out)
	__attribute__((warn_unused_result));

/* For the next version of the program: a record of that type for each. */
void obituaries_save(const struct obituaries *obituaries, uint32_t type, struct upgrade_writer *writer);

/* Adds one of these behind those that are there. 0, -ENOMEM, or -EBADMSG when it makes no sense. */
int obituaries_restore(struct obituaries *obituaries, const struct upgrade_record *record)
	__attribute__((warn_unused_result));

#endif
