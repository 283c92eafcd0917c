/* SPDX-License-Identifier: MIT
 *
 * A process's TLS: making it, and replacing its certificates. */
#include "http/tls/tls.h"

#include "http/site/site.h"
#include "http/tls/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_context(struct tls_context *context)
{
	SSL_CTX_free(context->ssl);
	X509_STORE_free(context->client_ca);
	sk_X509_NAME_pop_free(context->client_ca_names, X509_NAME_free);
}

/* A session that began with one site's demands must not be resumed with another's. */
static int make_id(struct tls_context *context, EVP_MD_CTX *digest, const struct tls_site *site,
		   char reason[TLS_REASON_MAX])
{
	unsigned char out[EVP_MAX_MD_SIZE], client = (unsigned char)site->client;

	snprintf(reason, TLS_REASON_MAX, "no memory");
	if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(digest, site->name, strlen(site->name) + 1) != 1 ||
	    EVP_DigestUpdate(digest, &client, sizeof(client)) != 1)
		return -ENOMEM;
	if (site->client != TLS_CLIENT_OFF && authorities_read(context, site->client_ca_fd, digest, reason) < 0)
		return -EINVAL;
	if (EVP_DigestFinal_ex(digest, out, NULL) != 1)
		return -ENOMEM;
	memcpy(context->id, out, sizeof(context->id));
	return 0;
}

static int make_context(struct tls *tls, struct tls_context *context, const struct tls_site *site,
			char reason[TLS_REASON_MAX])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	int rc = make_id(context, digest, site, reason);

	context->client = site->client;
	tls->demands |= site->client == TLS_CLIENT_REQUIRED;
	EVP_MD_CTX_free(digest);
	if (rc < 0)
		return rc;
	context->ssl = context_new(tls, context, site->pairs, site->pair_count, reason);
	return context->ssl ? 0 : -EINVAL;
}

struct tls *tls_new(const struct tls_options *options, char reason[TLS_REASON_MAX])
{
	struct tls *tls = calloc(1, sizeof(*tls));

	snprintf(reason, TLS_REASON_MAX, "no memory");
	if (!tls)
		return NULL;
	list_init(&tls->handshakes);
	tls->profile = options->profile;
	tls->kernel = options->kernel && tls_kernel_exists();
	tls->sites = options->sites;
	tls->handshakes_max = options->handshakes_max ? options->handshakes_max : TLS_HANDSHAKES_MAX;
	tls->tickets.cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	tls->contexts = calloc(options->sites->count, sizeof(*tls->contexts));
	if (!tls->tickets.cipher || !tls->contexts)
		goto fail;
	for (size_t i = 0; i < options->sites->count; i++) {
		tls->context_count++;
		if (make_context(tls, &tls->contexts[i], &options->parts[i], reason) < 0)
			goto fail;
	}
	return tls;
fail:
	tls_free(tls);
	return NULL;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	for (size_t i = 0; i < tls->context_count; i++)
		free_context(&tls->contexts[i]);
	free(tls->contexts);
	EVP_CIPHER_free(tls->tickets.cipher);
	OPENSSL_cleanse(tls->tickets.keys, sizeof(tls->tickets.keys));
	free(tls);
}

int tls_set_pairs(struct tls *tls, size_t site, const struct tls_pair *pairs, size_t count, char reason[TLS_REASON_MAX])
{
	struct tls_context *context = &tls->contexts[site];
	SSL_CTX *fresh = context_new(tls, context, pairs, count, reason);

	if (!fresh)
		return -EINVAL;
	SSL_CTX_free(context->ssl); /* sessions that stand hold on to it */
	context->ssl = fresh;
	return 0;
}

int tls_set_client_ca(struct tls *tls, size_t site, const struct tls_site *part, char reason[TLS_REASON_MAX])
{
	struct tls_context *context = &tls->contexts[site], fresh = {0};
	int rc = make_context(tls, &fresh, part, reason);

	if (rc < 0) {
		free_context(&fresh);
		return rc;
	}
	free_context(context); /* what sessions that stand need of it they hold on to */
	*context = fresh;
	return 0;
}
