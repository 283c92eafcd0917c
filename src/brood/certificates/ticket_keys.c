/* SPDX-License-Identifier: MIT
 *
 * A key seals for `rotate`, then opens for `lifetime` more:
 *
 *     key 1   |-- seals --|-------- opens --------|
 *     key 2               |-- seals --|-------- opens --------|  */
#include "brood/certificates/ticket_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* How long a key may seal, so that all that can still be needed fit. */
static uint64_t seal_ms(const struct ticket_times *times)
{
	uint64_t least = times->lifetime_ms / (TLS_TICKET_KEYS_MAX - 2) + 1;

	return times->rotate_ms > least ? times->rotate_ms : least;
}

static bool make_key(struct ticket_key *out, uint64_t now_ms)
{
	out->made_ms = now_ms;
	return getrandom(&out->key, sizeof(out->key), GRND_NONBLOCK) == sizeof(out->key);
}

/* The one before it stopped sealing when this one was made. */
static bool is_needed(const struct ticket_keys *keys, size_t index, const struct ticket_times *times, uint64_t now_ms)
{
	return index == 0 || now_ms < keys->keys[index - 1].made_ms + times->lifetime_ms;
}

static bool add_key(struct ticket_keys *keys, uint64_t now_ms)
{
	struct ticket_key fresh;

	if (!make_key(&fresh, now_ms))
		return false;
	if (keys->count == TLS_TICKET_KEYS_MAX)
		keys->count--;
	memmove(&keys->keys[1], &keys->keys[0], keys->count * sizeof(keys->keys[0]));
	keys->keys[0] = fresh;
	keys->count++;
	explicit_bzero(&fresh, sizeof(fresh));
	return true;
}

bool ticket_keys_rotate(struct ticket_keys *keys, const struct ticket_times *times, uint64_t now_ms)
{
	bool changed = false;

	if (keys->count == 0 || now_ms >= keys->keys[0].made_ms + seal_ms(times))
		changed = add_key(keys, now_ms);
	while (keys->count > 0 && !is_needed(keys, keys->count - 1, times, now_ms)) {
		explicit_bzero(&keys->keys[--keys->count], sizeof(keys->keys[0]));
		changed = true;
	}
	return changed;
}

uint64_t ticket_keys_due_ms(const struct ticket_keys *keys, const struct ticket_times *times)
{
	uint64_t due, drop;

	if (keys->count == 0)
		return 0;
	due = keys->keys[0].made_ms + seal_ms(times);
	if (keys->count > 1) {
		drop = keys->keys[keys->count - 2].made_ms + times->lifetime_ms;
		due = drop < due ? drop : due;
	}
	return due;
}

size_t ticket_keys_list(const struct ticket_keys *keys, struct tls_ticket_key out[TLS_TICKET_KEYS_MAX])
{
	for (size_t i = 0; i < keys->count; i++)
		out[i] = keys->keys[i].key;
	return keys->count;
}

int ticket_keys_read(struct ticket_keys *keys, const void *octets, size_t size, uint64_t now_ms, char *reason,
		     size_t room)
{
	size_t each = sizeof(struct tls_ticket_key), count = size / each;

	if (size == 0 || size % each != 0) {
		snprintf(reason, room, "want keys of %zu octets each, not %zu octets", each, size);
		return -EINVAL;
	}
	if (count > TLS_TICKET_KEYS_MAX) {
		snprintf(reason, room, "%d keys at most", TLS_TICKET_KEYS_MAX);
		return -EINVAL;
	}
	ticket_keys_forget(keys);
	for (size_t i = 0; i < count; i++) {
		memcpy(&keys->keys[i].key, (const char *)octets + i * each, each);
		keys->keys[i].made_ms = now_ms;
	}
	keys->count = count;
	return 0;
}

void ticket_keys_forget(struct ticket_keys *keys)
{
	explicit_bzero(keys, sizeof(*keys));
}
