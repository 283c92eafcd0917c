/* SPDX-License-Identifier: MIT
 *
 * Certificates tried out (certificates.h): by a child of the master's, or by a worker that could not do with
 * them. */
#include "brood/certificates/certificates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tls_site certificates_part(const struct certificates *certificates, const struct certificate_site *site,
				  struct tls_pair pairs[TLS_PAIRS_MAX])
{
	for (size_t i = 0; i < site->pair_count; i++)
		pairs[i] = certificates->list[site->pairs[i]].pair;
	return (struct tls_site){
		.name = site->name,
		.pairs = pairs,
		.pair_count = site->pair_count,
		.client = site->client,
		.client_ca_fd =
			site->client == TLS_CLIENT_OFF ? -1 : certificates->list[site->client_ca].pair.certificate_fd,
	};
}

static int judge_pair(const struct certificates *certificates, size_t place, struct tls_roots *roots,
		      int64_t *not_after, char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
{
	const struct certificate *one = &certificates->list[place];
	bool own = one->kind == CERTIFICATE_DEV;
	const char **names = NULL;
	int rc;

	if (own && certificate_fill(one, reason) < 0)
		return -EINVAL;
	if (!own)
		names = certificate_names(certificates, place);
	rc = tls_check_pair(&one->pair, names, roots, not_after, reason, warnings);
	free(names);
	return rc;
}

static int judge_alone(const struct certificates *certificates, size_t place, struct tls_roots *roots,
		       int64_t *not_after, char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
{
	*not_after = INT64_MAX;
	if (certificates->list[place].kind == CERTIFICATE_CLIENT_CA)
		return tls_check_client_ca(certificates->list[place].pair.certificate_fd, reason, warnings);
	return judge_pair(certificates, place, roots, not_after, reason, warnings);
}

/* Whether all else that a site has is good by itself: if not, that is said of it, and not of this one. */
static bool others_are_good(const struct certificates *certificates, const struct certificate_site *site, size_t place)
{
	char reason[TLS_REASON_MAX];
	struct tls_warnings warnings;
	int64_t not_after;
	bool good = true;

	for (size_t i = 0; good && i < site->pair_count; i++)
		good = site->pairs[i] == place ||
		       judge_alone(certificates, site->pairs[i], NULL, &not_after, reason, &warnings) == 0;
	if (good && site->client != TLS_CLIENT_OFF && site->client_ca != place)
		good = judge_alone(certificates, site->client_ca, NULL, &not_after, reason, &warnings) == 0;
	return good;
}

static int judge_sites(const struct certificates *certificates, size_t place, char reason[TLS_REASON_MAX])
{
	for (size_t i = 0; i < certificates->site_count; i++) {
		const struct certificate_site *site = &certificates->sites[i];
		struct tls_pair pairs[TLS_PAIRS_MAX];
		struct tls_site part;

		/* One that has nothing else has been judged already. */
		if (!certificate_site_has(site, place) || (site->pair_count == 1 && site->client == TLS_CLIENT_OFF) ||
		    !others_are_good(certificates, site, place))
			continue;
		part = certificates_part(certificates, site, pairs);
		if (tls_check_site(&part, reason) < 0)
			return -EINVAL;
	}
	return 0;
}

int certificate_judge(const struct certificates *certificates, size_t place, struct tls_roots *roots,
		      int64_t *not_after, char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
{
	if (judge_alone(certificates, place, roots, not_after, reason, warnings) < 0 ||
	    judge_sites(certificates, place, reason) < 0)
		return -EINVAL;
	return 0;
}
