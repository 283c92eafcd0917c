/* SPDX-License-Identifier: MIT
 *
 * TLS as a server speaks it: handshakes and records of a client that is OpenSSL's, damaged, cut short and
 * mixed with noise on their way.
 *
 * An input is a list of steps: an octet that says what, one with a number, and for some as many octets.
 * What is no step ends it. */
#include "fuzz.h"
#include "root.h"

#include "base/log.h"
#include "http/connection/server.h"
#include "http/site/site.h"
#include "http/tls/private.h"
#include "log_to.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct event_base *base;
static struct http_server *server;
static struct tls *tls;
static SSL_CTX *context;
static uint64_t now_ms = 1000000;

static struct http_location location = {.prefix = SLICE(""), .fields = SLICE(""), .hsts = SLICE("")};
static struct http_site site = {.locations = &location, .location_count = 1};
static struct http_sites sites = {.list = &site, .count = 1};

/* The client: what it has sealed waits in `pending` until it is passed on. */
static int fd = -1;
static SSL *client;
static SSL_SESSION *session;
static char pending[65536];
static size_t pending_size;

static uint64_t fuzz_clock(void)
{
	return now_ms;
}

static void start(void)
{
	static const char *const index_names[] = {"index.html", NULL}, *const names[] = {"a", NULL};
	const struct tls_pair pair = {memfd_create("certificate", MFD_CLOEXEC), memfd_create("key", MFD_CLOEXEC)};
	const struct tls_site part = {"", &pair, 1, TLS_CLIENT_OFF, -1};
	const struct tls_ticket_key key = {.name = "fuzz"};
	char reason[TLS_REASON_MAX];

	signal(SIGPIPE, SIG_IGN);
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	location.index_names = index_names;
	site.root.fd = fuzz_root();
	http_sites_sort(&sites);
	FUZZ_CHECK(tls_make_pair(&pair, names, reason) == 0);
	tls = tls_new(&(struct tls_options){.sites = &sites, .parts = &part, .handshakes_max = 2}, reason);
	FUZZ_CHECK(tls);
	tls_set_tickets(tls, &key, 1, 3600);
	base = event_base_new();
	server = http_server_new(
		base,
		&(struct http_options){
			.handshake_timeout_ms = 1000, .keepalive_timeout_ms = 1500, .sites = &sites, .tls = tls},
		&(struct http_events){0});
	FUZZ_CHECK(server);
	server->clock_ms = fuzz_clock;
	context = SSL_CTX_new(TLS_client_method());
	FUZZ_CHECK(context);
}

/* OpenSSL's list of errors must be as empty behind it as before: what is left there would be taken for
 * what became of another connection. */
static void run(void)
{
	ERR_clear_error();
	for (unsigned turn = 0; turn < 16; turn++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	FUZZ_CHECK(ERR_peek_error() == 0);
}

static void hang_up(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
	if (client) {
		SSL_SESSION_free(session);
		session = SSL_get1_session(client);
		SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(client);
	}
	client = NULL;
	pending_size = 0;
}

static void dial(unsigned how)
{
	int ends[2], version = how & 1 ? TLS1_2_VERSION : TLS1_3_VERSION;

	hang_up();
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	fd = ends[0];
	client = SSL_new(context);
	FUZZ_CHECK(client);
	SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_min_proto_version(client, version);
	SSL_set_max_proto_version(client, version);
	if ((how & 2) && session)
		SSL_set_session(client, session);
	if (how & 4)
		SSL_set_tlsext_host_name(client, "a");
	SSL_set_connect_state(client);
	http_server_take(server, ends[1], HTTP_TAKE_TLS | (how & 8 ? HTTP_TAKE_WAITING : 0));
}

/* What the client has to say waits behind what waits already. */
static void collect(void)
{
	int got = BIO_read(SSL_get_wbio(client), pending + pending_size, (int)(sizeof(pending) - pending_size));

	pending_size += got > 0 ? (size_t)got : 0;
}

static void pass_on(size_t size)
{
	size = size == 0 || size > pending_size ? pending_size : size;
	if (fd >= 0 && size > 0)
		(void)!send(fd, pending, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	pending_size -= size;
	memmove(pending, pending + size, pending_size);
	run();
}

static void listen_to_it(void)
{
	char octets[65536];
	ssize_t size;

	while (fd >= 0 && (size = recv(fd, octets, sizeof(octets), MSG_DONTWAIT)) > 0)
		BIO_write(SSL_get_rbio(client), octets, (int)size);
	while (SSL_read(client, octets, sizeof(octets)) > 0)
		continue;
	collect();
}

static void insert(const uint8_t *octets, size_t size)
{
	if (size > sizeof(pending) - pending_size)
		size = sizeof(pending) - pending_size;
	if (size > 0)
		memcpy(pending + pending_size, octets, size);
	pending_size += size;
}

static bool step(struct fuzz_input *input)
{
	unsigned what = fuzz_octet(input), number = fuzz_octet(input);
	const uint8_t *at;
	size_t got;

	switch (what) {
	case 'c': /* a new client */
		dial(number);
		break;
	case 'g': /* it goes on as it should, so many times there and back */
		for (unsigned i = 0; i < number % 8; i++) {
			listen_to_it();
			pass_on(0);
		}
		break;
	case 'l': /* it listens, and prepares what it has to say */
		listen_to_it();
		break;
	case 'q': /* it asks */
		at = fuzz_take(input, number, &got);
		if (got > 0)
			SSL_write(client, at, (int)got);
		collect();
		break;
	case 'p': /* so many octets come to the server; 0: all */
		pass_on(number);
		break;
	case 'x': /* one of them is damaged on the way */
		if (pending_size > 0)
			pending[number % pending_size] ^= (char)(1 + fuzz_octet(input) % 255);
		break;
	case 'd': /* some are lost */
		pending_size -= number < pending_size ? number : pending_size;
		break;
	case 'i': /* some come from elsewhere */
		at = fuzz_take(input, number, &got);
		insert(at, got);
		break;
	case 'n': /* close_notify */
		SSL_shutdown(client);
		collect();
		break;
	case 'h':
		if (fd >= 0)
			shutdown(fd, number & 1 ? SHUT_RDWR : SHUT_WR);
		break;
	case 't':
		now_ms += number * 20;
		http_server_tick(server);
		break;
	default:
		return false;
	}
	run();
	return true;
}

static void tidy(void)
{
	struct http_stats stats;

	hang_up();
	run();
	http_server_abort(server);
	http_server_get_stats(server, &stats);
	FUZZ_CHECK(stats.connections == 0 && tls->stats.handshakes == 0);
	run();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	if (!base)
		start();
	dial(0);
	for (unsigned steps = 0; steps < 64 && input.left > 0 && step(&input); steps++)
		continue;
	tidy();
	return 0;
}
