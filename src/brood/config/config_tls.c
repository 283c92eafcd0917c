/* SPDX-License-Identifier: MIT
 *
 * See config_tls.h. */
#include "brood/config/config_tls.h"

#include "base/fd.h"
#include "brood/config/config_sites.h"
#include "brood/config/looking.h"
#include "brood/system/pem_file.h"

#include <string.h>

bool config_tls_wants(const struct config *config, const struct address *address)
{
	for (size_t i = 0; i < config->listen_count; i++) {
		if (config->listen[i].tls && address_equal(&config->listen[i].address, address))
			return true;
	}
	return false;
}

bool config_tls_uses(const struct config *config)
{
	for (size_t i = 0; i < config->listen_count; i++) {
		if (config->listen[i].tls)
			return true;
	}
	return false;
}

static size_t index_of(const char *setting)
{
	return setting_index(setting_find(setting));
}

void config_tls_resolve(const struct config *config, const struct config_site *site, struct config_tls *out)
{
	/* A key of the top level is no site's own certificate's. */
	if (site->line_of[index_of("tls_certificate")] == 0)
		site = &config->site;
	*out = (struct config_tls){&site->tls_certificate, &site->tls_key, false};
	out->dev = out->certificates->count == 1 && strcmp(out->certificates->items[0], "dev") == 0;
}

/* --- the check --- */

struct check {
	const struct config *config;
	const struct origin *origins; /* of the top level */
	const struct config_source *source;
	struct report *report;
};

static struct origin origin_of(const struct check *check, const struct config_site *site, const char *setting)
{
	unsigned line = site->line_of[index_of(setting)];

	if (site == &check->config->site)
		return check->origins[index_of(setting)];
	return config_source_origin(check->source, line ? line : site->line);
}

static void check_files(const struct check *check, const struct config_site *site, const char *setting,
			const struct config_list *list)
{
	struct origin origin = origin_of(check, site, setting);

	for (size_t i = 0; i < list->count; i++) {
		const char *path = list->items[i], *why = NULL;
		int fd;

		looking_at(check->config->looking, setting, path);
		fd = strcmp(path, "dev") == 0 ? -1 : pem_file_open(path, &why);
		if (why)
			report_add(check->report, &origin, "%s '%s': %s", setting, path, why);
		fd_close(&fd);
	}
}

static void check_pairs(const struct check *check, const struct config_site *site)
{
	struct origin certificate = origin_of(check, site, "tls_certificate"), key = origin_of(check, site, "tls_key");
	size_t certificates = site->tls_certificate.count, keys = site->tls_key.count;
	bool dev = false;

	for (size_t i = 0; i < certificates; i++)
		dev = dev || strcmp(site->tls_certificate.items[i], "dev") == 0;
	if (certificates > TLS_PAIRS_MAX)
		report_add(check->report, &certificate, "tls_certificate: %d at most for a site", TLS_PAIRS_MAX);
	else if (dev && certificates + keys > 1)
		report_add(check->report, &certificate, "tls_certificate = \"dev\" stands alone, and has no tls_key");
	else if (keys > 0 && keys != certificates)
		report_add(check->report, &key,
			   "tls_key: want one for each tls_certificate of this site (%zu), in the "
			   "same order, not %zu",
			   certificates, keys);
}

static void check_site(const struct check *check, const struct config_site *site)
{
	struct origin client = origin_of(check, site, "tls_client"),
		      authorities = origin_of(check, site, "tls_client_ca");
	struct config_site resolved;
	const char *why = NULL;
	int fd = -1;

	config_site_resolve(check->config, site, &resolved);
	check_pairs(check, site);
	check_files(check, site, "tls_certificate", &site->tls_certificate);
	check_files(check, site, "tls_key", &site->tls_key);
	if (resolved.tls_client != TLS_CLIENT_OFF && !resolved.tls_client_ca)
		report_add(check->report, &client,
			   "tls_client: whose certificates are good is told by tls_client_ca, which is "
			   "not set");
	if (site->tls_client_ca) {
		looking_at(check->config->looking, "tls_client_ca", site->tls_client_ca);
		fd = pem_file_open(site->tls_client_ca, &why);
	}
	if (why)
		report_add(check->report, &authorities, "tls_client_ca '%s': %s", site->tls_client_ca, why);
	fd_close(&fd);
}

static bool any_certificate(const struct config *config)
{
	bool any = config->site.tls_certificate.count > 0;

	for (size_t i = 0; i < config->site_count; i++)
		any = any || config->sites[i].tls_certificate.count > 0;
	return any;
}

void config_tls_check(const struct config *config, const struct origin origins[SETTINGS_MAX],
		      const struct config_source *source, struct report *report)
{
	const struct check check = {config, origins, source, report};

	check_site(&check, &config->site);
	for (size_t i = 0; i < config->site_count; i++)
		check_site(&check, &config->sites[i]);
	if (config_tls_uses(config) && !any_certificate(config))
		report_add(report, &origins[index_of("listen")],
			   "listen: TLS wants a certificate: set tls_certificate (for trying out: "
			   "tls_certificate = \"dev\")");
}
