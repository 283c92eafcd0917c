/* SPDX-License-Identifier: MIT
 *
 * Entries for the access log. */
#include "http/client/access_entry.h"

#include "base/clock.h"
#include "http/client/client.h"
#include "http/message/request.h"

#include <stdlib.h>

static struct slice value_of(const struct request *request, enum field_id id)
{
	const struct request_field *field = request_field(request, id, NULL);

	return field ? field->value : (struct slice){NULL, 0};
}

void access_entry_fill(struct access_entry *out, const struct request *request, struct slice name, uint64_t start_us)
{
	/* First of all, since the parts of what follows are put together in no particular order. */
	client_address(request->client);
	*out = (struct access_entry){
		.request_line = request->line,
		.host = request->host,
		.referer = value_of(request, FIELD_REFERER),
		.user_agent = value_of(request, FIELD_USER_AGENT),
		.time = clock_wall_seconds(),
		.start_us = start_us,
		.https = client_came_by_https(request->client),
		.client = request->client->address,
		.request_id_size = (uint8_t)name.len,
	};
	if (name.len > 0)
		memcpy(out->request_id, name.ptr, name.len);
}

struct access_entry *access_entry_copy(const struct access_entry *entry)
{
	size_t size = entry->request_line.len + entry->host.len + entry->referer.len + entry->user_agent.len;
	struct access_entry *copy = malloc(sizeof(*copy) + size);

	if (!copy)
		return NULL;
	*copy = *entry;

	struct slice *parts[] = {&copy->request_line, &copy->host, &copy->referer, &copy->user_agent};
	char *text = (char *)(copy + 1);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i]->len > 0)
			memcpy(text, parts[i]->ptr, parts[i]->len);
		parts[i]->ptr = text;
		text += parts[i]->len;
	}
	return copy;
}
