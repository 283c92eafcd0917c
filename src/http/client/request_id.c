/* SPDX-License-Identifier: MIT
 *
 * See request_id.h. */
#include "http/client/request_id.h"

#include "http/client/client.h"
#include "http/message/guard.h"
#include "http/message/request.h"

#include <sys/random.h>
#include <time.h>

enum { RANDOM_SIZE = 10 };

/* What may be in an id: a token's octets, and those that base64 and paths have besides. Nothing of
 * it can end a field or a text in a log. */
static bool is_well_formed(struct slice id)
{
	if (id.len == 0 || id.len > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!guard_is_token((unsigned char)id.ptr[i]) && !memchr("/:=@", id.ptr[i], 4))
			return false;
	return true;
}

/* Without any, which a kernel that has started never lacks, ids differ by their time only. */
static void take_random(struct request_ids *ids, unsigned char out[RANDOM_SIZE])
{
	if (ids->left < RANDOM_SIZE) {
		ssize_t size = getrandom(ids->pool, sizeof(ids->pool), GRND_NONBLOCK);

		ids->left = size > 0 ? (size_t)size : 0;
	}
	if (ids->left < RANDOM_SIZE) {
		memset(out, 0, RANDOM_SIZE);
		return;
	}
	ids->left -= RANDOM_SIZE;
	memcpy(out, ids->pool + ids->left, RANDOM_SIZE);
}

/* The text of a UUID of version 7, from milliseconds since 1970 and ten random octets. */
static void format(uint64_t wall_ms, const unsigned char random[10], char out[REQUEST_ID_UUID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char octets[16];

	for (int i = 0; i < 6; i++)
		octets[i] = (unsigned char)(wall_ms >> (40 - 8 * i));
	memcpy(octets + 6, random, RANDOM_SIZE);
	octets[6] = (octets[6] & 0x0f) | 0x70; /* the version */
	octets[8] = (octets[8] & 0x3f) | 0x80; /* the variant */
	for (size_t i = 0; i < sizeof(octets); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex[octets[i] >> 4];
		*out++ = hex[octets[i] & 15];
	}
}

static struct slice make(struct request_ids *ids, char room[REQUEST_ID_UUID_SIZE])
{
	unsigned char random[RANDOM_SIZE];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	take_random(ids, random);
	format((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, random, room);
	return (struct slice){room, REQUEST_ID_UUID_SIZE};
}

struct slice request_id_get(struct request_ids *ids, const struct request *request, char room[REQUEST_ID_UUID_SIZE])
{
	const struct request_field *field = request_field(request, FIELD_X_REQUEST_ID, NULL);

	if (field && is_well_formed(field->value) && !request_field(request, FIELD_X_REQUEST_ID, field) &&
	    client_has_trusted_peer(request->client))
		return field->value;
	return make(ids, room);
}
