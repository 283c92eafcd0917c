/* SPDX-License-Identifier: MIT
 *
 * Where the logs of a daemon (-d) can go. It leaves the terminal, or the pipe, of who started it, so what goes to
 * standard output or error would be lost without a word: it stays there if that lasts. Else the error log goes to a
 * file, which is told, and an access log there is an error in the configuration: nobody expects one of these, which
 * grow, in a place that he did not choose. Master only. */
#ifndef BROOD_BROOD_SYSTEM_DAEMON_LOG_H
#define BROOD_BROOD_SYSTEM_DAEMON_LOG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Is that standard descriptor a regular file, or systemd's journal ($JOURNAL_STREAM)? A daemon may keep it: nobody
 * waits for its end. */
bool daemon_log_lasts(int fd);

/* The file: error.log in systemd's folder for the logs of the service ($LOGS_DIRECTORY), else in /var/log/brood for
 * root, and in $XDG_STATE_HOME/brood or ~/.local/state/brood for others. False: there is no place. */
bool daemon_log_find(char out[PATH_MAX]);

/* Makes the folders of that file which are missing. 0, or -errno with a reason in words. */
int daemon_log_make_folder(const char *path, char *reason, size_t room) __attribute__((warn_unused_result));

#endif
