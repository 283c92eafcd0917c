/* SPDX-License-Identifier: MIT
 *
 * TLS under HTTP: a client by OpenSSL on the other end of a socket pair. */
#include "talk.h"

#include "base/network.h"
#include "http/site/site.h"
#include "http/transport/stream.h"
#include "http/tls/private.h"
#include "http/tls/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct network unix_peers = {.kind = NETWORK_UNIX};
static const struct networks trusted = {&unix_peers, 1};

static struct http_location locations[2];
static struct http_site site_list[2] = {{.locations = &locations[0], .location_count = 1},
					{.locations = &locations[1], .location_count = 1}};
static struct site_name site_names[] = {
	{"one.test", &site_list[0]}, {"two.test", &site_list[1]}, {"*.two.test", &site_list[1]}};
static struct http_sites sites = {.list = site_list, .count = 2, .names = site_names, .name_count = 3};

enum { HOUR_S = 3600, TURNS_MAX = 20000 };

struct world {
	struct talk *talk;
	struct tls *tls;
	SSL_CTX *clients;
	struct tls_pair pairs[4]; /* one.test ECDSA, one.test RSA, two.test ECDSA, renewed one.test */
};

/* What a client has got. */
struct client {
	SSL *ssl;
	SSL_SESSION *session; /* that it may come back with */
	char *data;
	size_t used;
	bool ended;
};

static const struct tls_ticket_key keys[] = {
	{.name = "first key", .aes = {1}, .hmac = {2}},
	{.name = "second key", .aes = {3}, .hmac = {4}},
};

/* --- an OpenSSL that is short of memory --- */

static enum { SHORT_OF_NOTHING, SHORT_OF_SESSIONS, SHORT_OF_BIOS, SHORT_OF_NAMES } shortage;

SSL *__wrap_SSL_new(SSL_CTX *context);
SSL *__real_SSL_new(SSL_CTX *context);
int __wrap_SSL_set_fd(SSL *ssl, int fd);
int __real_SSL_set_fd(SSL *ssl, int fd);
STACK_OF(X509_NAME) * __wrap_SSL_dup_CA_list(const STACK_OF(X509_NAME) * names);
STACK_OF(X509_NAME) * __real_SSL_dup_CA_list(const STACK_OF(X509_NAME) * names);

SSL *__wrap_SSL_new(SSL_CTX *context)
{
	return shortage == SHORT_OF_SESSIONS ? NULL : __real_SSL_new(context);
}

int __wrap_SSL_set_fd(SSL *ssl, int fd)
{
	return shortage == SHORT_OF_BIOS ? 0 : __real_SSL_set_fd(ssl, fd);
}

STACK_OF(X509_NAME) * __wrap_SSL_dup_CA_list(const STACK_OF(X509_NAME) * names)
{
	return shortage == SHORT_OF_NAMES ? NULL : __real_SSL_dup_CA_list(names);
}

static int memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* One octet too many would make it unreadable, so what is written is what is there. */
static int file_of(BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);
	int fd = memory_file("pem");

	assert_int_equal(write(fd, data, (size_t)size), size);
	BIO_free(bio);
	return fd;
}

static BIO *pem_of(int fd)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char block[4096];
	ssize_t size = pread(fd, block, sizeof(block), 0);

	assert_true(bio && size > 0 && BIO_write(bio, block, (int)size) == size);
	return bio;
}

static void add_name(X509 *certificate, const char *name)
{
	char text[128];
	X509_EXTENSION *extension;

	snprintf(text, sizeof(text), "DNS:%s", name);
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static struct tls_pair make_pair(const char *name, const char *kind, long serial, long from, long to)
{
	EVP_PKEY *key = strcmp(kind, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	BIO *text = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
	X509_NAME *subject;

	assert_true(key && certificate && text && secret);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), from);
	X509_gmtime_adj(X509_getm_notAfter(certificate), to);
	X509_set_pubkey(certificate, key);
	subject = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, subject);
	add_name(certificate, name);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(text, certificate), 1);
	assert_int_equal(PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return (struct tls_pair){file_of(text), file_of(secret)};
}

static int start(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	char reason[TLS_REASON_MAX];

	assert_non_null(world);
	world->pairs[0] = make_pair("one.test", "EC", 1, 0, 90 * 24 * HOUR_S);
	world->pairs[1] = make_pair("one.test", "RSA", 2, 0, 90 * 24 * HOUR_S);
	world->pairs[2] = make_pair("two.test", "EC", 3, 0, 90 * 24 * HOUR_S);
	world->pairs[3] = make_pair("one.test", "EC", 4, 0, 90 * 24 * HOUR_S);

	const struct tls_site parts[] = {
		{.name = "one.test", .pairs = world->pairs, .pair_count = 2, .client_ca_fd = -1},
		{.name = "two.test", .pairs = world->pairs + 2, .pair_count = 1, .client_ca_fd = -1},
	};
	const struct tls_options options = {.sites = &sites, .parts = parts, .handshakes_max = 4};

	http_sites_sort(&sites);

	world->tls = tls_new(&options, reason);
	if (!world->tls)
		fail_msg("%s", reason);
	tls_set_tickets(world->tls, keys, 1, HOUR_S);
	world->talk = talk_start(&(struct http_options){.tls = world->tls, .proxy_trusted = &trusted}, true);
	world->clients = SSL_CTX_new(TLS_client_method());
	assert_non_null(world->clients);
	*state = world;
	return 0;
}

static int stop(void **state)
{
	struct world *world = *state;

	talk_stop(world->talk);
	tls_free(world->tls);
	SSL_CTX_free(world->clients);
	for (size_t i = 0; i < 4; i++) {
		close(world->pairs[i].certificate_fd);
		close(world->pairs[i].key_fd);
	}
	free(world);
	return 0;
}

