/* SPDX-License-Identifier: MIT
 *
 * What the files of this folder share. */
#ifndef BROOD_HTTP_TLS_PRIVATE_H
#define BROOD_HTTP_TLS_PRIVATE_H

#include "base/list.h"
#include "http/tls/tls.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>

enum { TLS_RECORD_MAX = 16384 };

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
	unsigned char id[SSL_MAX_SID_CTX_LENGTH];
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
int material_read(struct tls_material *out, const struct tls_pair *pair,
		  char reason[TLS_REASON_MAX]) __attribute__((warn_unused_result));
void material_free(struct tls_material *material);

/* Whether the chain is in order: each one issued by the one behind it. */
bool material_chain_is_ordered(const struct tls_material *material);

/* The names of a site's clients' authorities, and a store of them. Adds what they are to `digest`. */
int authorities_read(struct tls_context *context, int fd, EVP_MD_CTX *digest,
		     char reason[TLS_REASON_MAX])
	__attribute__((warn_unused_result));

/* All of a file, as something to read PEM from; NULL with a reason. */
BIO *pem_open(int fd, char reason[TLS_REASON_MAX]);

/* "what: OpenSSL's reason", and OpenSSL's list of errors is empty again. */
void tls_reason(char reason[TLS_REASON_MAX], const char *what);

/* A site's context with these pairs; NULL with a reason. */
SSL_CTX *context_new(struct tls *tls, const struct tls_context *context,
		     const struct tls_pair *pairs, size_t count, char reason[TLS_REASON_MAX]);

/* Callbacks of a context. */
int hello_arrived(SSL *ssl, int *alert, void *tls);
int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	       EVP_MAC_CTX *mac, int seal);

struct tls {
	enum tls_profile profile;
	bool kernel;
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

/* One connection's. */
struct tls_session {
	struct list link; /* among the unfinished */
	struct tls *tls;
	SSL *ssl;
	int fd;
	size_t unsent; /* octets that are sealed already and must be offered again */
	bool settled;  /* the handshake is over */
	bool broken;    /* OpenSSL wants no further call for it */
	bool concluded; /* it has said its close_notify */
	struct tls_client_facts *client; /* NULL until somebody asks */
	char *name; /* that the client asks for, in lower case; NULL: none */
};

#endif
