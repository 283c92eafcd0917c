/* SPDX-License-Identifier: MIT
 *
 * TLS whose keys the kernel has: streams without a server, and an OpenSSL client, over TCP on loopback. */
#include "http/site/site.h"
#include "http/transport/stream.h"
#include "http/tls/private.h"
#include "http/tls/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT_MS = 5000, LARGE = 6 << 20 };

static struct http_site site = {0};
static struct http_sites sites = {.list = &site, .count = 1};

struct world {
	struct tls *tls;
	SSL_CTX *clients;
	struct tls_pair pair;
	int listener;
	/* One connection. */
	struct stream stream;
	SSL *client;
};

static int start(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	char reason[TLS_REASON_MAX];
	struct tls_site part;
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_non_null(world);
	world->pair = (struct tls_pair){memfd_create("pem", MFD_CLOEXEC), memfd_create("key", MFD_CLOEXEC)};
	assert_int_equal(tls_make_pair(&world->pair, (const char *const[]){"one.test", NULL}, reason), 0);
	part = (struct tls_site){.name = "one", .pairs = &world->pair, .pair_count = 1, .client_ca_fd = -1};
	world->tls = tls_new(&(struct tls_options){.sites = &sites, .parts = &part, .kernel = true}, reason);
	assert_non_null(world->tls);
	world->clients = SSL_CTX_new(TLS_client_method());
	world->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(world->listener, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(world->listener, 1), 0);
	*state = world;
	return 0;
}

static int stop(void **state)
{
	struct world *world = *state;

	tls_free(world->tls);
	SSL_CTX_free(world->clients);
	close(world->pair.certificate_fd);
	close(world->pair.key_fd);
	close(world->listener);
	free(world);
	return 0;
}

static void await(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	assert_int_equal(poll(&one, 1, LIMIT_MS), 1);
}

/* By small segments, and little at a time, so that room in the server's socket comes in small pieces, too. */
static int connect_to(int listener)
{
	const int segment = 536, window = 4096;

	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window)), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* What the client has sent, once something is there. */
static ssize_t take(struct world *world, char *out, size_t room)
{
	ssize_t size;

	do {
		await(world->stream.fd, POLLIN);
		size = stream_receive(&world->stream, out, room);
	} while (size == -EAGAIN);
	return size;
}

static void say(struct world *world, const char *text)
{
	size_t sent;

	assert_int_equal(SSL_write_ex(world->client, text, strlen(text), &sent), 1);
}