static struct tls_stats stats(const struct world *world)
{
	return world->tls->stats;
}

static struct client *connect_by(struct world *world, unsigned number, unsigned flags, const char *name,
				 SSL_SESSION *session)
{
	struct client *client = calloc(1, sizeof(*client));

	assert_non_null(client);
	talk_connect(world->talk, number, HTTP_TAKE_TLS | flags);
	client->ssl = SSL_new(world->clients);
	assert_non_null(client->ssl);
	SSL_set_fd(client->ssl, world->talk->clients[number].fd);
	if (name)
		SSL_set_tlsext_host_name(client->ssl, name);
	if (session)
		SSL_set_session(client->ssl, session);
	SSL_set_connect_state(client->ssl);
	return client;
}

static struct client *connect_as(struct world *world, unsigned number, const char *name, SSL_SESSION *session)
{
	return connect_by(world, number, 0, name, session);
}

/* All that has come for it. False: nothing. */
static bool listen_to(struct client *client)
{
	size_t size, before = client->used;

	do {
		client->data = realloc(client->data, client->used + 65536);
		assert_non_null(client->data);
		if (SSL_read_ex(client->ssl, client->data + client->used, 65535, &size) != 1)
			break;
		client->used += size;
	} while (true);
	client->data[client->used] = '\0';
	client->ended = SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN;
	ERR_clear_error();
	return client->used > before;
}

static bool shake_hands(struct world *world, struct client *client)
{
	for (int i = 0; i < 20; i++) {
		if (SSL_do_handshake(client->ssl) == 1)
			return true;
		ERR_clear_error();
		event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
	}
	return false;
}

static void say(struct world *world, struct client *client, const char *text)
{
	size_t sent;

	assert_int_equal(SSL_write_ex(client->ssl, text, strlen(text), &sent), 1);
	event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
}

static void hear(struct world *world, struct client *client)
{
	for (int i = 0, silent = 0; i < TURNS_MAX && silent < 3; i++) {
		silent = listen_to(client) ? 0 : silent + 1;
		event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
	}
}

static void leave(struct client *client)
{
	SSL_SESSION_free(client->session);
	/* Else OpenSSL takes the session for a broken one. */
	SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client->ssl);
	free(client->data);
	free(client);
}

static bool starts_with(const struct client *client, const char *text)
{
	return client->used >= strlen(text) && memcmp(client->data, text, strlen(text)) == 0;
}

static long serial_of(struct client *client)
{
	X509 *certificate = SSL_get0_peer_certificate(client->ssl);

	return certificate ? ASN1_INTEGER_get(X509_get0_serialNumber(certificate)) : -1;
}

/* A request and its answer; what the client may come back with is kept. */
static void ask(struct world *world, struct client *client)
{
	assert_true(shake_hands(world, client));
	say(world, client, "GET /small.txt HTTP/1.1\r\nHost: one.test\r\n\r\n");
	hear(world, client);
	assert_true(starts_with(client, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(client->data, "\r\n\r\n0123456789"));
	SSL_SESSION_free(client->session);
	client->session = SSL_get1_session(client->ssl);
}

static void use_version(struct world *world, int version)
{
	SSL_CTX_set_min_proto_version(world->clients, version);
	SSL_CTX_set_max_proto_version(world->clients, version);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void answers_requests(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 2; i++) {
		use_version(world, versions[i]);
		struct client *client = connect_as(world, 0, "one.test", NULL);

		ask(world, client);
		client->used = 0;
		ask(world, client); /* on the same connection */
		assert_int_equal(SSL_version(client->ssl), versions[i]);
		leave(client);
		talk_hang_up(world->talk, 0);
		talk_run(world->talk, false);
	}
	assert_int_equal(stats(world).full, 2);
	assert_int_equal(stats(world).handshakes, 0);
	assert_int_equal(talk_stats(world->talk).connections, 0);
}

static void sends_a_large_file_whole(void **state)
{
	struct world *world = *state;
	struct client *client;
	const char *body;

	world->talk->sockets_send_size = 4096;
	client = connect_as(world, 0, NULL, NULL);
	assert_true(shake_hands(world, client));
	say(world, client,
	    "GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /fifty.bin HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /kilo.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	hear(world, client);
	body = strstr(client->data, "\r\n\r\n");
	assert_non_null(body);
	assert_true(client->used > 3051024);
	for (size_t i = 0; i < 3000000; i++)
		assert_int_equal(body[4 + i], 'a' + i % 26);
	assert_memory_equal(client->data + client->used - 1024, body + 4, 1024);
	assert_true(client->ended);
	leave(client);
}

/* Fills the socket by whole records, so that not even a short message goes behind them. */
static unsigned fill_socket(struct stream *stream, unsigned most)
{
	static char record[TLS_RECORD_MAX];
	const struct iovec piece = {record, sizeof(record)};
	unsigned sent = 0;

	memset(record, 'f', sizeof(record));
	while (sent < most && stream_send(stream, &piece, 1, false) == TLS_RECORD_MAX)
		sent++;
	return sent;
}

/* A stream without a server, shaken hands with. */
static SSL *open_stream(struct world *world, struct stream *stream, int ends[2])
{
	SSL *client = SSL_new(world->clients);
	char octet;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	*stream = (struct stream){.io = &stream_plain, .fd = ends[0]};
	assert_int_equal(tls_open(world->tls, stream), 0);
	SSL_set_fd(client, ends[1]);
	SSL_set_connect_state(client);
	for (int i = 0; i < 4; i++) {
		SSL_do_handshake(client);
		assert_int_equal(stream_receive(stream, &octet, 1), -EAGAIN);
	}
	assert_true(SSL_is_init_finished(client));
	return client;
}

static void close_stream(struct stream *stream, SSL *client, const int ends[2])
{
	stream_release(stream);
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client);
	close(ends[0]), close(ends[1]);
}

/* A client asks for new keys while the socket is full, so that nothing of the file is sealed when it
 * is offered first; then the file is cut. The room in which records are put together has held other
 * clients' octets. */
static void a_file_that_is_cut_shows_nothing_of_others(void **state)
{
	struct world *world = *state;
	char data[TLS_RECORD_MAX], octet;
	int ends[2], file = memory_file("cut");
	struct stream stream;
	unsigned room;
	size_t size;
	SSL *client;

	use_version(world, TLS1_3_VERSION);
	client = open_stream(world, &stream, ends);
	room = fill_socket(&stream, 1000);
	close_stream(&stream, client, ends);

	client = open_stream(world, &stream, ends);
	assert_int_equal(fill_socket(&stream, room), room);
	assert_int_equal(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED), 1);
	assert_int_equal(SSL_do_handshake(client), 1);
	assert_int_equal(stream_receive(&stream, &octet, 1), -EAGAIN);

	memset(data, 'm', sizeof(data));
	assert_int_equal(write(file, data, sizeof(data)), sizeof(data));
	assert_int_equal(stream_send_file(&stream, file, 0, sizeof(data)), -EAGAIN);
	assert_int_equal(ftruncate(file, 10), 0);
	memset(world->tls->record, 's', sizeof(world->tls->record)); /* as another client's answer does */
	while (SSL_read_ex(client, data, sizeof(data), &size) == 1)
		assert_int_equal(data[0], 'f');
	assert_true(stream_send_file(&stream, file, 0, sizeof(data)) >= 10);
	assert_int_equal(SSL_read_ex(client, data, sizeof(data), &size), 1);
	assert_memory_equal(data, "mmmmmmmmmm", 10);
	assert_null(memchr(data, 's', size));

	close_stream(&stream, client, ends);
	close(file);
}

