/* SPDX-License-Identifier: MIT
 *
 * What is known of a session, and of its client by a certificate: from OpenSSL, or from what has been
 * saved when the kernel got the keys. */
#include "http/transport/stream.h"
#include "http/tls/private.h"

#include <stdlib.h>

static void tell_subject(X509 *certificate, struct tls_client_facts *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int size = 0;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0)
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

static void tell_saved(const struct tls_saved *saved, struct tls_facts *out)
{
	struct tls_saved_view view;

	if (!saved_read(&view, saved->octets, saved->size))
		return;
	*out = (struct tls_facts){
		.version = view.version,
		.cipher = view.cipher,
		.resumed = view.resumed,
		.client_subject = view.shown ? view.subject : NULL,
		.client_fingerprint = view.shown ? view.fingerprint : NULL,
	};
}

static void tell_live(struct tls_session *session, struct tls_facts *out)
{
	if (!session->client)
		session->client = client_facts(session->ssl);
	*out = (struct tls_facts){
		.version = SSL_get_version(session->ssl),
		.cipher = SSL_get_cipher_name(session->ssl),
		.resumed = SSL_session_reused(session->ssl) == 1,
		.client_subject = session->client ? session->client->subject : NULL,
		.client_fingerprint = session->client ? session->client->fingerprint : NULL,
	};
}

bool tls_facts(const struct stream *stream, struct tls_facts *out)
{
	struct tls_session *session = stream->tls;

	if (!session)
		return false;
	if (session->saved)
		tell_saved(session->saved, out);
	else
		tell_live(session, out);
	return true;
}

const char *tls_server_name(const struct stream *stream)
{
	const struct tls_session *session = stream->tls;
	struct tls_saved_view view;

	if (!session)
		return NULL;
	if (session->saved && saved_read(&view, session->saved->octets, session->saved->size))
		return view.name;
	return session->name ? session->name : "";
}

bool tls_may_ask(const struct stream *stream, struct slice host)
{
	const struct tls *tls = stream->tls ? stream->tls->tls : NULL;
	const struct tls_context *wanted;

	if (!tls)
		return true;
	wanted = context_find(tls, host);
	return wanted->client == TLS_CLIENT_OFF || wanted == context_find(tls, slice_of(tls_server_name(stream)));
}

bool tls_demands(const struct tls *tls, struct slice host)
{
	return tls->demands && context_find(tls, host)->client == TLS_CLIENT_REQUIRED;
}
