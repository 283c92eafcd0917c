/* SPDX-License-Identifier: MIT
 *
 * Daemon mode (-d): the process that was started returns when the server is ready, or has failed.
 *
 *     started process  - forks, waits for -> guardian (own session) - forks, waits for -> server
 *
 * The guardian exits with 0 when the server says that it is ready, else with the server's own exit
 * status when that ends; the started process passes this on. Until then the guardian copies what
 * comes on the server's standard error to its own, and the server gets SIGTERM if the started
 * process is ended (Ctrl-C). Standard input and output are /dev/null from the start, but for what was asked to be kept,
 * which must not be such a pipe (daemon_log.h). So neither the
 * server nor a worker that it starts before it is ready ever holds a descriptor of whoever started
 * it, who may be waiting for the end of a pipe. Afterwards the server belongs to init, has no
 * terminal, and its session has no leader, so it never gets one. */
#ifndef BROOD_BROOD_SYSTEM_DAEMON_H
#define BROOD_BROOD_SYSTEM_DAEMON_H

#include <stdbool.h>

struct daemon {
	int ready_fd;                    /* to the guardian; -1: no daemon, or ready already */
	bool keeps_output, keeps_errors; /* these standard descriptors stay what they are: logs go there */
};

/* Returns in the server only: 0, or -errno when it could not be made (nothing has changed then, and
 * the caller is still the started process). The working directory is "/" afterwards: relative paths
 * must have been resolved. Signals are at their defaults. To be called before there are threads,
 * children, an event loop or a signalfd, after fd_open_standard and inherit_listeners (the pid
 * changes). Children must not keep ready_fd. */
int daemon_start(struct daemon *out, bool keep_output, bool keep_errors) __attribute__((warn_unused_result));

/* The server is ready: the started process exits with 0, and the standard descriptors become
 * /dev/null, but for those that are kept (0 or -errno of that). Nothing, and 0, when daemon_start was not called
 * (ready_fd -1).
 */
int daemon_ready(struct daemon *daemon) __attribute__((warn_unused_result));

#endif
