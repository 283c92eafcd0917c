/* SPDX-License-Identifier: MIT
 *
 * What a configuration says of TLS. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_TLS_H
#define BROOD_BROOD_CONFIG_CONFIG_TLS_H

#include "brood/config/config_source.h"
#include "brood/config/configuration.h"
#include "brood/system/config_report.h"

#include <stdbool.h>

/* Whether connections that come by that address speak TLS. */
bool config_tls_wants(const struct config *config, const struct address *address);

/* Whether those of any listener do. */
bool config_tls_uses(const struct config *config);

/* A site's certificates with the keys that belong to them: those that it sets itself, or else those
 * of the top level. All of it is borrowed from *config. */
struct config_tls {
	const struct config_list *certificates; /* absolute paths; or "dev" alone */
	const struct config_list *keys;         /* as many, or none: they are in the same files */
	bool dev;
};
void config_tls_resolve(const struct config *config, const struct config_site *site, struct config_tls *out);

/* Reports what does not fit together, and files that cannot be opened. */
void config_tls_check(const struct config *config, const struct origin origins[SETTINGS_MAX],
		      const struct config_source *source, struct report *report);

#endif