/* A connection whose handshake is over. The kernel may not be given the keys by this OpenSSL. */
static bool open_connection(struct world *world, int version)
{
	char octet;

	SSL_CTX_set_min_proto_version(world->clients, version);
	SSL_CTX_set_max_proto_version(world->clients, version);
	world->client = SSL_new(world->clients);
	SSL_set_fd(world->client, connect_to(world->listener));
	SSL_set_tlsext_host_name(world->client, "one.test");
	world->stream = (struct stream){
		.io = &stream_plain,
		.fd = accept4(world->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
	};
	assert_int_equal(tls_open(world->tls, &world->stream), 0);
	while (SSL_connect(world->client) != 1 || world->stream.phase == STREAM_HANDSHAKE) {
		assert_int_equal(stream_receive(&world->stream, &octet, 1), -EAGAIN);
		poll(&(struct pollfd){world->stream.fd, POLLIN, 0}, 1, 10);
	}
	ERR_clear_error();
	return world->stream.io->save != NULL;
}

static void close_connection(struct world *world)
{
	SSL_set_shutdown(world->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	close(SSL_get_fd(world->client));
	SSL_free(world->client);
	stream_release(&world->stream);
	close(world->stream.fd);
}

/* Reads until nothing more comes; returns how much, and how it ended. */
static size_t hear(struct world *world, char *out, size_t room, int *error)
{
	size_t total = 0, size;
	int fd = SSL_get_fd(world->client);

	for (;;) {
		int result = SSL_read_ex(world->client, out + total, room - total, &size);

		if (result == 1) {
			total += size;
			if (total == room)
				return total;
			continue;
		}
		*error = SSL_get_error(world->client, result);
		if (*error != SSL_ERROR_WANT_READ)
			return total;
		if (poll(&(struct pollfd){fd, POLLIN, 0}, 1, 200) == 0)
			return total;
	}
}

/* For TLS 1.2 and 1.3, where the kernel gets the keys of both directions. */
#define BOTH_VERSIONS(world)                                                     \
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) \
		if (!open_connection(world, version))                            \
			close_connection(world);                                 \
		else

static void octets_go_both_ways(void **state)
{
	struct world *world = *state;
	unsigned seen = 0;
	char data[64] = "";
	int error;

	BOTH_VERSIONS(world)
	{
		const struct iovec pieces[] = {{(char *)"one, ", 5}, {(char *)"two", 3}};

		seen++;
		say(world, "hello");
		assert_int_equal(take(world, data, sizeof(data)), 5);
		assert_memory_equal(data, "hello", 5);
		assert_int_equal(stream_receive(&world->stream, data, sizeof(data)), -EAGAIN);
		assert_int_equal(stream_send(&world->stream, pieces, 1, true), 5);
		assert_int_equal(stream_send(&world->stream, pieces + 1, 1, false), 3);
		assert_int_equal(hear(world, data, 8, &error), 8);
		assert_memory_equal(data, "one, two", 8);
		close_connection(world);
	}
	assert_in_range(seen, 1, 2);
	print_message("the kernel has got the keys of TLS 1.2%s\n", seen == 2 ? " and 1.3" : "");
}

static void facts_outlive_openssl_and_a_move(void **state)
{
	struct world *world = *state;
	char octets[STREAM_STATE_MAX], data[8];
	struct tls_facts facts;
	size_t size;

	BOTH_VERSIONS(world)
	{
		struct stream moved = {.io = &stream_plain, .fd = dup(world->stream.fd)};

		size = stream_save(&world->stream, octets);
		assert_in_range(size, 40, STREAM_STATE_MAX);
		assert_true(tls_admits(world->tls, octets, size));
		assert_int_equal(tls_resume(NULL, &moved, octets, size), 0);
		stream_release(&world->stream); /* tells the client nothing */
		close(world->stream.fd);
		world->stream = moved;

		assert_string_equal(tls_server_name(&moved), "one.test");
		assert_true(tls_facts(&moved, &facts));
		assert_string_equal(facts.version, version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
		assert_string_equal(facts.cipher, SSL_get_cipher_name(world->client));
		assert_false(facts.resumed);
		assert_null(facts.client_subject);
		say(world, "go on");
		assert_int_equal(take(world, data, sizeof(data)), 5);
		close_connection(world);
	}
}

static void a_client_says_goodbye(void **state)
{
	struct world *world = *state;
	char data[8];

	BOTH_VERSIONS(world)
	{
		say(world, "last");
		SSL_shutdown(world->client);
		assert_int_equal(take(world, data, sizeof(data)), 4);
		assert_int_equal(take(world, data, sizeof(data)), 0);
		close_connection(world);
	}
}

static void so_do_we(void **state)
{
	struct world *world = *state;
	char data[8];
	int error;

	BOTH_VERSIONS(world)
	{
		assert_int_equal(stream_conclude(&world->stream), 0);
		assert_int_equal(stream_conclude(&world->stream), 0); /* once is enough */
		assert_int_equal(stream_finish(&world->stream), 0);
		assert_int_equal(hear(world, data, sizeof(data), &error), 0);
		assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
		say(world, "and I"); /* our half is closed, not the client's */
		assert_int_equal(take(world, data, sizeof(data)), 5);
		close_connection(world);
	}
}

/* RFC 5246 section 7.2.2: whoever does not want to negotiate anew says so, and goes on. */
static void nothing_is_negotiated_anew(void **state)
{
	struct world *world = *state;
	char data[64];
	int error;

	SSL_CTX_set_options(world->clients, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
	assert_true(open_connection(world, TLS1_2_VERSION));
	assert_int_equal(SSL_renegotiate(world->client), 1);
	SSL_do_handshake(world->client);
	await(world->stream.fd, POLLIN);
	assert_int_equal(stream_receive(&world->stream, data, sizeof(data)), -EAGAIN);
	assert_int_equal(hear(world, data, sizeof(data), &error), 0);
	assert_int_equal(error, SSL_ERROR_SSL);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	ERR_clear_error();
	close_connection(world);
}

static void who_wants_new_keys_is_told_goodbye(void **state)
{
	struct world *world = *state;
	char data[64];
	int error;

	if (!open_connection(world, TLS1_3_VERSION)) {
		close_connection(world);
		return;
	}
	assert_int_equal(SSL_key_update(world->client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
	assert_int_equal(SSL_do_handshake(world->client), 1);
	assert_int_equal(take(world, data, sizeof(data)), -ECONNABORTED);
	assert_int_equal(hear(world, data, sizeof(data), &error), 0);
	assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
	close_connection(world);
}

/* TLS 1.3 by OpenSSL before 3.2. It owes new keys of its own, too. */
static void a_session_that_stays_with_openssl_takes_new_keys(void **state)
{
	struct world *world = *state;
	const struct iovec piece = {(char *)"answer", 6};
	char data[64];
	int error;

	if (open_connection(world, TLS1_3_VERSION)) {
		close_connection(world);
		return;
	}
	assert_int_equal(SSL_key_update(world->client, SSL_KEY_UPDATE_REQUESTED), 1);
	say(world, "request");
	assert_int_equal(take(world, data, sizeof(data)), 7);
	assert_int_equal(stream_send(&world->stream, &piece, 1, false), 6);
	assert_int_equal(hear(world, data, 6, &error), 6);
	assert_memory_equal(data, "answer", 6);
	close_connection(world);
}

static void a_forged_record_is_the_end(void **state)
{
	struct world *world = *state;
	static const char forged[] = "\x17\x03\x03\x00\x20 these are not the right octets";
	char data[64];
	ssize_t size;

	BOTH_VERSIONS(world)
	{
		assert_int_equal(send(SSL_get_fd(world->client), forged, 37, 0), 37);
		size = take(world, data, sizeof(data));
		assert_true(size < 0 && size != -EAGAIN);
		size = stream_receive(&world->stream, data, sizeof(data));
		assert_true(size <= 0);
		close_connection(world);
	}
}

static void a_socket_without_tls_is_no_stream_of_it(void **state)
{
	struct world *world = *state;
	char octets[STREAM_STATE_MAX], data[8];
	struct stream other = {.io = &stream_plain};
	int ends[2];
	size_t size;

	assert_true(open_connection(world, TLS1_2_VERSION));
	size = stream_save(&world->stream, octets);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	other.fd = ends[0];
	assert_int_equal(tls_resume(world->tls, &other, octets, size), 0);
	assert_int_equal(write(ends[1], "plain", 5), 5);
	assert_true(stream_receive(&other, data, sizeof(data)) < 0);
	stream_release(&other);
	close(ends[0]), close(ends[1]);
	close_connection(world);
}

/* The client reads some raw octets, which OpenSSL gets to see later. */
static bool take_raw(int fd, BIO *raw, size_t most)
{
	char data[16384];
	ssize_t size;

	await(fd, POLLIN);
	size = recv(fd, data, most < sizeof(data) ? most : sizeof(data), 0);
	assert_true(size >= 0);
	if (size > 0)
		assert_int_equal(BIO_write(raw, data, (int)size), size);
	return size > 0;
}

/* Sends until nothing more fits, by file and from memory in turn. Returns how much. */
static size_t send_what_fits(struct world *world, char *data, int file)
{
	size_t sent = 0, most = 50000;
	ssize_t size = 1;

	for (unsigned turn = 0; size > 0; turn++) {
		const struct iovec piece = {data + sent, most};

		size = turn % 2 ? stream_send_file(&world->stream, file, (uint64_t)sent, most)
				: stream_send(&world->stream, &piece, 1, turn % 3 == 0);
		sent += size > 0 ? (size_t)size : 0;
		assert_in_range(sent, 0, LARGE - most);
	}
	assert_int_equal(size, -EAGAIN);
	return sent;
}

/* The kernel keeps what is sealed to itself while the socket is full: nothing of it may get lost when
 * the socket is closed as soon as we are told that it may be. */
static void all_that_was_sent_arrives(void **state)
{
	struct world *world = *state;
	char *data = malloc(LARGE), *heard = malloc(LARGE);
	int file = memfd_create("large", MFD_CLOEXEC), fd;

	assert_true(data && heard);
	for (size_t i = 0; i < LARGE; i++)
		data[i] = (char)(i >> 8 ^ i);
	assert_int_equal(write(file, data, LARGE), LARGE);
	BOTH_VERSIONS(world)
	{
		BIO *raw = BIO_new(BIO_s_mem());
		size_t sent = send_what_fits(world, data, file), got = 0, step;

		fd = SSL_get_fd(world->client);
		SSL_set0_rbio(world->client, raw);
		while (stream_conclude(&world->stream) == -EAGAIN)
			take_raw(fd, raw, 500);
		stream_release(&world->stream);
		close(world->stream.fd);
		while (take_raw(fd, raw, 16384))
			;
		while (SSL_read_ex(world->client, heard + got, LARGE - got, &step) == 1)
			got += step;
		assert_int_equal(got, sent);
		assert_memory_equal(heard, data, got);
		assert_int_equal(SSL_get_shutdown(world->client), SSL_RECEIVED_SHUTDOWN);
		SSL_free(world->client);
		close(fd);
	}
	close(file);
	free(heard);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(octets_go_both_ways, start, stop),
		cmocka_unit_test_setup_teardown(facts_outlive_openssl_and_a_move, start, stop),
		cmocka_unit_test_setup_teardown(a_client_says_goodbye, start, stop),
		cmocka_unit_test_setup_teardown(so_do_we, start, stop),
		cmocka_unit_test_setup_teardown(nothing_is_negotiated_anew, start, stop),
		cmocka_unit_test_setup_teardown(who_wants_new_keys_is_told_goodbye, start, stop),
		cmocka_unit_test_setup_teardown(a_session_that_stays_with_openssl_takes_new_keys, start, stop),
		cmocka_unit_test_setup_teardown(a_forged_record_is_the_end, start, stop),
		cmocka_unit_test_setup_teardown(a_socket_without_tls_is_no_stream_of_it, start, stop),
		cmocka_unit_test_setup_teardown(all_that_was_sent_arrives, start, stop),
	};

	if (!tls_kernel_exists()) {
		printf("1..0 # SKIP kernel TLS: this kernel has none (tcp_available_ulp)\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
