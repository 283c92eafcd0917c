/* SPDX-License-Identifier: MIT
 *
 * Sites and their locations once they are read (config_sites.h): what holds in each, printed,
 * freed. */
#include "brood/config/config_sites.h"

#include "brood/config/setting_value.h"
#include "http/site/header_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what holds --- */

/* Fills in from outside what is not set in `home`. */
static void inherit(enum setting_scope scope, void *home, const unsigned line_of[SETTINGS_MAX], const void *outside)
{
	for (size_t i = 0; i < settings_count(); i++) {
		if (setting_at(i)->scope == scope && !setting_at(i)->own && line_of[i] == 0)
			setting_borrow(setting_at(i), home, outside);
	}
}

void config_site_resolve(const struct config *config, const struct config_site *site, struct config_site *out)
{
	*out = *site;
	if (site != &config->site)
		inherit(SCOPE_SITE, out, site->line_of, &config->site);
	config_location_resolve(config, site, NULL, &out->location);
}

void config_location_resolve(const struct config *config, const struct config_site *site,
			     const struct config_block *block, struct config_location *out)
{
	struct config_location outside = site->location;

	if (site != &config->site)
		inherit(SCOPE_LOCATION, &outside, site->line_of, &config->site.location);
	*out = block ? block->location : outside;
	if (block)
		inherit(SCOPE_LOCATION, out, block->line_of, &outside);
}

static size_t add_headers(const char **rules, const struct config_location *location)
{
	for (size_t i = 0; i < location->headers.count; i++)
		rules[i] = location->headers.items[i];
	return location->headers.count;
}

int config_headers_make(const struct config *config, const struct config_site *site, const struct config_block *block,
			struct slice *out)
{
	const struct config_location *blocks[] = {
		&config->site.location,
		site != &config->site ? &site->location : NULL,
		block ? &block->location : NULL,
	};
	const char **rules;
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < 3; i++)
		count += blocks[i] ? blocks[i]->headers.count : 0;
	rules = calloc(count + 1, sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < 3; i++)
		count += blocks[i] ? add_headers(rules + count, blocks[i]) : 0;
	rc = header_rules_make(rules, count, out);
	free(rules);
	return rc;
}

/* --- printed --- */

/* The settings that a group has itself, one to a line. */
static int format_own(enum setting_scope scope, const void *home, const unsigned line_of[SETTINGS_MAX],
		      const char *indent, struct buffer *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < settings_count(); i++) {
		if (setting_at(i)->scope != scope || line_of[i] == 0)
			continue;
		rc = buffer_printf(out, "%s%s = ", indent, setting_at(i)->name);
		if (rc == 0)
			rc = setting_format(setting_at(i), home, out);
		if (rc == 0)
			rc = buffer_printf(out, ";\n");
	}
	return rc;
}

static int format_location(const struct config_block *block, const char *indent, struct buffer *out)
{
	char inner[16];
	int rc = buffer_printf(out, "%s\t{\n%s\t\tpath = ", indent, indent);

	snprintf(inner, sizeof(inner), "%s\t\t", indent);
	if (rc == 0)
		rc = report_quote(out, block->path);
	if (rc == 0)
		rc = buffer_printf(out, ";\n");
	if (rc == 0)
		rc = format_own(SCOPE_LOCATION, &block->location, block->line_of, inner, out);
	return rc == 0 ? buffer_printf(out, "%s\t}", indent) : rc;
}

static int format_locations(const struct config_site *site, const char *indent, struct buffer *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < site->location_count; i++) {
		rc = i > 0 ? buffer_printf(out, ",\n") : buffer_printf(out, "%slocations = (\n", indent);
		if (rc == 0)
			rc = format_location(&site->locations[i], indent, out);
	}
	if (rc == 0 && site->location_count > 0)
		rc = buffer_printf(out, "\n%s);\n", indent);
	return rc;
}

static int format_site(const struct config_site *site, struct buffer *out)
{
	int rc = buffer_printf(out, "\t{\n");

	if (rc == 0)
		rc = format_own(SCOPE_SITE, site, site->line_of, "\t\t", out);
	if (rc == 0)
		rc = format_own(SCOPE_LOCATION, &site->location, site->line_of, "\t\t", out);
	if (rc == 0)
		rc = format_locations(site, "\t\t", out);
	return rc == 0 ? buffer_printf(out, "\t}") : rc;
}

int config_sites_format(const struct config *config, struct buffer *out)
{
	int rc = format_locations(&config->site, "", out);

	for (size_t i = 0; rc == 0 && i < config->site_count; i++) {
		rc = i > 0 ? buffer_printf(out, ",\n") : buffer_printf(out, "sites = (\n");
		if (rc == 0)
			rc = format_site(&config->sites[i], out);
	}
	if (rc == 0 && config->site_count > 0)
		rc = buffer_printf(out, "\n);\n");
	return rc;
}

/* --- freed --- */

static void clear_scope(enum setting_scope scope, void *home)
{
	for (size_t i = 0; i < settings_count(); i++) {
		if (setting_at(i)->scope == scope)
			setting_clear(setting_at(i), home);
	}
}

void config_block_free(struct config_block *block)
{
	clear_scope(SCOPE_LOCATION, &block->location);
	free(block->path);
	*block = (struct config_block){0};
}

static void free_locations(struct config_site *site)
{
	for (size_t i = 0; i < site->location_count; i++)
		config_block_free(&site->locations[i]);
	free(site->locations);
	site->locations = NULL;
	site->location_count = 0;
}

void config_sites_free(struct config *config)
{
	free_locations(&config->site);
	for (size_t i = 0; i < config->site_count; i++) {
		clear_scope(SCOPE_SITE, &config->sites[i]);
		clear_scope(SCOPE_LOCATION, &config->sites[i].location);
		free_locations(&config->sites[i]);
	}
	free(config->sites);
	config->sites = NULL;
	config->site_count = 0;
}
