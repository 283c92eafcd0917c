/* SPDX-License-Identifier: MIT
 *
 * A long line to the server: connections to its own address go on to the server's, and whatever happens on one end,
 * octets, the end or a reset, is seen on the other some time later. In the loop of who uses it. */
#ifndef BROOD_PROVE_PROVE_LINE_H
#define BROOD_PROVE_PROVE_LINE_H

#include <event2/event.h>
#include <event2/event_struct.h> /* before base/list.h, whose LIST_ENTRY is another one */

#include "base/list.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct line {
	struct event_base *base;
	struct sockaddr_storage address; /* where it begins, on the loopback address */
	struct sockaddr_in server;       /* where it ends */
	unsigned delay_ms;               /* each way */
	int fd;
	struct event accepting, tick;
	bool watching;
	struct list calls; /* connections */
};

/* 0 or -errno; in every case line_close is to follow. */
int line_open(struct line *line, struct event_base *base, const struct sockaddr_storage *server, unsigned delay_ms)
	__attribute__((warn_unused_result));

/* Cuts what there is. An all-zero struct is one that was never opened. */
void line_close(struct line *line);

#endif
