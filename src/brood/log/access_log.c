/* SPDX-License-Identifier: MIT
 *
 * Lines of the access log, put together where the log process finds them. How a line looks is
 * access_log_format.c's. Worker only. */
#include "brood/log/access_log.h"

#include "cluster/ipc/log_outlet.h"

_Static_assert((int)ACCESS_LINE_MAX <= (int)LINE_QUEUE_LINE_MAX, "a line goes through in one piece");

void access_log_init(struct access_log *log, struct log_outlet *outlet, enum log_format format)
{
	*log = (struct access_log){
		.outlet = outlet,
		.format = format == LOG_FORMAT_JSON ? access_line_json : access_line_combined,
	};
}

void access_log_add(struct access_log *log, unsigned number, const struct http_log_entry *entry)
{
	struct line_queue *queue = &log->outlet->queue;
	char *room = line_queue_reserve(queue, ACCESS_LINE_MAX);

	if (!room)
		return;
	line_queue_commit(queue, number, LOG_LINE_WHOLE, log->format(&log->cache, room, entry));
	if (line_queue_is_heavy(queue))
		log_outlet_ring(log->outlet);
}
