/* SPDX-License-Identifier: MIT
 *
 * Sites and their locations in a configuration: read from the file, printed, resolved, freed.
 *
 *     root = "/srv/www";                  # the top level: the default site, and defaults for all
 *     locations = ( { path = "/assets/"; ... } );
 *     sites = (
 *         { names = [ "example.org" ]; root = "/srv/org"; ...; locations = ( ... ); }
 *     ); */
#ifndef BROOD_BROOD_CONFIG_CONFIG_SITES_H
#define BROOD_BROOD_CONFIG_CONFIG_SITES_H

#include "base/slice.h"
#include "brood/config/config_node.h"

/* Takes the top-level node if it is `sites` or `locations`; else false. What is wrong with it is
 * reported. */
bool config_sites_take(const struct config_reading *reading, const config_setting_t *node);

/* Writes both in the file's own syntax, those that there are, with what they set themselves. 0 or
 * -ENOMEM. */
int config_sites_format(const struct config *config, struct buffer *out) __attribute__((warn_unused_result));

/* What holds in a site or (not NULL) in one of its locations, with all that they do not set
 * themselves taken from outside. All of it is borrowed from *config. */
void config_site_resolve(const struct config *config, const struct config_site *site, struct config_site *out);
void config_location_resolve(const struct config *config, const struct config_site *site,
			     const struct config_block *block, struct config_location *out);

/* The lines (http/site/header_rules.h) that the headers of the top level, the site and the block leave when
 * they are applied one after the other; malloc'd. 0, -ENOMEM, or -E2BIG. */
int config_headers_make(const struct config *config, const struct config_site *site, const struct config_block *block,
			struct slice *out) __attribute__((warn_unused_result));

/* Frees what a block has. */
void config_block_free(struct config_block *block);

/* Frees both lists; not what the top level sets. */
void config_sites_free(struct config *config);

#endif
