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

static void log_item(struct connection *connection, const struct outbox_item *item)
{
	const struct record *record = item->record;
	uint64_t now_us = clock_now_us();
	struct tls_facts facts;
	struct http_log_record out = {
		.site = record->site,
		.client = &record->client.any,
		.peer = peer_address(&connection->peer, connection->stream.fd),
		.https = record->https || !stream_is_plain(&connection->stream),
		.tls = tls_facts(&connection->stream, &facts) ? &facts : NULL,
		.time = record->time,
		.request_line = record->request_line,
		.host = record->host,
		.referer = record->referer,
		.user_agent = record->user_agent,
		.status = record->status,
		.reason = record->reason,
		.body_bytes = outbox_item_body_sent(item),
		.request_id = {record->request_id, record->request_id_size},
		.first_us = (record->first_us ? record->first_us : now_us) - record->start_us,
		.duration_us = now_us - record->start_us,
	};

	connection->server->events.log(connection->server->events.context, &out);
}

static void finish_item(struct connection *connection, struct outbox_item *item)
{
	if (item->record)
		log_item(connection, item);
	if (item->file)
		file_release(item->file);
}

/* The same for one whose record is its own. */
static void finish_own_item(struct connection *connection, struct outbox_item *item)
{
	finish_item(connection, item);
	free(item->record);
}

void delivery_abandon(struct connection *connection)
{
	struct outbox_item *item;

	if (!connection->outbox)
		return;
	while ((item = outbox_take(connection->outbox)))
		finish_own_item(connection, item);
	outbox_free(connection->outbox);
	connection->outbox = NULL;
}

/* One that goes out whole is done at the time when it begins. */
static void note_begun(const struct outbox *outbox)
{
	struct record *record = outbox_record_begun(outbox);

	if (record && record->first_us == 0)
		record->first_us = clock_now_us();
}

enum outbox_result delivery_write_own(struct connection *connection)
{
	struct outbox *outbox = connection->outbox;
	uint64_t before = outbox->written;
	enum outbox_result result = outbox_write(outbox, &connection->stream);
	struct outbox_item *item;

	connection->sent += outbox->written - before;
	note_begun(outbox);
	while ((item = outbox_take_written(outbox)))
		finish_own_item(connection, item);
	if (result == OUTBOX_EMPTY) {
		outbox_free(outbox);
		connection->outbox = NULL;
	}
	return result;
}

enum outbox_result delivery_write_staged(struct connection *connection)
{
	struct outbox *staging = connection->server->staging;
	uint64_t before = staging->written;
	enum outbox_result result = outbox_write(staging, &connection->stream);
	struct outbox_item *item;

	connection->sent += staging->written - before;
	note_begun(staging);
	while ((item = outbox_take_written(staging)))
		finish_item(connection, item);
	if (result == OUTBOX_BLOCKED || result == OUTBOX_YIELDED) {
		connection->outbox = outbox_detach(staging);
		if (!connection->outbox)
			result = OUTBOX_BROKEN;
	}
	while ((item = outbox_take(staging)))
		finish_item(connection, item);
	outbox_reset(staging);
	return result;
}
