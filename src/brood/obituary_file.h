/* SPDX-License-Identifier: MIT
 *
 * Obituaries as files: obituary-SLOT-TIME-PID.json in the folder that the setting state_dir names,
 * at most OBITUARY_FILES_KEPT of a slot. Master only. */
#ifndef BROOD_BROOD_OBITUARY_FILE_H
#define BROOD_BROOD_OBITUARY_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct cluster_obituary;

enum { OBITUARY_FILES_KEPT = 20 };

/* The folder: `setting` if it is a path; with "auto" /var/lib/brood for root, else
 * $XDG_STATE_HOME/brood, or the folder that systemd has made for the service ($STATE_DIRECTORY). False: none. */
bool obituary_folder(const char *setting, char out[PATH_MAX]);

/* Writes the file whole, or not at all, over one of the same worker and time; makes the folder if
 * it is missing (but not those above it); removes the oldest files of the slot that are too many. 0, or
 * -errno with a reason in words. */
int obituary_file_write(const char *folder, const struct cluster_obituary *obituary,
			const char *text, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

#endif
