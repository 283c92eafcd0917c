/* SPDX-License-Identifier: MIT
 *
 * Keys of tickets over time: each ticket can be opened until its lifetime is over, and no longer. */
#include "brood/certificates/ticket_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool knows(const struct ticket_keys *keys, const struct tls_ticket_key *key)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (memcmp(&keys->keys[i].key, key, sizeof(*key)) == 0)
			return true;
	}
	return false;
}

static void the_first_key_is_made_at_once(void **state)
{
	const struct ticket_times times = {.lifetime_ms = 1000, .rotate_ms = 500};
	struct ticket_keys keys = {0};
	static const struct tls_ticket_key zero;

	(void)state;
	assert_int_equal(ticket_keys_due_ms(&keys, &times), 0);
	assert_true(ticket_keys_rotate(&keys, &times, 7));
	assert_int_equal(keys.count, 1);
	assert_memory_not_equal(&keys.keys[0].key, &zero, sizeof(zero));
	assert_false(ticket_keys_rotate(&keys, &times, 8));
	assert_int_equal(ticket_keys_due_ms(&keys, &times), 507);
}

/* Sealed at each moment; looked at at each later one. */
static void each_ticket_can_be_opened_for_its_lifetime(const struct ticket_times *times, bool exact)
{
	enum { MOMENTS = 400 };
	struct ticket_keys keys = {0};
	static struct tls_ticket_key sealed[MOMENTS];

	for (uint64_t now = 0; now < MOMENTS; now++) {
		/* Not called more often than it asks for. */
		if (now >= ticket_keys_due_ms(&keys, times))
			assert_true(ticket_keys_rotate(&keys, times, now));
		assert_true(keys.count >= 1 && keys.count <= TLS_TICKET_KEYS_MAX);
		sealed[now] = keys.keys[0].key;
		for (uint64_t then = 0; then <= now; then++) {
			if (now - then < times->lifetime_ms)
				assert_true(knows(&keys, &sealed[then]));
			else if (exact && now - then > times->lifetime_ms + times->rotate_ms)
				assert_false(knows(&keys, &sealed[then]));
		}
	}
}

static void tickets_live_as_long_as_they_may(void **state)
{
	static const uint64_t lifetimes[] = {1, 7, 50, 100, 399}, rotations[] = {1, 3, 10, 49, 50, 51, 300};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < 7; k++) {
			const struct ticket_times times = {lifetimes[i], rotations[k]};

			/* With very many keys each seals for longer. */
			each_ticket_can_be_opened_for_its_lifetime(&times, times.lifetime_ms / times.rotate_ms <
										   TLS_TICKET_KEYS_MAX - 2);
		}
	}
}

static void keys_are_forgotten_after_a_long_silence(void **state)
{
	const struct ticket_times times = {.lifetime_ms = 1000, .rotate_ms = 100};
	struct ticket_keys keys = {0};
	struct tls_ticket_key first;

	(void)state;
	for (uint64_t now = 0; now < 2000; now += 100)
		(void)ticket_keys_rotate(&keys, &times, now);
	first = keys.keys[0].key;
	assert_true(ticket_keys_rotate(&keys, &times, 1000000));
	assert_true(knows(&keys, &first)); /* it sealed until now */
	assert_int_equal(keys.count, 2);
	assert_true(ticket_keys_rotate(&keys, &times, 1001000));
	assert_false(knows(&keys, &first));
}

static void keys_come_from_a_file(void **state)
{
	struct ticket_keys keys = {0};
	struct tls_ticket_key out[TLS_TICKET_KEYS_MAX];
	char octets[80 * (TLS_TICKET_KEYS_MAX + 1)], reason[200] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (char)(i * 7 + i / 80);
	assert_int_equal(ticket_keys_read(&keys, octets, 160, 1, reason, sizeof(reason)), 0);
	assert_int_equal(ticket_keys_list(&keys, out), 2);
	assert_memory_equal(&out[1], octets + 80, 80);
	for (size_t size = 0; size < 80; size++)
		assert_int_equal(ticket_keys_read(&keys, octets, size, 1, reason, sizeof(reason)), -EINVAL);
	assert_string_equal(reason, "want keys of 80 octets each, not 79 octets");
	assert_int_equal(ticket_keys_read(&keys, octets, sizeof(octets), 1, reason, sizeof(reason)), -EINVAL);
	assert_int_equal(keys.count, 2);
	ticket_keys_forget(&keys);
	assert_int_equal(keys.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_key_is_made_at_once),
		cmocka_unit_test(tickets_live_as_long_as_they_may),
		cmocka_unit_test(keys_are_forgotten_after_a_long_silence),
		cmocka_unit_test(keys_come_from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
