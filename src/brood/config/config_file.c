/* SPDX-License-Identifier: MIT
 *
 * The configuration file: from libconfig's tree to struct config, by the table. */
#include "brood/config/config_file.h"

#include "base/text.h"
#include "brood/config/config_listen.h"
#include "brood/config/config_node.h"
#include "brood/config/config_sites.h"
#include "brood/config/setting_value.h"

#include <libconfig.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINE_SHOWN_MAX = 80,
	/* What libconfig's tree takes at most: about 50 times the text (an array of one-digit
	 * numbers), and the scanner's buffers. */
	TREE_FACTOR = 64,
	TREE_BASE = 256 * 1024,
};

/* --- listen --- */

/* False: said why. */
static bool take_address(const struct config_reading *file, const config_setting_t *node, struct config_listener *out)
{
	char reason[SETTING_REASON_MAX] = "no memory";
	int rc = 0;

	if (!config_node_is_string(node)) {
		setting_want(setting_find("listen"), true, reason);
		rc = -EINVAL;
	} else {
		rc = config_listen_parse(config_setting_get_string(node), file->directory, out, reason, sizeof(reason));
	}
	if (rc < 0)
		config_node_complain(file, node, "listen", reason);
	return rc == 0;
}

static bool take_backlog(const struct config_reading *file, const config_setting_t *node, struct config_listener *out)
{
	const struct setting *setting = setting_find("backlog");
	char reason[SETTING_REASON_MAX];
	long long value = 0;

	if (config_setting_is_number(node) && config_setting_type(node) != CONFIG_TYPE_FLOAT)
		value = config_setting_get_int64(node);
	if (value >= (long long)setting->min && value <= (long long)setting->max) {
		out->backlog = (unsigned)value;
		return true;
	}
	setting_want(setting, true, reason);
	config_node_complain(file, node, "backlog", reason);
	return false;
}

/* Quoted, since a bare 0660 would be decimal to one version of libconfig, octal to another. */
static bool take_mode(const struct config_reading *file, const config_setting_t *node, struct config_listener *out)
{
	const char *text = config_node_is_string(node) ? config_setting_get_string(node) : "";
	unsigned mode = 0;

	if (strlen(text) >= 3 && strlen(text) <= 4 && strspn(text, "01234567") == strlen(text)) {
		for (; *text; text++)
			mode = mode * 8 + (unsigned)(*text - '0');
	}
	if (mode > 0 && mode <= 0777) {
		out->unix_mode = mode;
		return true;
	}
	config_node_complain(file, node, "mode", "want the permissions of a Unix socket, as in \"0660\"");
	return false;
}

static bool take_proxy_protocol(const struct config_reading *file, const config_setting_t *node,
				struct config_listener *out)
{
	if (config_setting_type(node) != CONFIG_TYPE_BOOL) {
		config_node_complain(file, node, "proxy_protocol", "want true or false");
		return false;
	}
	out->proxy_protocol = config_setting_get_bool(node) ? LISTENER_PROXY_YES : LISTENER_PROXY_NO;
	return true;
}

/* Or "tls:" in front of the address. */
static bool take_tls(const struct config_reading *file, const config_setting_t *node, struct config_listener *out)
{
	if (config_setting_type(node) != CONFIG_TYPE_BOOL) {
		config_node_complain(file, node, "tls", "want true or false");
		return false;
	}
	out->tls |= config_setting_get_bool(node) != 0;
	return true;
}

static const struct {
	const char *name;
	bool (*take)(const struct config_reading *file, const config_setting_t *node, struct config_listener *out);
} listener_members[] = {
	{"address", take_address}, {"backlog", take_backlog},
	{"mode", take_mode},       {"proxy_protocol", take_proxy_protocol},
	{"tls", take_tls},
};

enum { LISTENER_MEMBERS = sizeof(listener_members) / sizeof(listener_members[0]) };

static bool take_member(const struct config_reading *file, const config_setting_t *node, struct config_listener *out)
{
	struct origin origin = config_node_origin(file, node);
	const char *name = config_setting_name(node), *nearest, *names[LISTENER_MEMBERS];

	for (size_t i = 0; i < LISTENER_MEMBERS; i++) {
		names[i] = listener_members[i].name;
		if (strcmp(name, names[i]) == 0)
			return listener_members[i].take(file, node, out);
	}
	nearest = text_nearest(name, names, LISTENER_MEMBERS);
	if (nearest)
		report_add(file->report, &origin, "a listener has no setting '%.64s' (did you mean '%s'?)", name,
			   nearest);
	else
		report_add(file->report, &origin,
			   "a listener has no setting '%.64s' (but address, backlog, mode, proxy_protocol, tls)", name);
	return false;
}

