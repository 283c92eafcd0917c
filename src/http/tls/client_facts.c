/* SPDX-License-Identifier: MIT
 *
 * What a client's certificate says of it. */
#include "http/tls/private.h"

#include <stdlib.h>

static void tell_subject(X509 *certificate, struct tls_client_facts *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int size = 0;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
				      XN_FLAG_RFC2253) >= 0)
		size = BIO_read(bio, out->subject, sizeof(out->subject) - 1);
	out->subject[size > 0 ? size : 0] = '\0';
	BIO_free(bio);
}

static void tell_fingerprint(const X509 *certificate, struct tls_client_facts *out)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1)
		size = 0;
	for (unsigned i = 0; i < size; i++) {
		out->fingerprint[2 * i] = hex[digest[i] >> 4];
		out->fingerprint[2 * i + 1] = hex[digest[i] & 15];
	}
	out->fingerprint[2 * size] = '\0';
}

struct tls_client_facts *client_facts(const SSL *ssl)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);
	struct tls_client_facts *facts = certificate ? malloc(sizeof(*facts)) : NULL;

	if (!facts)
		return NULL;
	tell_subject(certificate, facts);
	tell_fingerprint(certificate, facts);
	return facts;
}
