/* SPDX-License-Identifier: MIT
 *
 * TLS 1.2 and 1.3 under HTTP/1.1 (RFC 5246, 8446, 7301, 6066), by OpenSSL straight on the socket. A
 * process has one struct tls: a context for each site, chosen by the name that the client asks for.
 * Certificates and ticket keys come from the owner, who may replace both at any time: sessions that
 * stand go on with what they began with.
 *
 * Workers only, but for tls_check_* and tls_kernel_exists. Nothing here opens a file by its name. */
#ifndef BROOD_HTTP_TLS_TLS_H
#define BROOD_HTTP_TLS_TLS_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_sites;
struct stream;
struct tls;

/* Default of tls_options.handshakes_max, and of the setting. */
#define TLS_HANDSHAKES_MAX 1024

/* Mozilla's server side recommendations of these names: TLS 1.2 and 1.3, or 1.3 alone. */
enum tls_profile { TLS_INTERMEDIATE, TLS_MODERN };

/* Whether clients have to show a certificate of their own. */
enum tls_client { TLS_CLIENT_OFF, TLS_CLIENT_OPTIONAL, TLS_CLIENT_REQUIRED };

enum {
	TLS_PAIRS_MAX = 8, /* of one site: one for each kind of key */
	TLS_TICKET_KEYS_MAX = 32,
	TLS_REASON_MAX = 256,
	TLS_NAME_MAX = 256, /* a host's name is no longer than 255 (RFC 1035) */
};

/* PEM, as opened files: a certificate with those that link it to its root behind it, and its
 * private key, which may be in the same file. Read from their start, wherever their offset is. Borrowed. */
struct tls_pair {
	int certificate_fd, key_fd;
};

/* What a site has beside what it has for HTTP. */
struct tls_site {
	/* Told from other sites by it: a session of one is not resumed with another. The same in all
	 * processes, and over reloads. */
	const char *name;
	const struct tls_pair *pairs;
	size_t pair_count; /* 1 at least */
	enum tls_client client;
	int client_ca_fd; /* PEM of those who sign clients' certificates; -1 with TLS_CLIENT_OFF */
};

struct tls_options {
	enum tls_profile profile;
	/* Who is meant by the name that a client asks for: the same as by that name in Host. Borrowed,
	 * must outlive the struct tls. */
	const struct http_sites *sites;
	/* Of each in sites->list, in its order. The first is for clients that name none, too; read, not
	 * kept. */
	const struct tls_site *parts;
	/* Where the kernel has TLS, and OpenSSL hands it the keys: files are sent without a copy, and
	 * what the kernel seals and opens can move to another process. */
	bool kernel;
	unsigned handshakes_max; /* unfinished at a time: beyond it the oldest is given up; 0: the default */
};

/* NULL with a reason in words. */
struct tls *tls_new(const struct tls_options *options, char reason[TLS_REASON_MAX]);
void tls_free(struct tls *tls); /* NULL is allowed; all streams must be closed */

/* Puts other certificates in place of a site's. 0 or -EINVAL with a reason: the old ones stay. */
int tls_set_pairs(struct tls *tls, size_t site, const struct tls_pair *pairs, size_t count, char reason[TLS_REASON_MAX])
	__attribute__((warn_unused_result));

/* Puts others in place of those who sign certificates of a site's clients. `part`: all of that site, as it is
 * from now on. Sessions that began under others than these are not resumed. 0, or -EINVAL or -ENOMEM with
 * a reason: the old ones stay. */
int tls_set_client_ca(struct tls *tls, size_t site, const struct tls_site *part, char reason[TLS_REASON_MAX])
	__attribute__((warn_unused_result));

/* Keys for session tickets (RFC 5077, RFC 8446 section 4.6.1): AES-256-CBC with HMAC-SHA-256. The
 * first one seals, all of them open. Whoever has them can resume the sessions, and read recordings
 * of TLS 1.2 sessions that were resumed. */
struct tls_ticket_key {
	uint8_t name[16], hmac[32], aes[32];
};

/* Copied. With none, and before the first call, no tickets are given. `lifetime_s`: for how long a session may
 * be resumed after its full handshake. */
void tls_set_tickets(struct tls *tls, const struct tls_ticket_key *keys, size_t count, uint32_t lifetime_s);

