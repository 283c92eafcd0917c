/* SPDX-License-Identifier: MIT
 *
 * See delivery.h. Workers. */
#include "http/connection/delivery.h"

#include "base/clock.h"
#include "http/connection/connection.h"
#include "http/connection/server.h"
#include "http/files/file.h"
#include "http/files/static.h"
#include "http/tls/tls.h"

#include <stdlib.h>

static void log_item(struct connection *connection, const struct send_queue_item *item)
{
	const struct access_entry *entry = item->entry;
	uint64_t now_us = clock_now_us();
	struct tls_facts facts;
	struct http_log_entry out = {
		.site = entry->site,
		.client = &entry->client.any,
		.peer = peer_address(&connection->peer, connection->stream.fd),
		.https = entry->https || !stream_is_plain(&connection->stream),
		.tls = tls_facts(&connection->stream, &facts) ? &facts : NULL,
		.time = entry->time,
		.request_line = entry->request_line,
		.host = entry->host,
		.referer = entry->referer,
		.user_agent = entry->user_agent,
		.status = entry->status,
		.reason = entry->reason,
		.body_bytes = send_queue_item_body_sent(item),
		.request_id = {entry->request_id, entry->request_id_size},
		.first_us = (entry->first_us ? entry->first_us : now_us) - entry->start_us,
		.duration_us = now_us - entry->start_us,
	};

	connection->server->events.log(connection->server->events.context, &out);
}

static void finish_item(struct connection *connection, struct send_queue_item *item)
{
	if (item->entry)
		log_item(connection, item);
	if (item->file)
		file_release(item->file);
}

/* The same for one whose entry is its own. */
static void finish_own_item(struct connection *connection, struct send_queue_item *item)
{
	finish_item(connection, item);
	free(item->entry);
}

void delivery_abandon(struct connection *connection)
{
	struct send_queue_item *item;

	if (!connection->queue)
		return;
	while ((item = send_queue_take(connection->queue)))
		finish_own_item(connection, item);
	send_queue_free(connection->queue);
	connection->queue = NULL;
}

/* One that goes out whole is done at the time when it begins. */
static void note_begun(const struct send_queue *queue)
{
	struct access_entry *entry = send_queue_entry_begun(queue);

	if (entry && entry->first_us == 0)
		entry->first_us = clock_now_us();
}

enum send_queue_result delivery_write_own(struct connection *connection)
{
	struct send_queue *queue = connection->queue;
	uint64_t before = queue->written;
	enum send_queue_result result = send_queue_write(queue, &connection->stream);
	struct send_queue_item *item;

	connection->sent += queue->written - before;
	note_begun(queue);
	while ((item = send_queue_take_written(queue)))
		finish_own_item(connection, item);
	if (result == SEND_QUEUE_EMPTY) {
		send_queue_free(queue);
		connection->queue = NULL;
	}
	return result;
}

enum send_queue_result delivery_write_staged(struct connection *connection)
{
	struct send_queue *staging = connection->server->staging;
	uint64_t before = staging->written;
	enum send_queue_result result = send_queue_write(staging, &connection->stream);
	struct send_queue_item *item;

	connection->sent += staging->written - before;
	note_begun(staging);
	while ((item = send_queue_take_written(staging)))
		finish_item(connection, item);
	if (result == SEND_QUEUE_BLOCKED || result == SEND_QUEUE_YIELDED) {
		connection->queue = send_queue_detach(staging);
		if (!connection->queue)
			result = SEND_QUEUE_BROKEN;
	}
	while ((item = send_queue_take(staging)))
		finish_item(connection, item);
	send_queue_reset(staging);
	return result;
}