static bool take_group(const struct config_reading *file, const config_setting_t *node, struct config_listener *out)
{
	bool ok = true;

	for (int i = 0; i < config_setting_length(node); i++) {
		if (!take_member(file, config_setting_get_elem(node, (unsigned)i), out))
			ok = false;
	}
	if (ok && !config_setting_get_member(node, "address")) {
		config_node_complain(file, node, "listen", "this listener has no address");
		ok = false;
	}
	if (ok && out->unix_mode && !address_is_unix(&out->address)) {
		config_node_complain(file, node, "listen", "a mode is for Unix sockets (unix:/path) only");
		ok = false;
	}
	return ok;
}

static void take_listener(const struct config_reading *file, const config_setting_t *node)
{
	struct config_listener listener = {0};
	char reason[SETTING_REASON_MAX] = "no memory";
	bool ok =
		config_setting_is_group(node) ? take_group(file, node, &listener) : take_address(file, node, &listener);
	int rc;

	if (!ok)
		return;
	rc = config_listen_add(file->config, &listener);
	if (rc == -EEXIST)
		snprintf(reason, sizeof(reason), "%s is there already", listener.address.text);
	else if (rc == -ENOSPC)
		snprintf(reason, sizeof(reason), "%d addresses at most", CONFIG_LISTENERS_MAX);
	if (rc < 0)
		config_node_complain(file, node, "listen", reason);
}

static void take_listen(const struct config_reading *file, const config_setting_t *node)
{
	unsigned count = (unsigned)config_setting_length(node);

	setting_clear(setting_find("listen"), file->config);
	if (!config_setting_is_array(node) && !config_setting_is_list(node)) {
		take_listener(file, node);
		return;
	}
	if (count == 0)
		config_node_complain(file, node, "listen", "want one address at least");
	for (unsigned i = 0; i < count; i++)
		take_listener(file, config_setting_get_elem(node, i));
}

static void take_setting(const struct config_reading *file, const config_setting_t *node,
			 struct origin origins[SETTINGS_MAX])
{
	const char *name = config_setting_name(node), *nearest = setting_nearest(name, SCOPE_SERVER);
	const struct setting *setting = setting_find(name);
	struct origin origin = config_node_origin(file, node);

	if (setting) {
		origins[setting_index(setting)] = origin;
		if (setting->type == SETTING_LISTEN)
			take_listen(file, node);
		else
			config_node_take(file, setting, node, setting_home(setting, file->config));
	} else if (config_sites_take(file, node)) {
		return;
	} else if (nearest) {
		report_add(file->report, &origin, "unknown setting '%.64s' (did you mean '%s'?)", name, nearest);
	} else {
		report_add(file->report, &origin, "unknown setting '%.64s'", name);
	}
}

/* libconfig stops at the first thing that it cannot read; the line itself tells most. */
static void complain_syntax(const struct config_source *source, const config_t *tree, struct report *report)
{
	unsigned line = (unsigned)config_error_line(tree);
	struct origin origin = config_source_origin(source, line);
	const char *start = source->text.data, *what = config_error_text(tree), *hint = "";
	int length;

	while (line-- > 1 && strchr(start, '\n'))
		start = strchr(start, '\n') + 1;
	start += strspn(start, " \t");
	length = (int)strcspn(start, "\n");
	if (strcmp(what, "syntax error") == 0)
		hint = "; want NAME = VALUE, with words, paths, durations and addresses in quotes";
	report_add(report, &origin, "'%.*s': %s%s", length < LINE_SHOWN_MAX ? length : LINE_SHOWN_MAX, start, what,
		   hint);
}

/* libconfig does not look at what malloc returns, and a server that runs must survive a reload
 * without memory. So what it may need is asked for before, and given back for it to find. */
static bool has_memory_for_tree(size_t text_size)
{
	void *trial = malloc(text_size * TREE_FACTOR + TREE_BASE);

	free(trial);
	return trial != NULL;
}

void config_file_apply(const struct config_source *source, const char *directory, struct config *config,
		       struct origin origins[SETTINGS_MAX], struct report *report)
{
	struct config_reading file = {source, directory, config, report};
	const config_setting_t *root;
	config_t tree;

	if (!has_memory_for_tree(source->text.used)) {
		report_add(report, NULL, "no memory for the configuration file");
		return;
	}
	config_init(&tree);
	if (config_read_string(&tree, source->text.data) == CONFIG_TRUE) {
		root = config_root_setting(&tree);
		for (int i = 0; i < config_setting_length(root); i++)
			take_setting(&file, config_setting_get_elem(root, (unsigned)i), origins);
	} else {
		complain_syntax(source, &tree, report);
	}
	config_destroy(&tree);
}