/* Whatever OpenSSL says: what was to be sealed must not go out as it is. */
static void a_session_that_breaks_while_sending_stays_one(void **state)
{
	struct world *world = *state;
	const struct iovec piece = {(char *)"secret", 6};
	const struct stream_io *io;
	struct stream stream;
	char octets[64];
	int ends[2];
	SSL *client = open_stream(world, &stream, ends);

	io = stream.io;
	SSL_set_shutdown(stream.tls->ssl, SSL_SENT_SHUTDOWN); /* for OpenSSL an error like others */
	for (int i = 0; i < 2; i++) {
		assert_true(stream_send(&stream, &piece, 1, false) < 0);
		assert_ptr_equal(stream.io, io);
	}
	assert_int_equal(stream_conclude(&stream), 0);
	while (recv(ends[1], octets, sizeof(octets), 0) > 0)
		assert_null(memmem(octets, sizeof(octets), "secret", 6));
	close_stream(&stream, client, ends);
}

/* The octets of a request, sealed and not sent. */
static size_t seal(SSL *client, const char *text, char *out, size_t room)
{
	BIO *wire = SSL_get_wbio(client), *memory = BIO_new(BIO_s_mem());
	size_t sent;
	int size;

	assert_true(BIO_up_ref(wire));
	SSL_set0_wbio(client, memory);
	assert_int_equal(SSL_write_ex(client, text, strlen(text), &sent), 1);
	size = BIO_read(memory, out, (int)room);
	assert_true(size > 0);
	SSL_set0_wbio(client, wire);
	return (size_t)size;
}

/* OpenSSL has one queue of errors for all sessions of a worker: what one's peer does wrong there must not be taken
 * for the error of another, who waits for the rest of its record. */
enum wrongdoing { BAD_HELLO, BAD_RECORD_BEHIND_A_GOOD_ONE, WRITE_AFTER_THE_END };

static void do_wrong(struct world *world, enum wrongdoing what)
{
	const struct iovec piece = {(char *)"answer", 6};
	struct stream stream;
	char octets[200];
	size_t size;
	SSL *client;
	int ends[2];

	if (what == BAD_HELLO) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
		stream = (struct stream){.io = &stream_plain, .fd = ends[0]};
		assert_int_equal(tls_open(world->tls, &stream), 0);
		assert_int_equal(write(ends[1], "\x16\x03\x01\x00\x05garba", 10), 10);
		assert_int_equal(stream_receive(&stream, octets, sizeof(octets)), -ECONNABORTED);
		stream_release(&stream);
		close(ends[0]), close(ends[1]);
		return;
	}
	client = open_stream(world, &stream, ends);
	if (what == BAD_RECORD_BEHIND_A_GOOD_ONE) {
		size = seal(client, "good", octets, sizeof(octets));
		assert_int_equal(write(ends[1], octets, size), size);
		size = seal(client, "bad", octets, sizeof(octets));
		octets[size - 1] ^= 1;
		assert_int_equal(write(ends[1], octets, size), size);
		assert_int_equal(stream_receive(&stream, octets, sizeof(octets)), 4);
	} else {
		SSL_set_shutdown(stream.tls->ssl, SSL_SENT_SHUTDOWN);
		assert_true(stream_send(&stream, &piece, 1, false) < 0);
	}
	close_stream(&stream, client, ends);
}

