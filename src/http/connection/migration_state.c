/* SPDX-License-Identifier: MIT
 *
 * Encoding and decoding of what travels with a connection. */
#include "http/connection/migration_state.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>

enum { HEAD_SIZE = 3, MEMBER_HEAD_SIZE = 3 };

enum tag {
	TAG_ANSWERED = 1,
	TAG_WAIT = 2,
	TAG_INPUT = 3,
	TAG_LAST = 4,
	TAG_AGE = 5,
	TAG_EMPTY_LINES = 6,
	TAG_ORIGIN = 7,
	TAG_HOLD = 8,
	TAG_KNOWN = 9, /* tags below it are read here */
	TAG_MUST_KNOW = 128,
	TAG_PEER = 128,
	TAG_AWAIT_PROXY = 129,
	TAG_SESSION = 130,
	TAG_MUST_KNOWN = 131, /* so are those from TAG_MUST_KNOW to below it */
};

enum { ANY_SIZE = -1, PEER_SIZE = 19, HOLD_SIZE = 15 };
enum { HOLD_IN_TOTAL = 1, HOLD_IN_CLIENT = 2 };

/* Those that must be known come behind the others. */
enum { MEMBERS = TAG_KNOWN + TAG_MUST_KNOWN - TAG_MUST_KNOW };

static unsigned member_of(unsigned tag)
{
	return tag < TAG_KNOWN ? tag : tag - TAG_MUST_KNOW + TAG_KNOWN;
}

static const int sizes[MEMBERS] = {
	[TAG_ANSWERED] = 4,
	[TAG_WAIT] = 5,
	[TAG_INPUT] = ANY_SIZE,
	[TAG_LAST] = 0,
	[TAG_AGE] = 8,
	[TAG_EMPTY_LINES] = 1,
	[TAG_ORIGIN] = 4,
	[TAG_HOLD] = HOLD_SIZE,
	[TAG_KNOWN + TAG_PEER - TAG_MUST_KNOW] = PEER_SIZE,
	[TAG_KNOWN + TAG_AWAIT_PROXY - TAG_MUST_KNOW] = 0,
	[TAG_KNOWN + TAG_SESSION - TAG_MUST_KNOW] = ANY_SIZE,
};

static void put_number(char *out, uint64_t number, size_t size)
{
	for (; size > 0; number >>= 8)
		out[--size] = (char)(number & 0xff);
}

static uint64_t get_number(const char *at, size_t size)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | (unsigned char)at[i];
	return number;
}

/* Returns where the value goes. */
static char *put_member(char **at, enum tag tag, size_t size)
{
	char *value = *at + MEMBER_HEAD_SIZE;

	put_number(*at, tag, 1);
	put_number(*at + 1, size, 2);
	*at = value + size;
	return value;
}

enum { PEER_UNIX = 1, PEER_IPV4 = 4, PEER_IPV6 = 6, PEER_OCTETS = 16 };

static void put_peer(char *out, const union peer_address *address)
{
	memset(out, 0, PEER_SIZE);
	switch (address->any.sa_family) {
	case AF_INET:
		out[0] = PEER_IPV4;
		memcpy(out + 1, &address->ipv4.sin_addr, sizeof(address->ipv4.sin_addr));
		put_number(out + 1 + PEER_OCTETS, ntohs(address->ipv4.sin_port), 2);
		break;
	case AF_INET6:
		out[0] = PEER_IPV6;
		memcpy(out + 1, &address->ipv6.sin6_addr, sizeof(address->ipv6.sin6_addr));
		put_number(out + 1 + PEER_OCTETS, ntohs(address->ipv6.sin6_port), 2);
		break;
	default:
		out[0] = PEER_UNIX;
	}
}

/* Of a family that is not known: PEER_SOCKET, which no state has. */
static void take_peer(struct peer *peer, const char *value)
{
	uint16_t port = (uint16_t)get_number(value + 1 + PEER_OCTETS, 2);

	peer->source = PEER_TOLD;
	if (value[0] == PEER_IPV4)
		peer_set_ipv4(&peer->address, value + 1, port);
	else if (value[0] == PEER_IPV6)
		peer_set_ipv6(&peer->address, value + 1, port);
	else if (value[0] == PEER_UNIX)
		peer->address.any.sa_family = AF_UNIX;
	else
		peer->source = PEER_SOCKET;
}

static void put_hold(char *value, const struct quota_hold *hold)
{
	put_number(value, hold->client, 8);
	put_number(value + 8, hold->life, 4);
	put_number(value + 12, hold->worker, 2);
	put_number(value + 14, (hold->in_total ? HOLD_IN_TOTAL : 0u) | (hold->in_client ? HOLD_IN_CLIENT : 0u), 1);
}

static struct quota_hold get_hold(const char *value)
{
	uint64_t bits = get_number(value + 14, 1);

	return (struct quota_hold){
		.client = get_number(value, 8),
		.life = (uint32_t)get_number(value + 8, 4),
		.worker = (uint16_t)get_number(value + 12, 2),
		.in_total = (bits & HOLD_IN_TOTAL) != 0,
		.in_client = (bits & HOLD_IN_CLIENT) != 0,
	};
}

