/* SPDX-License-Identifier: MIT
 *
 * Obituaries as files: obituary-SLOT-TIME-SERVER-PID.json in the folder that the setting state_dir names,
 * at most OBITUARY_FILES_KEPT of a slot of each server, of which several may have the same folder. Master
 * only. */
#ifndef BROOD_BROOD_ADMIN_OBITUARY_FILE_H
#define BROOD_BROOD_ADMIN_OBITUARY_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cluster_obituary;
struct config;
struct options;

enum { OBITUARY_FILES_KEPT = 20, OBITUARY_SERVER_MAX = 9 };

/* What tells this server from others on the machine, and is the same when it is started again: 8 hexadecimal
 * digits, of its user, its command line, and where that was given. Of two that were started exactly alike only
 * one has the address; where the kernel chooses the port, the master's pid counts as well. */
void obituary_server(const struct options *options, char *const *argv, const struct config *config, pid_t master,
		     char out[OBITUARY_SERVER_MAX]);

/* The folder: `setting` if it is a path; with "auto" /var/lib/brood for root, else
 * $XDG_STATE_HOME/brood, or the folder that systemd has made for the service ($STATE_DIRECTORY). False: none. */
bool obituary_folder(const char *setting, char out[PATH_MAX]);

/* Writes the file whole, or not at all, over one of the same worker and time; makes the folder if
 * it is missing (but not those above it); removes the oldest files of the server's slot that are too many, also
 * those of former versions, which had no server in their names. 0, or -errno with a reason in words. */
int obituary_file_write(const char *folder, const char *server, const struct cluster_obituary *obituary,
			const char *text, char *reason, size_t reason_room) __attribute__((warn_unused_result));

#endif