static void what_a_peer_does_wrong_harms_no_other_in_the_middle_of_a_record(void **state)
{
	static const enum wrongdoing all[] = {BAD_HELLO, BAD_RECORD_BEHIND_A_GOOD_ONE, WRITE_AFTER_THE_END};
	struct world *world = *state;
	char record[200], octets[200];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct stream stream;
		int ends[2];
		SSL *client = open_stream(world, &stream, ends);
		ssize_t size = (ssize_t)seal(client, "request", record, sizeof(record));

		do_wrong(world, all[i]);
		assert_int_equal(write(ends[1], record, 10), 10);
		assert_int_equal(stream_receive(&stream, octets, sizeof(octets)), -EAGAIN);
		assert_int_equal(write(ends[1], record + 10, (size_t)size - 10), size - 10);
		assert_int_equal(stream_receive(&stream, octets, sizeof(octets)), 7);
		assert_memory_equal(octets, "request", 7);
		close_stream(&stream, client, ends);
	}
}

static void close_notify_waits_until_the_socket_takes_it(void **state)
{
	struct world *world = *state;
	char data[TLS_RECORD_MAX];
	struct stream stream;
	unsigned room;
	size_t size;
	int ends[2];
	SSL *client = open_stream(world, &stream, ends);

	room = fill_socket(&stream, 1000);
	close_stream(&stream, client, ends);

	client = open_stream(world, &stream, ends);
	assert_int_equal(fill_socket(&stream, room), room);
	assert_int_equal(stream_conclude(&stream), -EAGAIN);
	assert_int_equal(stream.wants, EV_WRITE);
	for (unsigned i = 0; i < room; i++)
		assert_int_equal(SSL_read_ex(client, data, sizeof(data), &size), 1);
	assert_int_equal(SSL_get_shutdown(client), 0);
	assert_int_equal(stream_conclude(&stream), 0);
	assert_int_equal(SSL_read_ex(client, data, sizeof(data), &size), 0);
	assert_int_equal(SSL_get_shutdown(client), SSL_RECEIVED_SHUTDOWN);
	assert_int_equal(stream_conclude(&stream), 0); /* once is enough */
	assert_int_equal(SSL_read_ex(client, data, sizeof(data), &size), 0);
	assert_int_equal(stream_finish(&stream), 0);
	close_stream(&stream, client, ends);
}

static void reads_requests_that_fill_many_records(void **state)
{
	struct world *world = *state;
	struct client *client = connect_as(world, 0, NULL, NULL);
	char *many = calloc(1, 400 * 64);
	unsigned answers = 0;

	for (unsigned i = 0; i < 400; i++)
		strcat(many, "GET /small.txt HTTP/1.1\r\nHost: one.test\r\n\r\n");
	assert_true(shake_hands(world, client));
	say(world, client, many);
	hear(world, client);
	for (char *at = client->data; (at = strstr(at, "HTTP/1.1 200")); at++)
		answers++;
	assert_int_equal(answers, 400);
	free(many);
	leave(client);
}

static void a_head_may_come_in_records_of_one_octet(void **state)
{
	struct world *world = *state;
	struct client *client = connect_as(world, 0, NULL, NULL);
	const char *text = "GET /small.txt HTTP/1.1\r\nHost: one.test\r\n\r\n";
	size_t sent;

	assert_true(shake_hands(world, client));
	for (; *text; text++) {
		assert_int_equal(SSL_write_ex(client->ssl, text, 1, &sent), 1);
		event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
	}
	hear(world, client);
	assert_true(starts_with(client, "HTTP/1.1 200"));
	leave(client);
}

static void the_name_asked_for_chooses_the_certificate(void **state)
{
	struct world *world = *state;
	const struct {
		const char *name;
		long serial;
	} cases[] = {
		{"one.test", 1},  {"two.test", 3},   {"WWW.Two.Test", 3}, {"a.b.two.test", 3},
		{"two.test.", 3}, {"other.test", 1}, {NULL, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client *client = connect_as(world, 0, cases[i].name, NULL);

		assert_true(shake_hands(world, client));
		assert_int_equal(serial_of(client), cases[i].serial);
		leave(client);
	}
}

static void clients_without_ecdsa_get_rsa(void **state)
{
	struct world *world = *state;
	struct client *client;

	SSL_CTX_set1_sigalgs_list(world->clients, "rsa_pss_rsae_sha256");
	client = connect_as(world, 0, "one.test", NULL);
	ask(world, client);
	assert_int_equal(serial_of(client), 2);
	leave(client);
}

static void sessions_are_resumed(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 2; i++) {
		use_version(world, versions[i]);
		struct client *first = connect_as(world, 0, "one.test", NULL), *second;

		ask(world, first);
		second = connect_as(world, 1, "one.test", first->session);
		ask(world, second);
		assert_int_equal(SSL_session_reused(second->ssl), 1);
		/* Also with a newer key, as long as the old one is known. */
		tls_set_tickets(world->tls, (struct tls_ticket_key[]){keys[1], keys[0]}, 2, HOUR_S);
		leave(second);
		second = connect_as(world, 1, "one.test", first->session);
		ask(world, second);
		assert_int_equal(SSL_session_reused(second->ssl), 1);
		tls_set_tickets(world->tls, &keys[1], 1, HOUR_S);
		leave(first);
		first = connect_as(world, 0, "one.test", second->session);
		ask(world, first);
		assert_int_equal(SSL_session_reused(first->ssl), 1);
		tls_set_tickets(world->tls, keys, 1, HOUR_S);
		leave(second);
		second = connect_as(world, 1, "one.test", first->session);
		ask(world, second);
		assert_int_equal(SSL_session_reused(second->ssl), 0);
		leave(first);
		leave(second);
	}
	assert_int_equal(stats(world).resumed, 6);
}

