/* SPDX-License-Identifier: MIT
 *
 * See serving_tls.h. */
#include "brood/serving_tls.h"

#include "base/log.h"
#include "brood/renewal.h"
#include "brood/server.h"
#include "http/tls/tls.h"

#include <stdlib.h>

/* The pairs of a site. Returns how many. */
static size_t list_pairs(const struct certificates *certificates,
			 const struct certificate_site *site, struct tls_pair out[TLS_PAIRS_MAX])
{
	for (size_t i = 0; i < site->pair_count; i++)
		out[i] = certificates->list[site->pairs[i]].pair;
	return site->pair_count;
}

static int fill_in(const struct certificates *certificates, char reason[TLS_REASON_MAX])
{
	for (size_t i = 0; i < certificates->count; i++) {
		const struct certificate *one = &certificates->list[i];

		if (one->dev && certificate_fill(one, reason) < 0)
			return -1;
	}
	return 0;
}

/* Which of a site's pairs is the culprit, in words. */
static void log_culprit(const struct certificates *certificates, const char *reason)
{
	char why[TLS_REASON_MAX], warning[TLS_REASON_MAX];
	int64_t not_after;

	for (size_t i = 0; i < certificates->count; i++) {
		const struct certificate *one = &certificates->list[i];

		if (tls_check_pair(&one->pair, &not_after, why, warning) < 0) {
			log_error("certificate '%s': %s", one->path, why);
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
		const struct certificate_site *site = &certificates->sites[i];
		struct tls_pair *own = pairs + i * TLS_PAIRS_MAX;

		parts[i] = (struct tls_site){
			.name = site->name,
			.pairs = own,
			.pair_count = list_pairs(certificates, site, own),
			.client = site->client,
			.client_ca_fd = site->client_ca_fd,
		};
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

static bool has_pair(const struct certificate_site *site, size_t pair)
{
	for (size_t i = 0; i < site->pair_count; i++) {
		if (site->pairs[i] == pair)
			return true;
	}
	return false;
}

static void renew(const struct certificates *certificates, struct tls *tls,
		  const struct certificate *renewed)
{
	size_t pair = (size_t)(renewed - certificates->list);
	struct tls_pair pairs[TLS_PAIRS_MAX];
	char reason[TLS_REASON_MAX];

	for (size_t i = 0; i < certificates->site_count; i++) {
		const struct certificate_site *site = &certificates->sites[i];

		if (has_pair(site, pair) &&
		    tls_set_pairs(tls, i, pairs, list_pairs(certificates, site, pairs), reason) < 0)
			log_error("certificate '%s' cannot be renewed in this worker: %s",
				  renewed->path, reason);
	}
}

void serving_tls_news(const struct setup *setup, struct tls *tls, uint32_t kind, const void *data,
		      size_t size, int *fds, size_t fd_count)
{
	const struct certificate *renewed;

	if (tls && kind == NEWS_TICKETS)
		tickets_take(setup->config, data, size, tls);
	if (!tls || kind != NEWS_CERTIFICATE)
		return;
	renewed = renewal_take(&setup->certificates, data, size, fds, fd_count);
	if (renewed)
		renew(&setup->certificates, tls, renewed);
}
