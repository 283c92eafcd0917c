/* SPDX-License-Identifier: MIT
 *
 * See log_outlet.h. Children of the master. */
#include "cluster/ipc/log_outlet.h"

#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void log_outlet_ring(struct log_outlet *outlet)
{
	int saved = errno;

	if (!outlet->queue.page || !line_queue_is_untold(&outlet->queue))
		return;
	/* A pipe that is full has woken its reader; one without a reader gets another. */
	(void)!write(STDERR_FILENO, "", 1);
	line_queue_told(&outlet->queue);
	errno = saved;
}

static void pass_on(void *context, const struct log_entry *entry)
{
	struct log_message_head head = {.time_ms = entry->time_ms};
	struct log_outlet *outlet = context;
	size_t size = strlen(entry->message);
	char *room = line_queue_reserve(&outlet->queue, sizeof(head) + size);

	if (!room)
		return;
	memcpy(room, &head, sizeof(head));
	memcpy(room + sizeof(head), entry->message, size);
	line_queue_commit(&outlet->queue, 0, (uint16_t)(LOG_LINE_MESSAGE + entry->level), sizeof(head) + size);
	log_outlet_ring(outlet);
}

int log_outlet_open(struct log_outlet *outlet, const struct log_birth *birth)
{
	int queue = birth->queue, pipe = birth->pipe, error;

	*outlet = (struct log_outlet){0};
	if (queue < 0)
		return 0;
	error = line_queue_open(&outlet->queue, queue);
	if (!error && (dup2(pipe, STDOUT_FILENO) < 0 || dup2(pipe, STDERR_FILENO) < 0))
		error = -errno;
	fd_close(&queue);
	fd_close(&pipe);
	if (!error)
		log_set_sink(pass_on, outlet);
	return error;
}
