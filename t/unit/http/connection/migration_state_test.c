/* SPDX-License-Identifier: MIT
 *
 * What travels with a connection: the octets are frozen, what is written is read, later additions
 * are skipped or refused as they ask for, and what is damaged is refused and nothing more. */
#include "http/connection/migration_state.h"

#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

static const struct migration_state all_there = {
	.answered = 0x01020304,
	.wait = MIGRATION_WAIT_HEAD,
	.left_ms = 0x0a0b0c0d,
	.last = true,
	.empty_lines = 3,
	.age_us = 0x1112131415161718,
	.origin = 0x21222324,
	.hold = {.client = 0x2122232425262728,
		 .life = 0x31323334,
		 .worker = 0x4142,
		 .in_total = true,
		 .in_client = true},
	.input = {"GET /", 5},
};
static const char all_there_octets[] = "\x01\x00\x42"
				       "\x01\x00\x04\x01\x02\x03\x04"
				       "\x02\x00\x05\x02\x0a\x0b\x0c\x0d"
				       "\x04\x00\x00"
				       "\x05\x00\x08\x11\x12\x13\x14\x15\x16\x17\x18"
				       "\x06\x00\x01\x03"
				       "\x07\x00\x04\x21\x22\x23\x24"
				       "\x08\x00\x0f\x21\x22\x23\x24\x25\x26\x27\x28\x31\x32\x33\x34\x41\x42\x03"
				       "\x03\x00\x05GET /";
enum { ALL_THERE_SIZE = sizeof(all_there_octets) - 1 };

/* At the very end of a piece of memory, so that reading beyond it is seen by the tools for that. */
static int decode(struct migration_state *out, const char *octets, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, octets, size);
	rc = migration_decode(out, copy, size);
	if (rc == 0 && out->input.len > 0) {
		assert_true(out->input.ptr >= copy);
		assert_true(out->input.ptr + out->input.len <= copy + size);
	}
	free(copy);
	return rc;
}

static void assert_same(const struct migration_state *a, const struct migration_state *b)
{
	assert_int_equal(a->answered, b->answered);
	assert_int_equal(a->wait, b->wait);
	assert_int_equal(a->left_ms, b->left_ms);
	assert_int_equal(a->last, b->last);
	assert_int_equal(a->empty_lines, b->empty_lines);
	assert_int_equal(a->age_us, b->age_us);
	assert_int_equal(a->origin, b->origin);
	assert_true(slice_equal(a->input, b->input));
	assert_int_equal(a->hold.client, b->hold.client);
	assert_int_equal(a->hold.life, b->hold.life);
	assert_int_equal(a->hold.worker, b->hold.worker);
	assert_int_equal(a->hold.in_total, b->hold.in_total);
	assert_int_equal(a->hold.in_client, b->hold.in_client);
}

static void the_octets_are_as_they_always_were(void **context)
{
	static char out[HTTP_STATE_MAX];
	struct migration_state state;

	(void)context;
	assert_int_equal(migration_encode(&all_there, out), ALL_THERE_SIZE);
	assert_memory_equal(out, all_there_octets, ALL_THERE_SIZE);
	assert_int_equal(migration_decode(&state, all_there_octets, ALL_THERE_SIZE), 0);
	assert_same(&state, &all_there);
}

static void what_is_written_is_read(void **context)
{
	static const uint32_t numbers[] = {0, 1, 255, 256, 65536, UINT32_MAX};
	static char out[HTTP_STATE_MAX], input[MIGRATION_INPUT_MAX];

	(void)context;
	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (char)i;
	for (unsigned bits = 0; bits < 6 * 3 * 2 * 2; bits++) {
		struct migration_state state =
					       {
						       .answered = numbers[bits % 6],
						       .wait = (enum migration_wait)(1 + bits / 6 % 3),
						       .left_ms = numbers[(bits + 3) % 6],
						       .last = bits / 18 % 2 == 1,
						       .empty_lines = (uint8_t)(bits % 5),
						       .age_us = bits / 36 % 2 == 1 ? UINT64_MAX - bits : 0,
						       .origin = numbers[(bits + 1) % 6],
						       .hold = {.in_total = bits % 2 == 1, .in_client = bits % 3 == 1},
					       },
				       read;

		if (state.wait == MIGRATION_WAIT_HEAD)
			state.input = (struct slice){input, bits % 2 ? sizeof(input) : 1 + bits};

		size_t size = migration_encode(&state, out);

		assert_in_range(size, 1, HTTP_STATE_MAX);
		assert_int_equal(migration_decode(&read, out, size), 0);
		assert_same(&read, &state);
	}
}

static void what_is_cut_off_anywhere_is_refused(void **context)
{
	static char more[ALL_THERE_SIZE + 1];
	struct migration_state state;

	(void)context;
	for (size_t size = 0; size < ALL_THERE_SIZE; size++)
		assert_int_equal(decode(&state, all_there_octets, size), -EINVAL);
	memcpy(more, all_there_octets, ALL_THERE_SIZE);
	assert_int_equal(decode(&state, more, sizeof(more)), -EINVAL);
}