/* The name in a session is that of the hello which it began with. OpenSSL's client, unasked, sends that
 * one again. */
static void a_resumed_session_is_for_the_host_of_its_own_hello(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 2; i++) {
		use_version(world, versions[i]);
		struct client *first = connect_as(world, 0, "one.test", NULL), *second;

		ask(world, first);
		second = connect_as(world, 1, "other.test", first->session);
		assert_true(shake_hands(world, second));
		assert_int_equal(SSL_session_reused(second->ssl), 1);
		say(world, second, "GET /small.txt HTTP/1.1\r\nHost: other.test\r\n\r\n");
		hear(world, second);
		assert_true(starts_with(second, "HTTP/1.1 200 OK\r\n"));
		second->used = 0;
		say(world, second, "GET /small.txt HTTP/1.1\r\nHost: one.test\r\n\r\n");
		hear(world, second);
		assert_true(starts_with(second, "HTTP/1.1 421 "));
		leave(first);
		leave(second);
	}
}

static void a_renewed_certificate_is_for_new_sessions(void **state)
{
	struct world *world = *state;
	struct client *old = connect_as(world, 0, "one.test", NULL), *fresh;
	char reason[TLS_REASON_MAX];
	int garbage = memory_file("garbage");
	struct tls_pair broken = {garbage, garbage}, mixed = {world->pairs[0].certificate_fd, world->pairs[2].key_fd};

	ask(world, old);
	assert_int_equal(tls_set_pairs(world->tls, 0, &world->pairs[3], 1, reason), 0);
	fresh = connect_as(world, 1, "one.test", NULL);
	ask(world, fresh);
	assert_int_equal(serial_of(fresh), 4);
	old->used = 0;
	ask(world, old);
	leave(fresh);

	assert_int_equal(write(garbage, "no certificate\n", 15), 15);
	assert_int_equal(tls_set_pairs(world->tls, 0, &broken, 1, reason), -EINVAL);
	assert_non_null(strstr(reason, "no certificate"));
	assert_int_equal(tls_set_pairs(world->tls, 0, &mixed, 1, reason), -EINVAL);
	assert_string_equal(reason, "the key does not belong to the certificate");
	fresh = connect_as(world, 1, "one.test", NULL);
	ask(world, fresh);
	assert_int_equal(serial_of(fresh), 4);
	leave(fresh);
	leave(old);
	close(garbage);
}

/* The certificates of this test are each signed by themselves, so each is its own authority. */
static int set_authority(struct world *world, int fd, char reason[TLS_REASON_MAX])
{
	const struct tls_site part = {.name = "one.test",
				      .pairs = world->pairs,
				      .pair_count = 2,
				      .client = TLS_CLIENT_REQUIRED,
				      .client_ca_fd = fd};

	return tls_set_client_ca(world->tls, 0, &part, reason);
}

static void show(struct client *client, const struct tls_pair *pair)
{
	BIO *text = pem_of(pair->certificate_fd), *secret = pem_of(pair->key_fd);
	X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(secret, NULL, NULL, NULL);

	assert_int_equal(SSL_use_cert_and_key(client->ssl, certificate, key, NULL, 1), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
	BIO_free(text);
	BIO_free(secret);
}

/* Whether one with that certificate gets an answer; then also whether that session was resumed. */
static bool is_let_in(struct world *world, const struct tls_pair *pair, SSL_SESSION *session, bool *resumed)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: one.test\r\n\r\n";
	struct client *client = connect_as(world, 1, "one.test", session);
	size_t sent;
	bool answered;

	show(client, pair);
	if (shake_hands(world, client))
		(void)SSL_write_ex(client->ssl, request, sizeof(request) - 1, &sent);
	hear(world, client);
	answered = starts_with(client, "HTTP/1.1 ");
	*resumed = SSL_session_reused(client->ssl) == 1;
	leave(client);
	return answered;
}

static void others_may_sign_for_clients_from_now_on(void **state)
{
	struct world *world = *state;
	const struct tls_pair *two = &world->pairs[2], *four = &world->pairs[3];
	char reason[TLS_REASON_MAX];
	int garbage = memory_file("garbage");
	bool resumed;

	assert_int_equal(write(garbage, "nobody\n", 7), 7);
	for (size_t i = 0; i < 2; i++) {
		struct client *old;

		use_version(world, versions[i]);
		assert_int_equal(set_authority(world, two->certificate_fd, reason), 0);
		old = connect_as(world, 0, "one.test", NULL);
		show(old, two);
		ask(world, old);
		assert_true(is_let_in(world, two, old->session, &resumed) && resumed);
		assert_false(is_let_in(world, four, NULL, &resumed));

		assert_int_equal(set_authority(world, four->certificate_fd, reason), 0);
		assert_false(is_let_in(world, two, NULL, &resumed));
		assert_false(is_let_in(world, two, old->session, &resumed));
		assert_true(is_let_in(world, four, NULL, &resumed));
		old->used = 0;
		ask(world, old); /* it stands */

		assert_int_equal(set_authority(world, garbage, reason), -EINVAL);
		assert_non_null(strstr(reason, "no certificate"));
		assert_false(is_let_in(world, two, NULL, &resumed));
		assert_true(is_let_in(world, four, NULL, &resumed));

		/* By whom sessions are told is who they are, not which file they were read from. */
		assert_int_equal(set_authority(world, two->certificate_fd, reason), 0);
		assert_true(is_let_in(world, two, old->session, &resumed) && resumed);
		leave(old);
	}
	close(garbage);
}

