/* SPDX-License-Identifier: MIT
 *
 * Which site a client means, before anything else of its hello is looked at (RFC 6066 section 3). */
#include "http/tls/private.h"

#include <string.h>
#include <strings.h>

/* The extension: length of the list, then a type (0: a host's name), length, and the name. */
static size_t read_name(const unsigned char *data, size_t size, char out[TLS_NAME_MAX])
{
	size_t length;

	if (size < 5 || ((size_t)data[0] << 8 | data[1]) != size - 2 || data[2] != 0)
		return 0;
	length = (size_t)data[3] << 8 | data[4];
	if (length == 0 || length != size - 5 || length >= TLS_NAME_MAX ||
	    memchr(data + 5, '\0', length))
		return 0;
	memcpy(out, data + 5, length);
	out[length] = '\0';
	return length;
}

/* "*.example.org" is for every name that ends so. */
static bool is_wildcard_for(const char *pattern, const char *name)
{
	size_t suffix = strlen(pattern), length = strlen(name);

	return pattern[0] == '*' && pattern[1] == '.' && length >= suffix &&
	       strcasecmp(pattern + 1, name + length - (suffix - 1)) == 0;
}

/* As a site is chosen by Host: exact names first, then the longest wildcard, then the default. */
static const struct tls_context *find_context(const struct tls *tls, const char *name)
{
	const struct tls_context *best = &tls->contexts[0];
	size_t longest = 0;

	for (size_t i = 0; i < tls->context_count; i++) {
		const struct tls_context *context = &tls->contexts[i];

		for (char **at = context->names; at && *at; at++) {
			if (strcasecmp(*at, name) == 0)
				return context;
			if (is_wildcard_for(*at, name) && strlen(*at) > longest) {
				longest = strlen(*at);
				best = context;
			}
		}
	}
	return best;
}

/* What SSL_set_SSL_CTX leaves as it was. */
static void adopt(SSL *ssl, const struct tls_context *context)
{
	SSL_set_SSL_CTX(ssl, context->ssl);
	SSL_set_verify(ssl, SSL_CTX_get_verify_mode(context->ssl), NULL);
}

int hello_arrived(SSL *ssl, int *alert, void *argument)
{
	const struct tls *tls = argument;
	const unsigned char *data;
	char name[TLS_NAME_MAX];
	size_t size;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	if (read_name(data, size, name) == 0) {
		*alert = SSL_AD_DECODE_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	adopt(ssl, find_context(tls, name));
	return SSL_CLIENT_HELLO_SUCCESS;
}