/* Cut off, with the size of the whole put right: only what was lost can make it wrong. */
static void what_is_cut_off_within_a_member_is_refused(void **context)
{
	char octets[ALL_THERE_SIZE];
	struct migration_state state;
	unsigned accepted = 0;

	(void)context;
	memcpy(octets, all_there_octets, sizeof(octets));
	for (size_t size = 3; size < ALL_THERE_SIZE; size++) {
		octets[2] = (char)(size - 3);
		/* Without the input a head cannot have begun. */
		assert_int_equal(decode(&state, octets, size), -EINVAL);
		octets[13] = MIGRATION_WAIT_IDLE;
		accepted += decode(&state, octets, size) == 0;
		octets[13] = MIGRATION_WAIT_HEAD;
	}
	assert_int_equal(octets[13], all_there_octets[13]);
	assert_int_equal(accepted, 6); /* behind each member from the second on */
}

static void any_octet_may_be_any_other(void **context)
{
	char octets[ALL_THERE_SIZE];
	struct migration_state state;
	unsigned accepted = 0;

	(void)context;
	for (size_t at = 0; at < ALL_THERE_SIZE; at++) {
		for (unsigned value = 0; value < 256; value++) {
			memcpy(octets, all_there_octets, sizeof(octets));
			octets[at] = (char)value;
			if (decode(&state, octets, sizeof(octets)) < 0)
				continue;
			accepted++;
			assert_int_equal(state.wait == MIGRATION_WAIT_HEAD, state.input.len > 0);
			assert_in_range(state.wait, MIGRATION_WAIT_FIRST, MIGRATION_WAIT_IDLE);
		}
	}
	/* Values of numbers and input can be anything: 41 octets. And tags of the members that need
	 * not be there can be any that is not known. */
	assert_in_range(accepted, 41 * 256, 41 * 256 + 5 * 128 + ALL_THERE_SIZE);
}

static void noise_is_survived(void **context)
{
	struct migration_state state;
	char octets[64];

	(void)context;
	srand(3);
	for (unsigned round = 0; round < 200000; round++) {
		size_t size = 3 + (size_t)rand() % (sizeof(octets) - 2);

		/* Well framed on the outside, and with small numbers most of the time. */
		for (size_t i = 0; i < size; i++)
			octets[i] = (char)(rand() % (rand() % 4 ? 8 : 256));
		octets[0] = 1;
		octets[1] = 0;
		octets[2] = (char)(size - 3);
		if (decode(&state, octets, size) == 0)
			assert_int_equal(state.wait == MIGRATION_WAIT_HEAD, state.input.len > 0);
	}
}

#define ANSWERED   "\x01\x00\x04\x00\x00\x00\x07"
#define WAIT(kind) "\x02\x00\x05" kind "\x00\x00\x00\x09"

static int decode_members(struct migration_state *state, const char *members, size_t size)
{
	char octets[256] = {MIGRATION_VERSION, 0, (char)size};

	memcpy(octets + 3, members, size);
	return decode(state, octets, 3 + size);
}
#define DECODE(state, members) decode_members(state, members, sizeof(members) - 1)

static void later_members_are_skipped_or_refused_as_they_ask(void **context)
{
	struct migration_state state;

	(void)context;
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03")), 0);
	assert_int_equal(DECODE(&state, WAIT("\x03") ANSWERED), 0);
	assert_int_equal(DECODE(&state, ANSWERED "\x0b\x00\x00" WAIT("\x03")), 0);
	assert_int_equal(DECODE(&state, "\x0b\x00\x02xy" ANSWERED WAIT("\x01") "\x7f\x00\x01z"), 0);
	assert_int_equal(state.answered, 7);
	assert_int_equal(state.wait, MIGRATION_WAIT_FIRST);
	assert_int_equal(state.left_ms, 9);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") "\x83\x00\x00"), -EINVAL);
	assert_int_equal(DECODE(&state, "\x84\x00\x00" ANSWERED WAIT("\x03")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") "\xff\x00\x02xy"), -EINVAL);
}

static void what_makes_no_sense_is_refused(void **context)
{
	struct migration_state state;
	static char large[HTTP_STATE_MAX + 1];

	(void)context;
	assert_int_equal(DECODE(&state, ""), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED), -EINVAL);
	assert_int_equal(DECODE(&state, WAIT("\x03")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x00")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x04")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x02")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") "\x03\x00\x01G"), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x02") "\x03\x00\x01G"), 0);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x02") "\x03\x00\x00"), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED ANSWERED WAIT("\x03")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") WAIT("\x03")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") "\x04\x00\x01\x01"), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") "\x00\x00\x00"), -EINVAL);

	/* Well framed, but longer than anything that was given away. */
	memcpy(large, "\x01\xbf\xfe" ANSWERED WAIT("\x03") "\x7f\xbf\xec", 21);
	assert_int_equal(migration_decode(&state, large, sizeof(large)), -EINVAL);
	large[2]--;
	large[20]--;
	assert_int_equal(migration_decode(&state, large, sizeof(large) - 1), 0);
}

