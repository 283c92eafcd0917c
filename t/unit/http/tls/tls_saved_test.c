/* SPDX-License-Identifier: MIT
 *
 * What travels with a TLS session: it is frozen, what is damaged is refused and nothing more, and a site's
 * demands on clients hold for those that come from elsewhere, too. */
#include "http/site/site.h"
#include "http/transport/stream.h"
#include "http/tls/private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEMAND "0123456789abcdef0123456789abcdef"
#define TEXTS                                                      \
	"TLSv1.3\0TLS_AES_128_GCM_SHA256\0one.test\0CN=somebody\0" \
	"0f1e\0"
static const char octets[] = DEMAND "\x03" TEXTS;
enum { SIZE = sizeof(octets) - 1 };

/* In memory of exactly that size, so that sanitizers see what is read behind it. */
static bool reads(const char *data, size_t size)
{
	struct tls_saved_view view;
	char *copy = malloc(size ? size : 1);
	bool read;

	assert_non_null(copy);
	memcpy(copy, data, size);
	read = saved_read(&view, copy, size);
	if (read)
		assert_true(strlen(view.version) + strlen(view.cipher) + strlen(view.name) + strlen(view.subject) +
				    strlen(view.fingerprint) + 5 + 33 ==
			    size);
	free(copy);
	return read;
}

static void what_is_written_is_read(void **state)
{
	struct tls_saved_view view;

	(void)state;
	assert_true(saved_read(&view, octets, SIZE));
	assert_memory_equal(view.demand, DEMAND, 32);
	assert_true(view.resumed && view.shown);
	assert_string_equal(view.version, "TLSv1.3");
	assert_string_equal(view.cipher, "TLS_AES_128_GCM_SHA256");
	assert_string_equal(view.name, "one.test");
	assert_string_equal(view.subject, "CN=somebody");
	assert_string_equal(view.fingerprint, "0f1e");
	assert_true(saved_read(&view, DEMAND "\0\0\0\0\0\0", 38));
	assert_false(view.resumed || view.shown);
	assert_string_equal(view.name, "");
}

static void what_is_damaged_is_refused(void **state)
{
	char longer[STREAM_STATE_MAX + 1] = DEMAND "\0";

	(void)state;
	for (size_t size = 0; size < SIZE; size++)
		assert_false(reads(octets, size));
	assert_true(reads(octets, SIZE));
	assert_false(reads(octets, SIZE + 1));
	assert_false(reads(DEMAND "\0 no end", 41));
	memset(longer + 33, 'x', sizeof(longer) - 33);
	for (int i = 1; i <= 5; i++)
		longer[STREAM_STATE_MAX - i] = '\0';
	assert_true(reads(longer, STREAM_STATE_MAX));
	longer[STREAM_STATE_MAX - 5] = 'x', longer[STREAM_STATE_MAX] = '\0';
	assert_false(reads(longer, STREAM_STATE_MAX + 1));
}

static void noise_is_survived(void **state)
{
	char noise[200];
	unsigned read = 0;

	(void)state;
	srand(5);
	for (unsigned round = 0; round < 100000; round++) {
		size_t size = (size_t)rand() % sizeof(noise);

		for (size_t i = 0; i < size; i++)
			noise[i] = (char)(rand() % (rand() % 2 ? 2 : 256));
		read += reads(noise, size);
	}
	assert_true(read > 0);
}

static void a_stream_is_made_of_it(void **state)
{
	struct stream stream = {.io = &stream_plain, .fd = -1};
	char out[STREAM_STATE_MAX];
	struct tls_facts facts;

	(void)state;
	assert_int_equal(tls_resume(NULL, &stream, octets, SIZE - 1), -EINVAL);
	assert_ptr_equal(stream.io, &stream_plain);
	assert_int_equal(tls_resume(NULL, &stream, octets, SIZE), 0);
	assert_true(stream.io->moves);
	assert_true(tls_facts(&stream, &facts));
	assert_string_equal(facts.version, "TLSv1.3");
	assert_string_equal(facts.client_subject, "CN=somebody");
	assert_string_equal(facts.client_fingerprint, "0f1e");
	assert_true(facts.resumed);
	assert_string_equal(tls_server_name(&stream), "one.test");
	assert_true(tls_may_ask(&stream, SLICE("one.test"))); /* there is nobody here who would mind */
	assert_int_equal(stream_save(&stream, out), SIZE);
	assert_memory_equal(out, octets, SIZE);
	stream_release(&stream);
	assert_ptr_equal(stream.io, &stream_plain);
}

