/* SPDX-License-Identifier: MIT
 *
 * Listening sockets that were bound by whoever started us: systemd's socket activation
 * (sd_listen_fds(3)). Master only. */
#ifndef BROOD_BROOD_SYSTEM_INHERIT_H
#define BROOD_BROOD_SYSTEM_INHERIT_H

#include <stddef.h>

/* Takes the sockets that LISTEN_FDS names, if LISTEN_PID is this very process: `fds` gets those
 * that are listening stream sockets (TCP or Unix), close-on-exec and non-blocking, owned by the
 * caller. Others, and what exceeds `room`, are closed and logged as warnings. The variables are
 * unset in any case, so that no child takes them for its own. Their names (LISTEN_FDNAMES) are not
 * used: the sockets name their addresses. To be called before anything is opened, and before
 * daemon_start. Returns how many, 0 for none. */
size_t inherit_listeners(int *fds, size_t room);

#endif
