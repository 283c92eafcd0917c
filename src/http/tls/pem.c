/* SPDX-License-Identifier: MIT
 *
 * Certificates and keys out of opened PEM files. */
#include "http/tls/private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PEM_SIZE_MAX = 1 << 20, CHAIN_MAX = 16 };

void tls_reason(char reason[TLS_REASON_MAX], const char *what)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(error);

	snprintf(reason, TLS_REASON_MAX, "%s%s%s", what, error ? ": " : "",
		 error ? (text ? text : "unknown error") : "");
	ERR_clear_error();
}

BIO *pem_open(int fd, char reason[TLS_REASON_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	char block[4096];
	off_t at = 0;
	ssize_t size = 0;

	while (bio && (size = pread(fd, block, sizeof(block), at)) > 0) {
		at += size;
		if (at > PEM_SIZE_MAX || BIO_write(bio, block, (int)size) != size)
			break;
	}
	OPENSSL_cleanse(block, sizeof(block));
	if (bio && size == 0 && at > 0)
		return bio;
	if (!bio)
		snprintf(reason, TLS_REASON_MAX, "no memory");
	else if (size < 0)
		snprintf(reason, TLS_REASON_MAX, "cannot be read: %s", strerror(errno));
	else
		snprintf(reason, TLS_REASON_MAX, at == 0 ? "is empty" : "is larger than 1 MiB");
	BIO_free(bio);
	return NULL;
}

/* A key with a passphrase cannot be used: nobody is there to be asked for it. */
static int no_passphrase(char *out, int room, int writing, void *context)
{
	(void)out, (void)room, (void)writing;
	*(bool *)context = true;
	return -1;
}

/* PEM_read_* at the end of the file says so by this error. */
static bool at_end(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int read_chain(struct tls_material *out, BIO *bio, char reason[TLS_REASON_MAX])
{
	X509 *next;

	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (sk_X509_num(out->chain) >= CHAIN_MAX || !sk_X509_push(out->chain, next)) {
			X509_free(next);
			snprintf(reason, TLS_REASON_MAX, "more than %d certificates", CHAIN_MAX);
			return -EINVAL;
		}
	}
	if (!at_end()) {
		tls_reason(reason, "a certificate of the chain cannot be read");
		return -EINVAL;
	}
	ERR_clear_error();
	return 0;
}

static int read_certificates(struct tls_material *out, int fd, char reason[TLS_REASON_MAX])
{
	BIO *bio = pem_open(fd, reason);
	int rc = -EINVAL;

	if (!bio)
		return -EINVAL;
	out->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	out->chain = sk_X509_new_null();
	if (!out->certificate)
		tls_reason(reason, "there is no certificate in it");
	else if (out->chain)
		rc = read_chain(out, bio, reason);
	BIO_free(bio);
	return rc;
}

static int read_key(struct tls_material *out, int fd, char reason[TLS_REASON_MAX])
{
	BIO *bio = pem_open(fd, reason);
	bool passphrase = false;

	if (!bio)
		return -EINVAL;
	out->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &passphrase);
	BIO_free(bio);
	if (out->key)
		return 0;
	if (passphrase)
		snprintf(reason, TLS_REASON_MAX, "the key is locked by a passphrase");
	else
		tls_reason(reason, "there is no private key in it");
	ERR_clear_error();
	return -EINVAL;
}

int material_read(struct tls_material *out, const struct tls_pair *pair, char reason[TLS_REASON_MAX])
{
	char why[TLS_REASON_MAX] = "";

	*out = (struct tls_material){0};
	ERR_clear_error();
	if (read_certificates(out, pair->certificate_fd, why) < 0) {
		snprintf(reason, TLS_REASON_MAX, "the certificate's file: %.200s", why);
	} else if (read_key(out, pair->key_fd, why) < 0) {
		snprintf(reason, TLS_REASON_MAX, "the key's file: %.200s", why);
	} else if (X509_check_private_key(out->certificate, out->key) != 1) {
		ERR_clear_error();
		snprintf(reason, TLS_REASON_MAX, "the key does not belong to the certificate");
	} else {
		return 0;
	}
	material_free(out);
	return -EINVAL;
}

void material_free(struct tls_material *material)
{
	X509_free(material->certificate);
	sk_X509_pop_free(material->chain, X509_free);
	EVP_PKEY_free(material->key);
	*material = (struct tls_material){0};
}

bool material_chain_is_ordered(const struct tls_material *material)
{
	X509 *last = material->certificate;

	for (int i = 0; i < sk_X509_num(material->chain); i++) {
		X509 *next = sk_X509_value(material->chain, i);

		if (X509_check_issued(next, last) != X509_V_OK)
			return false;
		last = next;
	}
	return true;
}

/* It counts who they are: a session begun with others is not to be resumed. */
static bool count_in(EVP_MD_CTX *digest, const X509 *authority)
{
	unsigned char print[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	return X509_digest(authority, EVP_sha256(), print, &size) == 1 && EVP_DigestUpdate(digest, print, size) == 1;
}

int authorities_read(struct tls_context *context, int fd, EVP_MD_CTX *digest, char reason[TLS_REASON_MAX])
{
	char why[TLS_REASON_MAX] = "no memory";
	BIO *bio = pem_open(fd, why);
	X509 *next = NULL;
	bool ok = bio != NULL;

	context->client_ca = X509_STORE_new();
	context->client_ca_names = sk_X509_NAME_new_null();
	ok = ok && context->client_ca && context->client_ca_names;
	while (ok && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(next));

		ok = X509_STORE_add_cert(context->client_ca, next) == 1 && count_in(digest, next) && name &&
		     sk_X509_NAME_push(context->client_ca_names, name) > 0;
		X509_free(next);
	}
	BIO_free(bio);
	if (ok && at_end() && sk_X509_NAME_num(context->client_ca_names) > 0) {
		ERR_clear_error();
		return 0;
	}
	if (ok)
		tls_reason(why, "there is no certificate in it, or one that cannot be read");
	snprintf(reason, TLS_REASON_MAX, "the file of clients' authorities: %.200s", why);
	return -EINVAL;
}
