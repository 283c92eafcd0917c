/* SPDX-License-Identifier: MIT
 *
 * The server of an experiment: this very program, started once more, on a free port of the loopback
 * address, with its own files and configuration. What it says on standard error is read, since that
 * tells how a restart ended. */
#ifndef BROOD_PROVE_PRIVATE_SERVER_H
#define BROOD_PROVE_PRIVATE_SERVER_H

#include "prove/prove_site.h"
#include "prove/stage.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { PRIVATE_SERVER_LINES = 12, PRIVATE_SERVER_LINE_MAX = 400 };

struct private_server {
	struct stage *stage; /* whose children's ends are told to us while the server lives */
	pid_t pid;           /* the master; 0: none */
	bool ended;
	struct brood_process_end end;
	int ready_fd, stderr_fd;
	struct event ready_event, stderr_event;

	struct sockaddr_storage address; /* once ready */
	bool ready;

	/* What it has said so far. */
	unsigned rolls_done, rolls_failed;
	unsigned generation;                                      /* of the last roll */
	char line[PRIVATE_SERVER_LINES][PRIVATE_SERVER_LINE_MAX]; /* the last ones, a ring */
	size_t lines;     /* all that ever were, the one being read not counted */
	size_t line_size; /* of that one */
};

/* Starts it with so many workers and that accept mode. 0 or -errno; in every case
 * private_server_stop is to follow. */
int private_server_start(struct private_server *server, struct stage *stage, const struct site *site,
			 const char *accept, unsigned workers) __attribute__((warn_unused_result));

void private_server_signal(const struct private_server *server, int signal);

/* Kills a worker, which must be a child of the server. Returns a descriptor that is readable when
 * it is dead, all it held being closed by then; or -errno. */
int private_server_kill(const struct private_server *server, pid_t worker) __attribute__((warn_unused_result));

/* Asks it to stop, and kills it when it does not. Takes some seconds at most. False when it has not
 * stopped as asked, with exit status 0. An all-zero struct is one that was never started. */
bool private_server_stop(struct private_server *server);

/* Its last lines, from the oldest (0); NULL behind the last one. */
const char *private_server_line(const struct private_server *server, size_t index);

#endif
