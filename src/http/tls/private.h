/* SPDX-License-Identifier: MIT
 *
 * What the files of this folder share. */
#ifndef BROOD_HTTP_TLS_PRIVATE_H
#define BROOD_HTTP_TLS_PRIVATE_H

#include "base/list.h"
#include "base/slice.h"
#include "http/tls/tls.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>

enum { TLS_RECORD_MAX = 16384, TLS_DEMAND_SIZE = SSL_MAX_SID_CTX_LENGTH };

struct tls_tickets {
	struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX];
	size_t count;
	uint32_t lifetime_s;
	EVP_CIPHER *cipher;
};

/* One site: what is chosen when a client says hello. */
struct tls_context {
	SSL_CTX *ssl;
	/* What sessions of this site, with what it wants of clients, are told from others by. */
	unsigned char id[TLS_DEMAND_SIZE];
	enum tls_client client;
	X509_STORE *client_ca; /* of all contexts of the site; NULL: none */
	STACK_OF(X509_NAME) * client_ca_names;
};

/* A pair, read. */
struct tls_material {
	X509 *certificate;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

/* 0 or -EINVAL with a reason. */
int material_read(struct tls_material *out, const struct tls_pair *pair, char reason[TLS_REASON_MAX])
	__attribute__((warn_unused_result));
void material_free(struct tls_material *material);

/* Whether the chain is in order: each one issued by the one behind it. */
bool material_chain_is_ordered(const struct tls_material *material);

/* The names of a site's clients' authorities, and a store of them. Adds what they are to `digest`. */
int authorities_read(struct tls_context *context, int fd, EVP_MD_CTX *digest, char reason[TLS_REASON_MAX])
	__attribute__((warn_unused_result));

/* All of a file, as something to read PEM from; NULL with a reason. */
BIO *pem_open(int fd, char reason[TLS_REASON_MAX]);

/* "what: OpenSSL's reason", and OpenSSL's list of errors is empty again. */
void tls_reason(char reason[TLS_REASON_MAX], const char *what);

/* A site's context with these pairs; NULL with a reason. */
SSL_CTX *context_new(struct tls *tls, const struct tls_context *context, const struct tls_pair *pairs, size_t count,
		     char reason[TLS_REASON_MAX]);

/* Of the site that is meant by a name, or by a Host field. */
const struct tls_context *context_find(const struct tls *tls, struct slice name);

/* Callbacks of a context. */
int hello_arrived(SSL *ssl, int *alert, void *tls);
int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal);

struct tls_stats {
	unsigned handshakes; /* unfinished now */
	uint64_t full, resumed, failed;
};

struct tls {
	enum tls_profile profile;
	bool kernel;  /* has TLS, and is to be used */
	bool demands; /* a site does not let clients in without a certificate */
	const struct http_sites *sites;
	struct tls_context *contexts;
	size_t context_count;
	struct tls_tickets tickets;
	struct list handshakes; /* unfinished ones, oldest first */
	unsigned handshakes_max;
	struct tls_stats stats;
	char record[TLS_RECORD_MAX]; /* what is about to be sealed */
};

/* What a client's certificate says. */
struct tls_client_facts {
	char subject[256], fingerprint[65];
};

/* NULL: the client has none, or there is no memory. To be freed by free(). */
struct tls_client_facts *client_facts(const SSL *ssl);

struct tls_saved;

/* One connection's. */
struct tls_session {
	struct list link;      /* among the unfinished */
	struct tls *tls;       /* NULL: it came from another process, and there is none in this */
	struct stream *stream; /* while the handshake is unfinished */
	SSL *ssl;              /* NULL: the kernel has the keys, and `saved` what is known of the session */
	struct tls_saved *saved;
	int fd;
	size_t unsent;                   /* octets that are sealed already and must be offered again */
	bool settled;                    /* the handshake is over */
	bool broken;                     /* OpenSSL wants no further call for it */
	bool concluded;                  /* it has said its close_notify */
	bool kernel;                     /* the kernel has the keys, but OpenSSL still some octets */
	struct tls_client_facts *client; /* NULL until somebody asks */
	char *name;                      /* that the client asks for, in lower case; NULL: none */
};

/* --- sessions whose keys the kernel has --- */

/* Whether OpenSSL has given the keys of both directions to the kernel. */
bool kernel_has_keys(const SSL *ssl);

/* Makes it the kernel's alone. False: not yet. */
bool kernel_take_over(struct stream *stream);

struct tls_saved {
	size_t size;
	char octets[]; /* see saved.c */
};

/* What is in such octets: points into them. */
struct tls_saved_view {
	const unsigned char *demand; /* TLS_DEMAND_SIZE octets */
	bool resumed;
	bool shown; /* the client has shown a certificate */
	const char *version, *cipher, *name, *subject, *fingerprint;
};

/* NULL: no memory. To be freed by free(). */
struct tls_saved *saved_new(const struct tls_session *session);
struct tls_saved *saved_copy(const void *octets, size_t size);

/* False where the octets make no sense. */
bool saved_read(struct tls_saved_view *out, const void *octets, size_t size);

#endif
