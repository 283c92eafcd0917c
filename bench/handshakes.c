/* SPDX-License-Identifier: MIT
 *
 * A client for bench/tls: connects over TLS again and again, one connection after the other, asks once
 * on each and closes; or holds many open connections that are idle. Blocking; the server's CPU time is
 * what is measured, not this program's. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct wishes {
	struct sockaddr_in address;
	unsigned count;
	int version;
	bool resume, hold;
};

static const char request[] = "GET /file.txt HTTP/1.1\r\nHost: bench\r\n\r\n";

static void die(const char *what)
{
	fprintf(stderr, "bench/handshakes: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static SSL *dial(const struct wishes *wishes, SSL_CTX *context, SSL_SESSION *session)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	SSL *ssl = SSL_new(context);

	if (fd < 0 || !ssl || connect(fd, (const struct sockaddr *)&wishes->address, sizeof(wishes->address)) < 0)
		die("no connection");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	SSL_set_fd(ssl, fd);
	if (session)
		SSL_set_session(ssl, session);
	if (SSL_connect(ssl) != 1)
		die("no handshake");
	return ssl;
}

/* Reads one answer, of which no more than its size matters; tickets come on the way. */
static void ask(SSL *ssl)
{
	char answer[65536 + 1], *body, *length;
	size_t used = 0, size;

	if (SSL_write_ex(ssl, request, sizeof(request) - 1, &size) != 1)
		die("nothing can be sent");
	do {
		if (SSL_read_ex(ssl, answer + used, sizeof(answer) - 1 - used, &size) != 1)
			die("no answer");
		used += size;
		answer[used] = '\0';
		body = strstr(answer, "\r\n\r\n");
		length = strcasestr(answer, "\r\nContent-Length: ");
	} while (!body || !length || used < (size_t)(body + 4 - answer) + strtoul(length + 18, NULL, 10));
}

static void hang_up(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* Returns how many sessions were resumed. */
static unsigned come_and_go(const struct wishes *wishes, SSL_CTX *context)
{
	SSL_SESSION *session = NULL;
	unsigned resumed = 0;
	SSL *ssl;

	for (unsigned i = 0; i < wishes->count + wishes->resume; i++) {
		ssl = dial(wishes, context, session);
		ask(ssl);
		resumed += SSL_session_reused(ssl) == 1;
		if (wishes->resume && !session)
			session = SSL_get1_session(ssl);
		hang_up(ssl);
	}
	SSL_SESSION_free(session);
	return resumed;
}

/* Until standard input ends. */
static void hold(const struct wishes *wishes, SSL_CTX *context)
{
	char octet;

	for (unsigned i = 0; i < wishes->count; i++)
		ask(dial(wishes, context, NULL));
	printf("%u open\n", wishes->count);
	fflush(stdout);
	while (read(STDIN_FILENO, &octet, 1) > 0)
		;
	_exit(0);
}

static void read_wishes(int argc, char **argv, struct wishes *out)
{
	int option;

	*out = (struct wishes){.count = 1, .version = TLS1_3_VERSION};
	out->address.sin_family = AF_INET;
	out->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((option = getopt(argc, argv, "p:n:2rh")) != -1) {
		switch (option) {
		case 'p':
			out->address.sin_port = htons((uint16_t)atoi(optarg));
			break;
		case 'n':
			out->count = (unsigned)atoi(optarg);
			break;
		case '2':
			out->version = TLS1_2_VERSION;
			break;
		case 'r':
			out->resume = true;
			break;
		case 'h':
			out->hold = true;
			break;
		default:
			die("usage: handshakes -p PORT -n COUNT [-2] [-r|-h]");
		}
	}
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct wishes wishes;

	read_wishes(argc, argv, &wishes);
	if (!context || SSL_CTX_set_min_proto_version(context, wishes.version) != 1 ||
	    SSL_CTX_set_max_proto_version(context, wishes.version) != 1)
		die("no context");
	if (wishes.hold)
		hold(&wishes, context);
	printf("%u resumed\n", come_and_go(&wishes, context));
	SSL_CTX_free(context);
	return 0;
}
