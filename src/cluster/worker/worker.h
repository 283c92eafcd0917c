/* SPDX-License-Identifier: MIT
 *
 * A worker process, from birth to exit. All that crosses the fork is in struct birth. */
#ifndef BROOD_CLUSTER_WORKER_WORKER_H
#define BROOD_CLUSTER_WORKER_WORKER_H

#include "cluster/ipc/board.h"
#include "cluster/cluster.h"
#include "cluster/ipc/listeners.h"
#include "cluster/ipc/log_outlet.h"

enum { WORKER_SOCKETS_MAX = 2048 };

struct birth {
	unsigned slot, generation;
	const struct cluster_options *options;
	const struct cluster_program *program;

	int channel; /* the worker's end */
	struct log_birth log;
	struct board *boards; /* of all slots, as mapped in the master */
	unsigned board_count;
	int record; /* which one of boards[slot] is this worker's */

	int sockets[WORKER_SOCKETS_MAX]; /* to accept on, with their listeners' numbers */
	unsigned listeners[WORKER_SOCKETS_MAX];
	size_t socket_count;

	struct listener_tag tags[2 * CLUSTER_LISTEN_MAX + LISTENERS_LEAVING_MAX]; /* of all listeners there are */
	size_t tag_count;
};

/* The child's main function (brood_process_options.main); `birth` is a struct birth. Returns an exit
 * code of enum cluster_exit. */
int worker_main(void *birth);

#endif
