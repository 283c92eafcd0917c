/* SPDX-License-Identifier: MIT
 *
 * Where a child of the master leaves what it has to say: lines in a queue of its own (base/line_queue.h),
 * which the log process reads, and a pipe that has three uses: an octet 0 wakes that process, anything else
 * is what this one, or a library in it, says on standard output or error, and its end is the end of this
 * process, after which all that is in the queue is written. So no worker holds a log's descriptor, and none
 * can do anything to what others have written. */
#ifndef BROOD_CLUSTER_IPC_LOG_OUTLET_H
#define BROOD_CLUSTER_IPC_LOG_OUTLET_H

#include "base/line_queue.h"

/* What crosses the fork. */
struct log_birth {
	int queue, pipe; /* -1: there is no log process; lines go to standard error */
};

struct log_outlet {
	struct line_queue queue; /* page NULL: none */
};

/* Kinds of lines in a queue. */
enum log_line_kind {
	LOG_LINE_MESSAGE = 0, /* plus the level: struct log_message_head, then the message; to whose error log it
				 goes the master has told */
	LOG_LINE_WHOLE = 16,  /* goes into the file as it is, newline and all */
};

struct log_message_head {
	uint64_t time_ms;
};

/* In the child, once: takes both descriptors, puts the pipe in place of standard output and error, and has
 * base/log.h pass lines on from here on, under the tag and pid that the master has told of. The outlet must
 * live as long as the process. 0 or -errno. */
int log_outlet_open(struct log_outlet *outlet, const struct log_birth *birth) __attribute__((warn_unused_result));

/* Wakes the log process, if there is something that it was not told of. A few times a second, and when
 * line_queue_is_heavy. */
void log_outlet_ring(struct log_outlet *outlet);

#endif