/* While there are as many unfinished handshakes as there may be: the one that waits longest, and is the least
 * likely to be a client in earnest. To be closed before another one is opened. NULL: there is room. */
struct stream *tls_gives_way(const struct tls *tls);

/* Makes a plain stream, of a connection on which nothing has been sent yet, one of TLS. 0 or -ENOMEM. Receiving
 * comes to -EPROTO when the client speaks plain HTTP instead; the stream is plain then, and so it is after
 * -ECONNABORTED. */
int tls_open(struct tls *tls, struct stream *stream) __attribute__((warn_unused_result));

/* Makes a pair for trying out, signed by itself, for these names (ended by NULL), localhost and the loopback
 * addresses, and writes it into two empty files; unless another process has done so. Waits for one
 * that is about to. 0, or -EINVAL with a reason. For a process whose death nobody minds, or a worker. */
int tls_make_pair(const struct tls_pair *out, const char *const *names, char reason[TLS_REASON_MAX])
	__attribute__((warn_unused_result));

/* What is known of a stream's session, for the log. Texts live as long as that. */
struct tls_facts {
	const char *version, *cipher; /* "TLSv1.3", "TLS_AES_128_GCM_SHA256" */
	bool resumed;
	/* Of the client's certificate: its subject (RFC 2253), cut where it is very long, and SHA-256
	 * in hexadecimal. NULL without one. */
	const char *client_subject, *client_fingerprint;
};

/* False for a plain stream; *out is as it was then. */
bool tls_facts(const struct stream *stream, struct tls_facts *out);

/* The name that the client asked for, in lower case; "" when it did not, NULL for a plain stream. */
const char *tls_server_name(const struct stream *stream);

/* Whether requests for that host (as in a Host field) may be made on the stream: not where its site has
 * demands on clients, and the session has begun with another one. */
bool tls_may_ask(const struct stream *stream, struct slice host);

/* Whether the site of that host lets nobody in without a certificate. */
bool tls_demands(const struct tls *tls, struct slice host);

/* Whether the kernel can seal and open records. Asking makes it load its module for that, if whoever asks
 * has CAP_NET_ADMIN. For any process. */
bool tls_kernel_exists(void);

/* What stream_save wrote in another process, of any version: whether this one may go on with it. Not where
 * more is demanded of clients now. `tls`: NULL if nothing speaks it here. */
bool tls_admits(const struct tls *tls, const void *state, size_t size);

/* Makes a plain stream one of a session that the kernel has the keys of. 0, -EINVAL or -ENOMEM. */
int tls_resume(struct tls *tls, struct stream *stream, const void *state, size_t size)
	__attribute__((warn_unused_result));

/* What is odd about a pair that can be used; each "" where there is nothing to say. */
struct tls_warnings {
	char time[TLS_REASON_MAX];  /* "has expired", "is not valid yet" */
	char chain[TLS_REASON_MAX]; /* not in order, or not all of it: clients may not trust it */
	char names[TLS_REASON_MAX]; /* those that it does not cover */
};

/* The roots that this system trusts, read when one is first looked for. All-zero: not yet. */
struct tls_roots {
	struct x509_store_st *store;
};
void tls_roots_free(struct tls_roots *roots);

/* Does with a pair what a worker would, for a process whose death nobody minds: 0 and when its certificate
 * ends (seconds since 1970; as it was if it does not say), or -EINVAL with a reason ("the key does not belong to
 * the certificate", "the certificate cannot be used: ee key too small"). `names`: for which it is to be good,
 * ended by NULL; may be NULL. `roots`: NULL: whether its chain leads to one is not asked. */
int tls_check_pair(const struct tls_pair *pair, const char *const *names, struct tls_roots *roots, int64_t *not_after,
		   char reason[TLS_REASON_MAX], struct tls_warnings *warnings) __attribute__((warn_unused_result));

/* The same for a file of those who sign clients' certificates. */
int tls_check_client_ca(int fd, char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
	__attribute__((warn_unused_result));

/* The same for all that a site has, together. */
int tls_check_site(const struct tls_site *part, char reason[TLS_REASON_MAX]) __attribute__((warn_unused_result));

#endif
