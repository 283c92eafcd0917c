/* SPDX-License-Identifier: MIT
 *
 * How a site speaks TLS: versions, ciphers, certificates, whom it asks for one. */
#include "http/tls/private.h"

#include <openssl/err.h>

#include <stdio.h>
#include <string.h>

/* Mozilla's "intermediate" without the finite-field ones, which no client of today needs; "modern"
 * has none of them. */
#define CIPHERS_1_2                                                  \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_1_3   "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS        "X25519:prime256v1:secp384r1"
#define GROUPS_HYBRID "X25519MLKEM768:" GROUPS /* from OpenSSL 3.5 on */

/* In the order in which we like them; some clients offer the version of their request, and no other. */
static const unsigned char protocols[] = "\x08http/1.1\x08http/1.0";

/* RFC 7301 section 3.2: a client that offers others only is told so. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
			   unsigned in_size, void *context)
{
	(void)ssl, (void)context;
	if (SSL_select_next_proto((unsigned char **)out, out_size, protocols, sizeof(protocols) - 1, in, in_size) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_protocol(const struct tls *tls, SSL_CTX *ssl)
{
	int lowest = tls->profile == TLS_MODERN ? TLS1_3_VERSION : TLS1_2_VERSION;

	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (tls->kernel)
		SSL_CTX_set_options(ssl, SSL_OP_ENABLE_KTLS);
	if (SSL_CTX_set_min_proto_version(ssl, lowest) != 1 || SSL_CTX_set_cipher_list(ssl, CIPHERS_1_2) != 1 ||
	    SSL_CTX_set_ciphersuites(ssl, CIPHERS_1_3) != 1)
		return false;
	if (SSL_CTX_set1_groups_list(ssl, GROUPS_HYBRID) == 1)
		return true;
	ERR_clear_error();
	return SSL_CTX_set1_groups_list(ssl, GROUPS) == 1;
}

static bool set_clients(const struct tls_context *site, SSL_CTX *ssl)
{
	STACK_OF(X509_NAME) * names;
	int mode = SSL_VERIFY_PEER;

	if (site->client == TLS_CLIENT_OFF)
		return true;
	names = SSL_dup_CA_list(site->client_ca_names);
	if (!names || SSL_CTX_set1_verify_cert_store(ssl, site->client_ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return false;
	}
	SSL_CTX_set_client_CA_list(ssl, names);
	if (site->client == TLS_CLIENT_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ssl, mode, NULL);
	return true;
}

static int use_pair(SSL_CTX *ssl, const struct tls_pair *pair, char reason[TLS_REASON_MAX])
{
	struct tls_material material;
	int rc = 0;

	if (material_read(&material, pair, reason) < 0)
		return -1;
	if (SSL_CTX_use_cert_and_key(ssl, material.certificate, material.key, material.chain, 1) != 1) {
		tls_reason(reason, "the certificate cannot be used");
		rc = -1;
	}
	material_free(&material);
	return rc;
}

static bool set_session(const struct tls *tls, const struct tls_context *site, SSL_CTX *ssl)
{
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ssl, tls->tickets.lifetime_s);
	return SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, ticket_key) == 1 &&
	       SSL_CTX_set_session_id_context(ssl, site->id, sizeof(site->id)) == 1;
}

SSL_CTX *context_new(struct tls *tls, const struct tls_context *site, const struct tls_pair *pairs, size_t count,
		     char reason[TLS_REASON_MAX])
{
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

	if (!ssl || !set_protocol(tls, ssl) || !set_session(tls, site, ssl) || !set_clients(site, ssl)) {
		tls_reason(reason, "TLS cannot be set up");
		SSL_CTX_free(ssl);
		return NULL;
	}
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	/* What has been read ahead would keep OpenSSL from handing receiving over to the kernel. */
	SSL_CTX_set_read_ahead(ssl, !tls->kernel);
	SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
	SSL_CTX_set_client_hello_cb(ssl, hello_arrived, tls);
	for (size_t i = 0; i < count; i++) {
		if (use_pair(ssl, &pairs[i], reason) < 0) {
			SSL_CTX_free(ssl);
			return NULL;
		}
	}
	return ssl;
}
