/* SPDX-License-Identifier: MIT
 *
 * What of a session whose keys the kernel has travels with its connection:
 *
 *     demand  32 octets  the context's id: of which site, and what it wants of clients
 *     bits     1 octet   1: the session was resumed, 2: the client has shown a certificate
 *     texts              five, each ended by a zero octet: version, cipher, the name that the client
 *                        has asked for, its certificate's subject and fingerprint
 *
 * It comes from another process: no trust. */
#include "http/tls/private.h"

#include "http/transport/stream.h"

#include <stdlib.h>
#include <string.h>

enum { BITS_AT = TLS_DEMAND_SIZE, TEXTS_AT, TEXTS = 5 };
enum { BIT_RESUMED = 1, BIT_CLIENT = 2 };
enum { WORD_MAX = 64 /* a version's or a cipher's name */ };

_Static_assert(TEXTS_AT + 2 * WORD_MAX + TLS_NAME_MAX + sizeof(struct tls_client_facts) <= STREAM_STATE_MAX,
	       "there is room for all that travels");

static char *put_text(char *at, const char *text, size_t room)
{
	size_t length = strlen(text);

	if (length >= room)
		length = room - 1;
	memcpy(at, text, length);
	at[length] = '\0';
	return at + length + 1;
}

static size_t encode(const struct tls_session *session, const unsigned char *demand, char *out)
{
	static const struct tls_client_facts nobody;
	const struct tls_client_facts *client = session->client ? session->client : &nobody;
	char *at = out + TEXTS_AT;

	memcpy(out, demand, TLS_DEMAND_SIZE);
	out[BITS_AT] =
		(char)((SSL_session_reused(session->ssl) ? BIT_RESUMED : 0) | (session->client ? BIT_CLIENT : 0));
	at = put_text(at, SSL_get_version(session->ssl), WORD_MAX);
	at = put_text(at, SSL_get_cipher_name(session->ssl), WORD_MAX);
	at = put_text(at, session->name ? session->name : "", TLS_NAME_MAX);
	at = put_text(at, client->subject, sizeof(client->subject));
	at = put_text(at, client->fingerprint, sizeof(client->fingerprint));
	return (size_t)(at - out);
}

bool saved_read(struct tls_saved_view *out, const void *octets, size_t size)
{
	const char *at = octets, *end = at + size, *texts[TEXTS];

	if (size < TEXTS_AT || size > STREAM_STATE_MAX)
		return false;
	out->demand = octets;
	out->resumed = (at[BITS_AT] & BIT_RESUMED) != 0;
	out->shown = (at[BITS_AT] & BIT_CLIENT) != 0;
	at += TEXTS_AT;
	for (size_t i = 0; i < TEXTS; i++) {
		texts[i] = at;
		at = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
		if (!at++)
			return false;
	}
	out->version = texts[0];
	out->cipher = texts[1];
	out->name = texts[2];
	out->subject = texts[3];
	out->fingerprint = texts[4];
	return at == end;
}

struct tls_saved *saved_copy(const void *octets, size_t size)
{
	struct tls_saved *saved = malloc(sizeof(*saved) + size);

	if (saved) {
		saved->size = size;
		memcpy(saved->octets, octets, size);
	}
	return saved;
}

struct tls_saved *saved_new(const struct tls_session *session)
{
	char octets[STREAM_STATE_MAX];
	const unsigned char *demand;
	unsigned size;

	demand = SSL_SESSION_get0_id_context(SSL_get0_session(session->ssl), &size);
	if (size != TLS_DEMAND_SIZE)
		return NULL;
	return saved_copy(octets, encode(session, demand, octets));
}

bool tls_admits(const struct tls *tls, const void *octets, size_t size)
{
	const struct tls_context *context;
	struct tls_saved_view view;

	if (!saved_read(&view, octets, size))
		return false;
	if (!tls)
		return true;
	context = context_find(tls, slice_of(view.name));
	return context->client == TLS_CLIENT_OFF || memcmp(context->id, view.demand, TLS_DEMAND_SIZE) == 0;
}
