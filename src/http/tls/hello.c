/* SPDX-License-Identifier: MIT
 *
 * Which site a client means, before anything else of its hello is looked at (RFC 6066 section 3), and who
 * is to have its keys. */
#include "http/site/site.h"
#include "http/tls/private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The extension: length of the list, then a type (0: a host's name), length, and the name. */
static size_t read_name(const unsigned char *data, size_t size, char out[TLS_NAME_MAX])
{
	size_t length;

	if (size < 5 || ((size_t)data[0] << 8 | data[1]) != size - 2 || data[2] != 0)
		return 0;
	length = (size_t)data[3] << 8 | data[4];
	if (length == 0 || length != size - 5 || length >= TLS_NAME_MAX || memchr(data + 5, '\0', length))
		return 0;
	memcpy(out, data + 5, length);
	out[length] = '\0';
	return length;
}

/* A name that no site has, where that is no site's, is refused by what is said of Host, in words. */
const struct tls_context *context_find(const struct tls *tls, struct slice name)
{
	const struct http_site *site = http_sites_find(tls->sites, name);

	return site ? &tls->contexts[site - tls->sites->list] : &tls->contexts[0];
}

/* What SSL_set_SSL_CTX leaves as it was. */
static void adopt(SSL *ssl, const struct tls_context *context)
{
	SSL_set_SSL_CTX(ssl, context->ssl);
	SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context->ssl), NULL);
}

/* OpenSSL tells that of the hello which a session began with. A hello may come twice (RFC 8446 section
 * 4.1.4). */
static bool keep_name(struct tls_session *session, const char *name)
{
	free(session->name);
	session->name = strdup(name);
	for (char *at = session->name; at && *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return session->name != NULL;
}

/* The server always takes TLS 1.3 where it is offered (RFC 8446 section 4.2.1). */
static bool offers_1_3(SSL *ssl)
{
	const unsigned char *data;
	size_t size;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &data, &size) != 1)
		return false;
	for (size_t at = 1; at + 1 < size; at += 2) {
		if ((data[at] << 8 | data[at + 1]) == TLS1_3_VERSION)
			return true;
	}
	return false;
}

/* Of TLS 1.3 OpenSSL before 3.2 gives the kernel only the keys that seal, and cannot take new ones any more
 * when a client tells it to (KeyUpdate). */
static void keep_keys(SSL *ssl)
{
	if (OpenSSL_version_num() < 0x30200000 && offers_1_3(ssl))
		SSL_clear_options(ssl, SSL_OP_ENABLE_KTLS);
}

int hello_arrived(SSL *ssl, int *alert, void *argument)
{
	const struct tls *tls = argument;
	const unsigned char *data;
	char name[TLS_NAME_MAX];
	size_t size;

	if (tls->kernel)
		keep_keys(ssl);
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	if (read_name(data, size, name) == 0) {
		*alert = SSL_AD_DECODE_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	if (!keep_name(SSL_get_app_data(ssl), name)) {
		*alert = SSL_AD_INTERNAL_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	adopt(ssl, context_find(tls, slice_of(name)));
	return SSL_CLIENT_HELLO_SUCCESS;
}