/* --- demands --- */

static struct http_location locations[2];
static struct http_site site_list[2] = {{.locations = &locations[0], .location_count = 1},
					{.locations = &locations[1], .location_count = 1}};
static struct site_name names[] = {{"open.test", &site_list[1]}};
static struct http_sites sites = {.list = site_list, .count = 2, .names = names, .name_count = 1};

/* The default site has that demand, open.test none. */
static struct tls *demanding(enum tls_client client)
{
	struct tls_pair pair = {memfd_create("pem", MFD_CLOEXEC), memfd_create("key", MFD_CLOEXEC)};
	char reason[TLS_REASON_MAX];
	struct tls *tls;

	assert_int_equal(tls_make_pair(&pair, (const char *const[]){NULL}, reason), 0);
	const struct tls_site parts[] = {
		{.name = "default",
		 .pairs = &pair,
		 .pair_count = 1,
		 .client = client,
		 .client_ca_fd = client == TLS_CLIENT_OFF ? -1 : pair.certificate_fd},
		{.name = "open", .pairs = &pair, .pair_count = 1, .client_ca_fd = -1},
	};
	tls = tls_new(&(struct tls_options){.sites = &sites, .parts = parts}, reason);
	if (!tls)
		fail_msg("%s", reason);
	close(pair.certificate_fd);
	close(pair.key_fd);
	return tls;
}

/* A session that began under that name, with that context's demand or none. */
static size_t session_of(char out[STREAM_STATE_MAX], const char *name, const struct tls_context *context)
{
	static const char rest[] = "TLSv1.2\0cipher\0";
	size_t size = 33;

	memset(out, 0, STREAM_STATE_MAX);
	if (context)
		memcpy(out, context->id, 32);
	memcpy(out + size, rest, sizeof(rest) - 1);
	size += sizeof(rest) - 1;
	memcpy(out + size, name, strlen(name) + 1);
	return size + strlen(name) + 3;
}

static void a_site_admits_whom_it_would_have_let_in(void **state)
{
	static const enum tls_client demands[] = {TLS_CLIENT_REQUIRED, TLS_CLIENT_OPTIONAL};
	char session[STREAM_STATE_MAX];
	struct stream stream = {.io = &stream_plain, .fd = -1};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tls *tls = demanding(demands[i]), *same = demanding(TLS_CLIENT_OFF);
		size_t size = session_of(session, "", &tls->contexts[0]);

		assert_true(tls_admits(tls, session, size));
		assert_true(tls_admits(same, session, size)); /* which wants nothing any more */
		assert_true(tls_admits(NULL, session, size));
		size = session_of(session, "other.test", NULL);
		assert_false(tls_admits(tls, session, size)); /* it is the default site's */
		assert_true(tls_admits(same, session, size));
		assert_false(tls_admits(same, session, size - 1)); /* damaged */

		size = session_of(session, "open.test", &tls->contexts[1]);
		assert_true(tls_admits(tls, session, size));
		assert_int_equal(tls_resume(tls, &stream, session, size), 0);
		assert_true(tls_may_ask(&stream, SLICE("open.test")));
		assert_false(tls_may_ask(&stream, SLICE("")));
		stream_release(&stream);
		assert_int_equal(tls_demands(tls, SLICE("")), demands[i] == TLS_CLIENT_REQUIRED);
		assert_false(tls_demands(tls, SLICE("open.test:443")));
		tls_free(tls);
		tls_free(same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_damaged_is_refused),
		cmocka_unit_test(noise_is_survived),
		cmocka_unit_test(a_stream_is_made_of_it),
		cmocka_unit_test(a_site_admits_whom_it_would_have_let_in),
	};

	http_sites_sort(&sites);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