static void authorities_are_checked(void **state)
{
	struct world *world = *state;
	struct tls_warnings warnings;
	char reason[TLS_REASON_MAX];
	int fd = memory_file("pem");

	assert_int_equal(tls_check_client_ca(world->pairs[0].certificate_fd, reason, &warnings), 0);
	assert_string_equal(warnings.chain, "");
	assert_string_equal(warnings.time, "");
	assert_int_equal(tls_check_client_ca(fd, reason, &warnings), -EINVAL);
	assert_non_null(strstr(reason, "is empty"));
	assert_int_equal(tls_check_client_ca(world->pairs[0].key_fd, reason, &warnings), -EINVAL);
	assert_non_null(strstr(reason, "no certificate"));
	close(fd);
}

/* Else they would be let in without one. */
static void where_clients_cannot_be_asked_for_a_certificate_there_is_no_tls(void **state)
{
	struct world *world = *state;
	const struct tls_site part = {.name = "one.test",
				      .pairs = world->pairs,
				      .pair_count = 1,
				      .client = TLS_CLIENT_REQUIRED,
				      .client_ca_fd = world->pairs[2].certificate_fd};
	const struct tls_options options = {.sites = &sites, .parts = &part, .handshakes_max = 4};
	char reason[TLS_REASON_MAX] = "";
	bool resumed;

	assert_int_equal(set_authority(world, world->pairs[2].certificate_fd, reason), 0);
	shortage = SHORT_OF_NAMES;
	assert_true(set_authority(world, world->pairs[3].certificate_fd, reason) < 0);
	assert_null(tls_new(&options, reason));
	shortage = SHORT_OF_NOTHING;
	assert_string_equal(reason, "TLS cannot be set up");
	/* Those from before still sign. */
	assert_true(is_let_in(world, &world->pairs[2], NULL, &resumed));
	assert_false(is_let_in(world, &world->pairs[3], NULL, &resumed));
}

static void without_memory_for_a_session_a_stream_stays_as_it_is(void **state)
{
	struct world *world = *state;
	struct stream stream = {.io = &stream_plain, .fd = world->pairs[0].key_fd};

	for (int i = 0; i < 2; i++) {
		shortage = i == 0 ? SHORT_OF_SESSIONS : SHORT_OF_BIOS;
		assert_int_equal(tls_open(world->tls, &stream), -ENOMEM);
		shortage = SHORT_OF_NOTHING;
		assert_ptr_equal(stream.io, &stream_plain);
		assert_null(stream.tls);
		assert_false(stream.phase == STREAM_HANDSHAKE);
		assert_int_equal(stats(world).handshakes, 0);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

static void plain_http_gets_a_readable_answer(void **state)
{
	struct world *world = *state;
	struct answer answer;

	talk_connect(world->talk, 0, HTTP_TAKE_TLS);
	talk_say(world->talk, 0, "GET / HTTP/1.1\r\nHost: one.test\r\n\r\n");
	answer = talk_expect(world->talk, 0, 400);
	assert_true(answer.close);
	assert_int_equal(stats(world).handshakes, 0);
	assert_int_equal(stats(world).failed, 1);
}

static void noise_ends_the_connection(void **state)
{
	struct world *world = *state;

	for (unsigned seed = 0; seed < 300; seed++) {
		char noise[300];
		size_t size = 1 + seed % sizeof(noise);

		srand(seed);
		for (size_t i = 0; i < size; i++)
			noise[i] = (char)rand();
		if (seed % 3) /* what looks like the start of a hello */
			memcpy(noise, "\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03", size < 11 ? size : 11);
		talk_connect(world->talk, 0, HTTP_TAKE_TLS);
		talk_send(world->talk, 0, noise, size);
		talk_run(world->talk, true);
		talk_hang_up(world->talk, 0);
		talk_run(world->talk, false);
	}
	assert_int_equal(talk_stats(world->talk).connections, 0);
	assert_int_equal(stats(world).handshakes, 0);
}

/* A hello and a request with one bit turned, anywhere: an error, or (in what nobody looks at) not. */
static void damaged_records_end_the_connection(void **state)
{
	struct world *world = *state;

	for (unsigned at = 0; at < 600; at += 7) {
		struct client *client = connect_as(world, 0, "one.test", NULL);
		int through[2];
		char octets[4096];
		ssize_t size;

		/* What the client would send goes another way round. */
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, through), 0);
		SSL_set_fd(client->ssl, through[0]);
		(void)SSL_do_handshake(client->ssl);
		ERR_clear_error();
		size = read(through[1], octets, sizeof(octets));
		assert_true(size > 0);
		octets[at % (unsigned)size] ^= (char)(1 << at % 8);
		talk_send(world->talk, 0, octets, (size_t)size);
		talk_run(world->talk, true);
		talk_hang_up(world->talk, 0);
		talk_run(world->talk, false);
		close(through[0]);
		close(through[1]);
		leave(client);
	}
	assert_int_equal(talk_stats(world->talk).connections, 0);
}

static void unfinished_handshakes_are_limited(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 6; i++)
		talk_connect(world->talk, i, HTTP_TAKE_TLS);
	talk_run(world->talk, true);
	assert_int_equal(stats(world).handshakes, 4);
	assert_true(world->talk->clients[0].ended);
	assert_true(world->talk->clients[1].ended);
	assert_false(world->talk->clients[2].ended);
	assert_int_equal(talk_stats(world->talk).connections, 4);
}

static void a_silent_client_is_closed(void **state)
{
	struct world *world = *state;

	talk_connect(world->talk, 0, HTTP_TAKE_TLS);
	talk_run(world->talk, true);
	talk_now_ms += 11000;
	http_server_tick(world->talk->server);
	talk_run(world->talk, true);
	assert_true(world->talk->clients[0].ended);
}

