/* SPDX-License-Identifier: MIT
 *
 * Session tickets, sealed with keys that all workers share. */
#include "http/tls/private.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <string.h>

static struct tls_session *session_of(SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static int use_key(const struct tls_tickets *tickets, const struct tls_ticket_key *key, const unsigned char *iv,
		   EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->hmac, sizeof(key->hmac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_CipherInit_ex(cipher, tickets->cipher, NULL, key->aes, iv, seal) == 1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int seal_ticket(const struct tls_tickets *tickets, unsigned char *name, unsigned char *iv,
		       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct tls_ticket_key *key = &tickets->keys[0];

	if (tickets->count == 0)
		return 0;
	memcpy(name, key->name, sizeof(key->name));
	if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) != 1)
		return -1;
	return use_key(tickets, key, iv, cipher, mac, 1) ? 1 : -1;
}

/* 1: opened; 2: and the client should get a new one, as this key will be gone before its ticket. */
static int open_ticket(const struct tls_tickets *tickets, const unsigned char *name, const unsigned char *iv,
		       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	for (size_t i = 0; i < tickets->count; i++) {
		const struct tls_ticket_key *key = &tickets->keys[i];

		if (memcmp(name, key->name, sizeof(key->name)) != 0)
			continue;
		if (!use_key(tickets, key, iv, cipher, mac, 0))
			return -1;
		return i == 0 ? 1 : 2;
	}
	return 0;
}

int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal)
{
	const struct tls_tickets *tickets = &session_of(ssl)->tls->tickets;

	return seal ? seal_ticket(tickets, name, iv, cipher, mac) : open_ticket(tickets, name, iv, cipher, mac);
}

void tls_set_tickets(struct tls *tls, const struct tls_ticket_key *keys, size_t count, uint32_t lifetime_s)
{
	struct tls_tickets *tickets = &tls->tickets;

	if (count > TLS_TICKET_KEYS_MAX)
		count = TLS_TICKET_KEYS_MAX;
	OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
	memcpy(tickets->keys, keys, count * sizeof(*keys));
	tickets->count = count;
	tickets->lifetime_s = lifetime_s;
	for (size_t i = 0; i < tls->context_count; i++)
		SSL_CTX_set_timeout(tls->contexts[i].ssl, (long)lifetime_s);
}