static void put_slice(char **at, enum tag tag, struct slice slice)
{
	if (slice.len > 0)
		memcpy(put_member(at, tag, slice.len), slice.ptr, slice.len);
}

size_t migration_encode(const struct migration_state *state, char *out)
{
	char *at = out + HEAD_SIZE, *value;

	assert(state->input.len <= MIGRATION_INPUT_MAX && state->session.len <= MIGRATION_SESSION_MAX);
	put_number(put_member(&at, TAG_ANSWERED, 4), state->answered, 4);
	value = put_member(&at, TAG_WAIT, 5);
	put_number(value, state->wait, 1);
	put_number(value + 1, state->left_ms, 4);
	if (state->last)
		put_member(&at, TAG_LAST, 0);
	if (state->age_us > 0)
		put_number(put_member(&at, TAG_AGE, 8), state->age_us, 8);
	if (state->empty_lines > 0)
		put_number(put_member(&at, TAG_EMPTY_LINES, 1), state->empty_lines, 1);
	if (state->origin > 0)
		put_number(put_member(&at, TAG_ORIGIN, 4), state->origin, 4);
	if (state->peer.source == PEER_TOLD)
		put_peer(put_member(&at, TAG_PEER, PEER_SIZE), &state->peer.address);
	if (state->awaits_proxy)
		put_member(&at, TAG_AWAIT_PROXY, 0);
	if (state->hold.in_total || state->hold.in_client)
		put_hold(put_member(&at, TAG_HOLD, HOLD_SIZE), &state->hold);
	put_slice(&at, TAG_SESSION, state->session);
	put_slice(&at, TAG_INPUT, state->input);
	put_number(out, MIGRATION_VERSION, 1);
	put_number(out + 1, (uint64_t)(at - out) - HEAD_SIZE, 2);
	return (size_t)(at - out);
}

/* Of a size that has been checked. */
static void take_member(struct migration_state *state, enum tag tag, const char *value, size_t size)
{
	switch (tag) {
	case TAG_ANSWERED:
		state->answered = (uint32_t)get_number(value, size);
		break;
	case TAG_WAIT:
		state->wait = (enum migration_wait)get_number(value, 1);
		state->left_ms = (uint32_t)get_number(value + 1, 4);
		break;
	case TAG_INPUT:
		state->input = (struct slice){value, size};
		break;
	case TAG_LAST:
		state->last = true;
		break;
	case TAG_AGE:
		state->age_us = get_number(value, size);
		break;
	case TAG_EMPTY_LINES:
		state->empty_lines = (uint8_t)get_number(value, size);
		break;
	case TAG_ORIGIN:
		state->origin = (uint32_t)get_number(value, size);
		break;
	case TAG_PEER:
		take_peer(&state->peer, value);
		break;
	case TAG_AWAIT_PROXY:
		state->awaits_proxy = true;
		break;
	case TAG_SESSION:
		state->session = (struct slice){value, size};
		break;
	case TAG_HOLD:
		state->hold = get_hold(value);
		break;
	case TAG_KNOWN:
	case TAG_MUST_KNOWN:
		break;
	}
}

/* Whether the members make sense together. */
static bool is_sound(const struct migration_state *state, uint32_t present)
{
	bool head = state->wait == MIGRATION_WAIT_HEAD;

	if ((present & 1u << TAG_ANSWERED) == 0 || (present & 1u << TAG_WAIT) == 0)
		return false;
	if ((present & 1u << member_of(TAG_SESSION)) != 0 &&
	    (state->session.len == 0 || state->session.len > MIGRATION_SESSION_MAX))
		return false;
	if (state->peer.source == PEER_SOCKET ||
	    (state->awaits_proxy &&
	     (state->wait == MIGRATION_WAIT_IDLE || state->session.len > 0 || state->peer.source == PEER_TOLD)))
		return false;
	if (!head && state->wait != MIGRATION_WAIT_FIRST && state->wait != MIGRATION_WAIT_IDLE)
		return false;
	return head == (state->input.len > 0);
}

int migration_decode(struct migration_state *out, const void *data, size_t size)
{
	const char *at = data, *end;
	uint32_t present = 0;

	*out = (struct migration_state){0};
	if (size < HEAD_SIZE || size > HTTP_STATE_MAX || get_number(at, 1) != MIGRATION_VERSION ||
	    get_number(at + 1, 2) != size - HEAD_SIZE)
		return -EINVAL;
	end = at + size;
	for (at += HEAD_SIZE; at < end;) {
		unsigned tag;
		size_t length;

		if (end - at < MEMBER_HEAD_SIZE)
			return -EINVAL;
		tag = (unsigned)get_number(at, 1);
		length = (size_t)get_number(at + 1, 2);
		at += MEMBER_HEAD_SIZE;
		if ((size_t)(end - at) < length || tag == 0 || tag >= TAG_MUST_KNOWN)
			return -EINVAL;
		if (tag < TAG_KNOWN || tag >= TAG_MUST_KNOW) {
			unsigned member = member_of(tag);

			if ((present & 1u << member) != 0 ||
			    (sizes[member] != ANY_SIZE && (size_t)sizes[member] != length))
				return -EINVAL;
			present |= 1u << member;
			take_member(out, (enum tag)tag, at, length);
		}
		at += length;
	}
	return is_sound(out, present) ? 0 : -EINVAL;
}
