/* SPDX-License-Identifier: MIT
 *
 * What the master and the log process say to each other. Host order, both ends on one machine; whoever
 * receives checks sizes and counts. */
#ifndef BROOD_CLUSTER_IPC_LOG_MESSAGE_H
#define BROOD_CLUSTER_IPC_LOG_MESSAGE_H

#include "base/log.h"

#include <stdint.h>

/* Numbers beside those of message.h and command.h. */
enum log_message {
	/* master to log process */
	MESSAGE_LOG_FILE = 48, /* struct log_file_message + descriptor: the log of that number is this file
				  from now on; without one: nobody writes to it any more */
	MESSAGE_LOG_SOURCE,    /* struct log_source_message + queue + pipe: one more to read from; or one that
				  is known, with another error log */
	MESSAGE_LOG_FINISH,    /* no data: write all that is there, then leave */

	/* both ways */
	MESSAGE_LOG_SYNC, /* struct log_sync_message: all that was said before is done, once it comes back. The
			     first one says that all sources there are were told: reading begins */

	/* log process to master */
	MESSAGE_LOG_DRAINED, /* struct log_sync_message: that source has ended, and all it said is written */

	MESSAGE_LOG_PING, /* both ways: struct pulse_message (pulse.h) */
};

enum log_kind {
	LOG_KIND_MESSAGES, /* put together by the log process, which knows who says it */
	LOG_KIND_LINES,    /* whole lines, put together by those who say them */
	LOG_KINDS
};

struct log_file_message {
	uint32_t log, kind; /* enum log_kind */
};

struct log_source_message {
	uint64_t serial;
	int32_t pid;
	uint32_t error_log;
	char tag[LOG_TAG_MAX];
};

struct log_sync_message {
	uint64_t number;
};

#endif
