/* SPDX-License-Identifier: MIT
 *
 * The admin process: an unprivileged child of the master that speaks with people's programs over the
 * control socket, so that the master never reads what they send. It passes commands on as small fixed
 * messages (cluster/ipc/command.h), reads the scoreboard by itself, and holds no state that matters: when
 * it dies, another one takes its place.
 *
 *     broodctl --JSON lines (control/protocol.h)--> admin --struct command--> master
 *
 *     admin.c         its life, and what goes between clients and the master
 *     admin_client.c  its clients' connections
 *     admin_status.c  status as JSON */
#ifndef BROOD_BROOD_ADMIN_ADMIN_H
#define BROOD_BROOD_ADMIN_ADMIN_H

#include "base/privilege.h"
#include "cluster/ipc/board.h"

#include <sys/types.h>

/* All that crosses the fork. The child's descriptors: these, those of the boards, and the log's. */
struct admin_birth {
	int channel;          /* the admin's end */
	int control_fd;       /* listening, bound by the master */
	struct board *boards; /* of all slots, as mapped in the master; malloc'd, the child's copy */
	unsigned board_count;
	const struct privilege *privilege;
	uid_t owner;  /* besides root, who may give commands */
	pid_t master; /* whose end is ours; the parent may be gone before we look */
};

/* The child's life; returns its exit status (enum cluster_exit). It ends when the master does: when the
 * channel ends, who waits for a stop is told so once the master process is gone, so the master must
 * not wait for the admin. */
int admin_main(const struct admin_birth *birth);

#endif
