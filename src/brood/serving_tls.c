/* SPDX-License-Identifier: MIT
 *
 * See serving_tls.h. */
#include "brood/serving_tls.h"

#include "base/log.h"
#include "brood/certificates/renewal.h"
#include "brood/server.h"
#include "http/tls/tls.h"

#include <stdlib.h>

static int fill_in(const struct certificates *certificates, char reason[TLS_REASON_MAX])
{
	for (size_t i = 0; i < certificates->count; i++) {
		const struct certificate *one = &certificates->list[i];

		if (one->kind == CERTIFICATE_DEV && certificate_fill(one, reason) < 0)
			return -1;
	}
	return 0;
}

/* Which of them is the culprit, in words. */
static void log_culprit(const struct certificates *certificates, const char *reason)
{
	char why[TLS_REASON_MAX], text[CERTIFICATE_TEXT_MAX];
	struct tls_warnings warnings;
	int64_t not_after;

	for (size_t i = 0; i < certificates->count; i++) {
		const struct certificate *one = &certificates->list[i];

		if (certificate_judge(certificates, i, NULL, &not_after, why, &warnings) < 0) {
			certificate_describe(one, why, text);
			log_error("%s", text);
			return;
		}
	}
	log_error("TLS cannot be set up: %s", reason);
}

static struct tls *make(const struct setup *setup, char reason[TLS_REASON_MAX])
{
	const struct certificates *certificates = &setup->certificates;
	const struct config *config = setup->config;
	size_t count = certificates->site_count;
	struct tls_pair *pairs = calloc(count, TLS_PAIRS_MAX * sizeof(*pairs));
	struct tls_site *parts = calloc(count, sizeof(*parts));
	struct tls *tls = NULL;

	for (size_t i = 0; pairs && parts && i < count; i++) {
		parts[i] = certificates_part(certificates, &certificates->sites[i], pairs + i * TLS_PAIRS_MAX);
	}
	if (pairs && parts)
		tls = tls_new(&(struct tls_options){.profile = config->tls_profile,
						    .sites = &setup->sites.http,
						    .parts = parts,
						    .kernel = config->tls_kernel,
						    .handshakes_max = config->tls_handshakes_max},
			      reason);
	free(parts);
	free(pairs);
	return tls;
}

int serving_tls_open(struct setup *setup, struct ticket_keys *ticket_keys, struct tls **out)
{
	char reason[TLS_REASON_MAX] = "no memory";

	*out = NULL;
	if (!certificates_exist(&setup->certificates))
		return 0;
	if (fill_in(&setup->certificates, reason) == 0)
		*out = make(setup, reason);
	if (*out) {
		tickets_use(ticket_keys, &setup->shared_tickets, setup->config, *out);
		return 0;
	}
	log_culprit(&setup->certificates, reason);
	return CLUSTER_EXIT_FATAL;
}

/* --- what the master tells --- */

/* One of a site's certificates is another one now. 0, or negative with a reason. */
static int renew_site(const struct certificates *certificates, struct tls *tls, size_t site, size_t renewed,
		      char reason[TLS_REASON_MAX])
{
	const struct certificate_site *own = &certificates->sites[site];
	struct tls_pair pairs[TLS_PAIRS_MAX];
	struct tls_site part = certificates_part(certificates, own, pairs);

	if (own->client != TLS_CLIENT_OFF && own->client_ca == renewed)
		return tls_set_client_ca(tls, site, &part, reason);
	if (certificate_site_has(own, renewed))
		return tls_set_pairs(tls, site, pairs, part.pair_count, reason);
	return 0;
}

static bool renew(const struct certificates *certificates, struct tls *tls, const struct certificate *renewed)
{
	char reason[TLS_REASON_MAX], text[CERTIFICATE_TEXT_MAX];
	bool good = true;

	for (size_t i = 0; i < certificates->site_count; i++) {
		if (renew_site(certificates, tls, i, (size_t)(renewed - certificates->list), reason) == 0)
			continue;
		certificate_describe(renewed, reason, text);
		log_error("%s; it cannot be renewed in this worker", text);
		good = false;
	}
	return good;
}

/* Where nothing speaks TLS, or no site has the certificate, there is nothing that could fail: the
 * configuration is another one. */
bool serving_tls_broadcast(const struct setup *setup, struct tls *tls, uint32_t kind, const void *data, size_t size,
			   int *fds, size_t fd_count)
{
	const struct certificate *renewed;

	if (tls && kind == BROADCAST_TICKETS)
		tickets_take(setup->config, data, size, tls);
	if (!tls || (kind != BROADCAST_CERTIFICATE && kind != BROADCAST_CLIENT_CA))
		return true;
	if (fd_count != 2) /* this process has no descriptor free */
		return false;
	renewed = renewal_take(&setup->certificates, kind, data, size, fds, fd_count);
	return !renewed || renew(&setup->certificates, tls, renewed);
}
