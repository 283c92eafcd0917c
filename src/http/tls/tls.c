/* SPDX-License-Identifier: MIT
 *
 * A process's TLS: making it, and replacing its certificates. */
#include "http/tls/tls.h"

#include "http/tls/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANDSHAKES_MAX = 1024 };

static void free_context(struct tls_context *context)
{
	SSL_CTX_free(context->ssl);
	X509_STORE_free(context->client_ca);
	sk_X509_NAME_pop_free(context->client_ca_names, X509_NAME_free);
	for (char **name = context->names; name && *name; name++)
		free(*name);
	free(context->names);
}

static int copy_names(struct tls_context *context, const char *const *names)
{
	size_t count = 0;

	while (names && names[count])
		count++;
	context->names = calloc(count + 1, sizeof(*context->names));
	for (size_t i = 0; context->names && i < count; i++) {
		context->names[i] = strdup(names[i]);
		if (!context->names[i])
			return -ENOMEM;
	}
	return context->names ? 0 : -ENOMEM;
}

static int make_context(struct tls *tls, struct tls_context *context, const struct tls_site *site,
			char reason[TLS_REASON_MAX])
{
	context->client = site->client;
	if (copy_names(context, site->names) < 0) {
		snprintf(reason, TLS_REASON_MAX, "no memory");
		return -ENOMEM;
	}
	if (site->client != TLS_CLIENT_OFF &&
	    authorities_read(context, site->client_ca_fd, reason) < 0)
		return -EINVAL;
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
	tls->handshakes_max = options->handshakes_max ? options->handshakes_max : HANDSHAKES_MAX;
	tls->tickets.cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	tls->contexts = calloc(options->site_count, sizeof(*tls->contexts));
	if (!tls->tickets.cipher || !tls->contexts)
		goto fail;
	for (size_t i = 0; i < options->site_count; i++) {
		tls->context_count++;
		if (make_context(tls, &tls->contexts[i], &options->sites[i], reason) < 0)
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

int tls_set_pairs(struct tls *tls, size_t site, const struct tls_pair *pairs, size_t count,
		  char reason[TLS_REASON_MAX])
{
	struct tls_context *context = &tls->contexts[site];
	SSL_CTX *fresh = context_new(tls, context, pairs, count, reason);

	if (!fresh)
		return -EINVAL;
	SSL_CTX_free(context->ssl); /* sessions that stand hold on to it */
	context->ssl = fresh;
	return 0;
}

void tls_get_stats(const struct tls *tls, struct tls_stats *out)
{
	*out = tls->stats;
}
