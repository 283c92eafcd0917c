/* SPDX-License-Identifier: MIT
 *
 * Keys of session tickets on their way: as many as there may be, and from a file that is looked at now and then. */
#include "brood/certificates/ticket_source.h"

#include "brood/certificates/renewal.h"
#include "http/tls/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static uint64_t now_ms;
static unsigned looks; /* at the file */
static size_t given;   /* keys, to TLS */
static struct tls_ticket_key last_given;

uint64_t __wrap_clock_now_ms(void);
void __wrap_pem_file_stamp(const char *path, struct pem_stamp *out);
void __wrap_tls_set_tickets(struct tls *tls, const struct tls_ticket_key *keys, size_t count, uint32_t lifetime_s);

uint64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

void __wrap_pem_file_stamp(const char *path, struct pem_stamp *out)
{
	(void)path;
	*out = (struct pem_stamp){.size = 1};
	looks++;
}

void __wrap_tls_set_tickets(struct tls *tls, const struct tls_ticket_key *keys, size_t count, uint32_t lifetime_s)
{
	(void)tls, (void)lifetime_s;
	given = count;
	last_given = keys[count - 1];
}

/* As the master tells workers of them. */
struct news {
	uint32_t shared, count;
	struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX];
};

static void as_many_keys_as_there_may_be_are_taken(void **state)
{
	struct config config = {.tls_ticket_lifetime_ms = 1000};
	struct news news = {.count = TLS_TICKET_KEYS_MAX};

	(void)state;
	memset(&news.keys[TLS_TICKET_KEYS_MAX - 1], 'k', sizeof(news.keys[0]));
	given = 0;
	tickets_take(&config, &news, sizeof(news), NULL);
	assert_int_equal(given, TLS_TICKET_KEYS_MAX);
	assert_memory_equal(&last_given, &news.keys[TLS_TICKET_KEYS_MAX - 1], sizeof(last_given));
	/* And no more, nor those of the other kind. */
	given = 0;
	news.count++;
	tickets_take(&config, &news, sizeof(news), NULL);
	news.count = 1;
	news.shared = 1;
	tickets_take(&config, &news, sizeof(news), NULL);
	assert_int_equal(given, 0);
}

static void the_file_is_looked_at_once_a_second(void **state)
{
	struct config_listener listen = {.tls = true};
	struct config config = {.listen = &listen, .listen_count = 1, .tls_ticket_keys = (char *)"/nonexistent/keys"};
	struct shared_tickets shared = {.seen = {.size = 1}};
	struct ticket_keys own = {0};

	(void)state;
	looks = 0;
	for (now_ms = 100000; now_ms < 103000; now_ms += 100)
		tickets_look(&own, &shared, &config, NULL);
	assert_int_equal(looks, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_keys_as_there_may_be_are_taken),
		cmocka_unit_test(the_file_is_looked_at_once_a_second),
	};

	return cmocka_run_group_tests_name("tickets", tests, NULL, NULL);
}