static void a_close_is_announced_to_both_layers(void **state)
{
	struct world *world = *state;
	struct client *client = connect_as(world, 0, "one.test", NULL);

	ask(world, client);
	http_server_announce_stop(world->talk->server);
	client->used = 0;
	say(world, client, "GET /small.txt HTTP/1.1\r\nHost: one.test\r\n\r\n");
	hear(world, client);
	assert_non_null(strstr(client->data, "Connection: close\r\n"));
	assert_true(client->ended);
	leave(client);
}

static void an_idle_client_is_told_goodbye_at_a_stop(void **state)
{
	struct world *world = *state;
	struct client *client = connect_as(world, 0, "one.test", NULL);

	ask(world, client);
	http_server_stop(world->talk->server);
	talk_pass_stop(world->talk);
	hear(world, client);
	assert_true(client->ended);
	leave(client);
}

static void what_has_begun_is_answered_at_a_stop(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 2; i++)
		talk_connect(world->talk, 2 + (unsigned)i, HTTP_TAKE_TLS); /* these say nothing */
	for (size_t i = 0; i < 2; i++) {
		struct client *client;

		use_version(world, versions[i]);
		client = connect_as(world, (unsigned)i, "one.test", NULL);
		assert_int_equal(SSL_do_handshake(client->ssl), -1);
		event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
		http_server_stop(world->talk->server);
		ask(world, client);
		assert_non_null(strstr(client->data, "Connection: close\r\n"));
		assert_true(client->ended);
		leave(client);
	}
	for (size_t i = 0; i < 2; i++) { /* these have done with their handshake when the stop comes */
		struct client *client;

		use_version(world, versions[i]);
		client = connect_as(world, (unsigned)i, "one.test", NULL);
		assert_true(shake_hands(world, client));
		event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
		http_server_stop(world->talk->server);
		ask(world, client);
		assert_true(client->ended);
		leave(client);
	}
	talk_now_ms += 1100;
	http_server_tick(world->talk->server);
	talk_run(world->talk, true);
	assert_true(world->talk->clients[2].ended);
	assert_true(world->talk->clients[3].ended);
}

static bool makes_room(struct world *world)
{
	bool some = http_server_make_room(world->talk->server);

	event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
	return some;
}

static void an_idle_client_gives_way_with_a_goodbye_and_none_in_the_middle(void **state)
{
	struct world *world = *state;
	char record[1024];

	for (size_t i = 0; i < 2; i++) {
		struct client *client;
		size_t size;
		int fd;

		use_version(world, versions[i]);
		client = connect_as(world, 0, "one.test", NULL);
		fd = world->talk->clients[0].fd;
		assert_int_equal(SSL_do_handshake(client->ssl), -1);
		event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
		talk_now_ms += 1000;
		assert_false(makes_room(world)); /* the handshake has begun */
		ask(world, client);
		size = seal(client->ssl, "GET /small.txt HTTP/1.1\r\nHost: one.test\r\n\r\n", record, sizeof(record));
		assert_int_equal(send(fd, record, size - 10, 0), size - 10);
		event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
		makes_room(world);
		assert_false(makes_room(world)); /* part of a record has come */
		client->used = 0;
		assert_int_equal(send(fd, record + size - 10, 10, 0), 10);
		hear(world, client);
		assert_true(starts_with(client, "HTTP/1.1 200 OK\r\n"));
		assert_false(client->ended);
		assert_true(makes_room(world));
		assert_false(makes_room(world));
		hear(world, client);
		assert_true(client->ended);
		leave(client);
		talk_hang_up(world->talk, 0);
		talk_run(world->talk, false);
	}
	/* One that has not even begun. */
	talk_connect(world->talk, 1, HTTP_TAKE_TLS);
	talk_now_ms += 499;
	assert_false(makes_room(world));
	talk_now_ms += 1;
	assert_true(makes_room(world));
	talk_run(world->talk, true);
	assert_true(world->talk->clients[1].ended);
	assert_false(world->talk->clients[1].reset);
}

static void only_http_1_is_spoken(void **state)
{
	struct world *world = *state;
	const struct {
		const char *offer, *chosen;
	} cases[] = {{"\x08http/1.1", "http/1.1"},
		     {"\x02h2\x08http/1.1", "http/1.1"},
		     {"\x08http/1.0\x08http/1.1", "http/1.1"},
		     {"\x08http/1.0", "http/1.0"},
		     {"\x02h2", ""}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t length = strlen(cases[i].chosen);
		struct client *client = connect_as(world, 0, "one.test", NULL);
		const unsigned char *chosen;
		unsigned size;

		SSL_set_alpn_protos(client->ssl, (const unsigned char *)cases[i].offer,
				    (unsigned)strlen(cases[i].offer));
		assert_int_equal(shake_hands(world, client), length > 0);
		SSL_get0_alpn_selected(client->ssl, &chosen, &size);
		assert_int_equal(size, length);
		assert_memory_equal(chosen, cases[i].chosen, length);
		leave(client);
	}
}

static void old_versions_are_refused(void **state)
{
	struct world *world = *state;
	struct client *client;

	SSL_CTX_set_security_level(world->clients, 0);
	use_version(world, TLS1_1_VERSION);
	client = connect_as(world, 0, "one.test", NULL);
	assert_false(shake_hands(world, client));
	leave(client);
}

