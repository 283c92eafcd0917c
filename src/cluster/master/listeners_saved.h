/* SPDX-License-Identifier: MIT
 *
 * Listeners, from one version of the master to another. Master only. */
#ifndef BROOD_CLUSTER_MASTER_LISTENERS_SAVED_H
#define BROOD_CLUSTER_MASTER_LISTENERS_SAVED_H

#include "cluster/ipc/listeners.h"
#include "cluster/upgrade/fd_claims.h"
#include "cluster/upgrade/upgrade_record.h"

void listener_save(const struct listener *listener, struct upgrade_writer *writer);

/* One more, without sockets; and one more of its sockets, which is claimed and taken. 0, -ENOMEM, or -EBADMSG when that
 * makes no sense. */
int listener_restore(struct listeners *listeners, const struct upgrade_record *record)
	__attribute__((warn_unused_result));
int listener_restore_socket(struct listeners *listeners, const struct upgrade_record *record, struct fd_claims *claims)
	__attribute__((warn_unused_result));

/* There is one, and each has a socket. */
bool listeners_are_whole(const struct listeners *listeners);

#endif