static void a_session_travels_as_its_octets(void **context)
{
	static char out[HTTP_STATE_MAX], session[MIGRATION_SESSION_MAX + 1] = "what tls/saved.c knows of";
	struct migration_state state = {.wait = MIGRATION_WAIT_IDLE, .session = {session, MIGRATION_SESSION_MAX}}, read;
	size_t size = migration_encode(&state, out);

	(void)context;
	assert_int_equal(migration_decode(&read, out, size), 0);
	assert_true(slice_equal(read.session, state.session));
	assert_int_equal(DECODE(&read, ANSWERED WAIT("\x03") "\x82\x00\x02xy"), 0);
	assert_int_equal(read.session.len, 2);
	assert_int_equal(DECODE(&read, ANSWERED WAIT("\x03")), 0);
	assert_int_equal(read.session.len, 0);
	assert_int_equal(DECODE(&read, ANSWERED WAIT("\x03") "\x82\x00\x00"), -EINVAL);
	/* What comes before a handshake has no session yet. */
	assert_int_equal(DECODE(&read, ANSWERED WAIT("\x01") "\x81\x00\x00\x82\x00\x02xy"), -EINVAL);
	memcpy(out, "\x01\x03\x33" ANSWERED WAIT("\x03") "\x82\x03\x21", 21);
	assert_int_equal(migration_decode(&read, out, 3 + 0x333), -EINVAL); /* one octet too many */
	out[2]--, out[20]--;
	assert_int_equal(migration_decode(&read, out, 2 + 0x333), 0);
}

#define PEER(family) "\x80\x00\x13" family "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x67"
#define AWAIT        "\x81\x00\x00"

static void whom_a_proxy_header_told_of_travels(void **context)
{
	static const struct {
		const char *octets;
		int family;
		const char *host;
	} cases[] = {
		{ANSWERED WAIT("\x03") PEER("\x06"), AF_INET6, "2001:db8::1"},
		{ANSWERED WAIT("\x03") PEER("\x04"), AF_INET, "32.1.13.184"},
		{ANSWERED WAIT("\x03") PEER("\x01"), AF_UNIX, "-"},
	};
	const size_t size = sizeof(ANSWERED WAIT("\x03") PEER("\x01")) - 1;
	static char out[HTTP_STATE_MAX];
	struct migration_state state, again;
	char host[INET6_ADDRSTRLEN];

	(void)context;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(decode_members(&state, cases[i].octets, size), 0);
		assert_int_equal(state.peer.source, PEER_TOLD);
		assert_int_equal(state.peer.address.any.sa_family, cases[i].family);
		address_host(&state.peer.address.any, host, sizeof(host));
		assert_string_equal(host, cases[i].host);
		if (cases[i].family != AF_UNIX)
			assert_int_equal(ntohs(state.peer.address.ipv4.sin_port), 0x1267);
		assert_int_equal(migration_decode(&again, out, migration_encode(&state, out)), 0);
		assert_memory_equal(&again.peer, &state.peer, sizeof(state.peer));
	}
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03")), 0);
	assert_int_equal(state.peer.source, PEER_UNKNOWN);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") PEER("\x00")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") PEER("\x05")), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") "\x80\x00\x01\x04"), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") PEER("\x04") PEER("\x04")), -EINVAL);
}

static void that_a_proxy_header_must_come_travels(void **context)
{
	static char out[HTTP_STATE_MAX];
	struct migration_state state;

	(void)context;
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x01") AWAIT), 0);
	assert_true(state.awaits_proxy);
	assert_int_equal(migration_decode(&state, out, migration_encode(&state, out)), 0);
	assert_true(state.awaits_proxy);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x02") AWAIT "\x03\x00\x01P"), 0);
	assert_true(state.awaits_proxy);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x03") AWAIT), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x01") "\x81\x00\x01x"), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x01") AWAIT AWAIT), -EINVAL);
	assert_int_equal(DECODE(&state, ANSWERED WAIT("\x01") AWAIT PEER("\x04")), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_octets_are_as_they_always_were),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_cut_off_anywhere_is_refused),
		cmocka_unit_test(what_is_cut_off_within_a_member_is_refused),
		cmocka_unit_test(any_octet_may_be_any_other),
		cmocka_unit_test(noise_is_survived),
		cmocka_unit_test(later_members_are_skipped_or_refused_as_they_ask),
		cmocka_unit_test(a_session_travels_as_its_octets),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(whom_a_proxy_header_told_of_travels),
		cmocka_unit_test(that_a_proxy_header_must_come_travels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