static void pairs_are_checked(void **state)
{
	struct world *world = *state;
	struct tls_pair soon = make_pair("soon.test", "EC", 1, 0, 6 * 24 * HOUR_S + 60),
			past = make_pair("past.test", "EC", 1, -7200, -HOUR_S),
			early = make_pair("early.test", "EC", 1, HOUR_S, 90 * 24 * HOUR_S);
	char reason[TLS_REASON_MAX];
	struct tls_warnings odd;
	int64_t end = 0;

	assert_int_equal(tls_check_pair(&world->pairs[0], NULL, NULL, &end, reason, &odd), 0);
	assert_string_equal(odd.time, "");
	assert_true(end > time(NULL) + 89 * 24 * HOUR_S);
	assert_int_equal(tls_check_pair(&soon, NULL, NULL, &end, reason, &odd), 0);
	assert_string_equal(odd.time, "");
	assert_true(end > time(NULL) + 6 * 24 * HOUR_S && end < time(NULL) + 7 * 24 * HOUR_S);
	assert_int_equal(tls_check_pair(&past, NULL, NULL, &end, reason, &odd), 0);
	assert_string_equal(odd.time, "has expired");
	assert_int_equal(tls_check_pair(&early, NULL, NULL, &end, reason, &odd), 0);
	assert_string_equal(odd.time, "is not valid yet");
	assert_int_equal(
		tls_check_pair(&(struct tls_pair){soon.certificate_fd, past.key_fd}, NULL, NULL, &end, reason, &odd),
		-EINVAL);
	const struct tls_pair all[] = {soon, past, early};
	for (size_t i = 0; i < 3; i++) {
		close(all[i].certificate_fd);
		close(all[i].key_fd);
	}
}

/* The header goes before the handshake, as it is; in what octet by octet is read of it there is
 * nothing of the handshake. */
static void a_proxy_header_comes_before_the_handshake(void **state)
{
	static const char header[] = "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n";
	struct world *world = *state;

	for (size_t cut = 0; cut < sizeof(header); cut += 6) {
		unsigned flags = HTTP_TAKE_PROXY | (cut % 4 ? HTTP_TAKE_WAITING : 0);
		struct client *client = connect_by(world, 0, flags, "one.test", NULL);
		int fd = world->talk->clients[0].fd;

		assert_int_equal(send(fd, header, cut, 0), cut);
		event_base_loop(world->talk->base, EVLOOP_NONBLOCK);
		assert_int_equal(send(fd, header + cut, sizeof(header) - 1 - cut, 0), sizeof(header) - 1 - cut);
		ask(world, client);
		assert_string_equal(world->talk->log[world->talk->logged - 1].client, "192.0.2.1");
		leave(client);
		talk_hang_up(world->talk, 0);
		talk_run(world->talk, false);
	}
	assert_int_equal(talk_stats(world->talk).connections, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_requests, start, stop),
		cmocka_unit_test_setup_teardown(sends_a_large_file_whole, start, stop),
		cmocka_unit_test_setup_teardown(a_file_that_is_cut_shows_nothing_of_others, start, stop),
		cmocka_unit_test_setup_teardown(reads_requests_that_fill_many_records, start, stop),
		cmocka_unit_test_setup_teardown(a_head_may_come_in_records_of_one_octet, start, stop),
		cmocka_unit_test_setup_teardown(the_name_asked_for_chooses_the_certificate, start, stop),
		cmocka_unit_test_setup_teardown(clients_without_ecdsa_get_rsa, start, stop),
		cmocka_unit_test_setup_teardown(sessions_are_resumed, start, stop),
		cmocka_unit_test_setup_teardown(a_resumed_session_is_for_the_host_of_its_own_hello, start, stop),
		cmocka_unit_test_setup_teardown(a_renewed_certificate_is_for_new_sessions, start, stop),
		cmocka_unit_test_setup_teardown(others_may_sign_for_clients_from_now_on, start, stop),
		cmocka_unit_test_setup_teardown(where_clients_cannot_be_asked_for_a_certificate_there_is_no_tls, start,
						stop),
		cmocka_unit_test_setup_teardown(without_memory_for_a_session_a_stream_stays_as_it_is, start, stop),
		cmocka_unit_test_setup_teardown(plain_http_gets_a_readable_answer, start, stop),
		cmocka_unit_test_setup_teardown(noise_ends_the_connection, start, stop),
		cmocka_unit_test_setup_teardown(damaged_records_end_the_connection, start, stop),
		cmocka_unit_test_setup_teardown(unfinished_handshakes_are_limited, start, stop),
		cmocka_unit_test_setup_teardown(a_silent_client_is_closed, start, stop),
		cmocka_unit_test_setup_teardown(a_close_is_announced_to_both_layers, start, stop),
		cmocka_unit_test_setup_teardown(an_idle_client_is_told_goodbye_at_a_stop, start, stop),
		cmocka_unit_test_setup_teardown(a_session_that_breaks_while_sending_stays_one, start, stop),
		cmocka_unit_test_setup_teardown(what_a_peer_does_wrong_harms_no_other_in_the_middle_of_a_record, start,
						stop),
		cmocka_unit_test_setup_teardown(close_notify_waits_until_the_socket_takes_it, start, stop),
		cmocka_unit_test_setup_teardown(what_has_begun_is_answered_at_a_stop, start, stop),
		cmocka_unit_test_setup_teardown(an_idle_client_gives_way_with_a_goodbye_and_none_in_the_middle, start,
						stop),
		cmocka_unit_test_setup_teardown(only_http_1_is_spoken, start, stop),
		cmocka_unit_test_setup_teardown(old_versions_are_refused, start, stop),
		cmocka_unit_test_setup_teardown(a_proxy_header_comes_before_the_handshake, start, stop),
		cmocka_unit_test_setup_teardown(pairs_are_checked, start, stop),
		cmocka_unit_test_setup_teardown(authorities_are_checked, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
