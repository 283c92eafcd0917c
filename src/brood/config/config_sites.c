/* SPDX-License-Identifier: MIT
 *
 * Sites and their locations, read from the file. What is done with them then is in
 * config_site.c. */
#include "brood/config/config_sites.h"

#include "brood/config/setting_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const scope_names[] = {
	[SCOPE_SERVER] = "the server", [SCOPE_SITE] = "a site", [SCOPE_LOCATION] = "a location"};

/* What a group is read into. */
struct group {
	enum setting_scope scope;
	struct config_site *site; /* the one it is, or the one that the block is in */
	struct config_block *block;
};

static void *home_of(const struct group *group, const struct setting *setting)
{
	if (group->block)
		return &group->block->location;
	return setting->scope == SCOPE_LOCATION ? (void *)&group->site->location : group->site;
}

static void complain_member(const struct config_reading *reading, const config_setting_t *node,
			    enum setting_scope scope)
{
	struct origin origin = config_node_origin(reading, node);
	const char *name = config_setting_name(node), *nearest = setting_nearest(name, scope);
	const struct setting *setting = setting_find(name);

	if (setting && setting->scope == SCOPE_SERVER)
		report_add(reading->report, &origin, "%s is for the whole server, not for %s", name,
			   scope_names[scope]);
	else if (setting)
		report_add(reading->report, &origin, "%s is for %s, not for %s", name, scope_names[setting->scope],
			   scope_names[scope]);
	else if (nearest)
		report_add(reading->report, &origin, "%s has no setting '%.64s' (did you mean '%s'?)",
			   scope_names[scope], name, nearest);
	else
		report_add(reading->report, &origin, "%s has no setting '%.64s'", scope_names[scope], name);
}

/* --- locations --- */

/* "/a/b/" to "/a/b"; NULL: what is wrong, in *why. */
static char *read_path(const char *text, const char **why)
{
	size_t length = strlen(text);

	*why = "want the path of a URL, from the / on, as in \"/assets/\"";
	if (text[0] != '/')
		return NULL;
	for (const char *at = text; *at; at++) {
		const char *segment = at + 1;

		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return NULL;
		*why = "want it decoded: as the file is called, without %XX";
		if (*at == '%')
			return NULL;
		*why = "no such path is ever looked up: it has an empty or a hidden segment";
		if (*at == '/' && (*segment == '/' || (*segment == '.' && strncmp(text, "/.well-known", 12) != 0)))
			return NULL;
	}
	if (text[length - 1] == '/')
		length--;
	*why = "the settings of the site are those for /";
	if (length == 0)
		return NULL;
	*why = "no memory";
	return strndup(text, length);
}

static bool take_path(const struct config_reading *reading, const config_setting_t *node, const struct group *group)
{
	const struct config_site *site = group->site;
	const char *why = "want the path of a URL, from the / on, as in \"/assets/\"";
	char *path = NULL;

	if (config_node_is_string(node))
		path = read_path(config_setting_get_string(node), &why);
	for (size_t i = 0; path && i < site->location_count; i++) {
		if (!site->locations[i].path || strcmp(site->locations[i].path, path) != 0)
			continue;
		free(path);
		path = NULL;
		why = "there is a location of this path already";
	}
	if (!path)
		config_node_complain(reading, node, "path", why);
	else
		group->block->path = path;
	return path != NULL;
}

static void take_member(const struct config_reading *reading, const config_setting_t *node, const struct group *group)
{
	const struct setting *setting = setting_find(config_setting_name(node));
	unsigned *line_of = group->block ? group->block->line_of : group->site->line_of;

	if (!setting || setting->scope < group->scope) {
		complain_member(reading, node, group->scope);
		return;
	}
	line_of[setting_index(setting)] = config_setting_source_line(node);
	config_node_take(reading, setting, node, home_of(group, setting));
}

static void take_location(const struct config_reading *reading, const config_setting_t *node, struct config_site *site)
{
	struct group group = {SCOPE_LOCATION, site, &site->locations[site->location_count]};
	const config_setting_t *path, *member;

	*group.block = (struct config_block){0};
	if (!config_setting_is_group(node)) {
		config_node_complain(reading, node, "locations", "want groups, as in ( { path = \"/assets/\"; } )");
		return;
	}
	path = config_setting_get_member(node, "path");
	if (!path)
		config_node_complain(reading, node, "locations", "this location has no path");
	else if (take_path(reading, path, &group))
		site->location_count++;
	for (int i = 0; i < config_setting_length(node); i++) {
		member = config_setting_get_elem(node, (unsigned)i);
		if (member != path)
			take_member(reading, member, &group);
	}
	/* One that is wrong is not kept: nobody would free it. */
	if (!group.block->path)
		config_block_free(group.block);
}

static void take_locations(const struct config_reading *reading, const config_setting_t *node, struct config_site *site)
{
	int count = config_setting_length(node);

	if (!config_setting_is_list(node) || count > CONFIG_LOCATIONS_MAX) {
		config_node_complain(reading, node, "locations",
				     config_setting_is_list(node) ? "256 at most in a site"
								  : "want a list, as in ( { path = \"/assets/\"; } )");
		return;
	}
	site->locations = calloc((size_t)count + 1, sizeof(*site->locations));
	if (!site->locations) {
		config_node_complain(reading, node, "locations", "no memory");
		return;
	}
	for (int i = 0; i < count; i++)
		take_location(reading, config_setting_get_elem(node, (unsigned)i), site);
}

/* --- sites --- */

static void take_site(const struct config_reading *reading, const config_setting_t *node, struct config_site *site)
{
	struct group group = {SCOPE_SITE, site, NULL};

	site->line = config_setting_source_line(node);
	if (!config_setting_is_group(node)) {
		config_node_complain(reading, node, "sites", "want groups, as in ( { names = [ \"example.org\" ]; } )");
		return;
	}
	for (int i = 0; i < config_setting_length(node); i++) {
		const config_setting_t *member = config_setting_get_elem(node, (unsigned)i);

		if (strcmp(config_setting_name(member), "locations") == 0)
			take_locations(reading, member, site);
		else
			take_member(reading, member, &group);
	}
}

static void take_sites(const struct config_reading *reading, const config_setting_t *node)
{
	struct config *config = reading->config;
	int count = config_setting_length(node);

	if (!config_setting_is_list(node) || count > CONFIG_SITES_MAX) {
		config_node_complain(reading, node, "sites",
				     config_setting_is_list(node)
					     ? "1024 at most"
					     : "want a list, as in ( { names = [ \"example.org\" ]; } )");
		return;
	}
	config->sites = calloc((size_t)count + 1, sizeof(*config->sites));
	if (!config->sites) {
		config_node_complain(reading, node, "sites", "no memory");
		return;
	}
	config->site_count = (size_t)count;
	for (size_t i = 0; i < config->site_count; i++)
		take_site(reading, config_setting_get_elem(node, (unsigned)i), &config->sites[i]);
}

bool config_sites_take(const struct config_reading *reading, const config_setting_t *node)
{
	const char *name = config_setting_name(node);

	if (strcmp(name, "sites") == 0)
		take_sites(reading, node);
	else if (strcmp(name, "locations") == 0)
		take_locations(reading, node, &reading->config->site);
	else
		return false;
	return true;
}
