/* SPDX-License-Identifier: MIT
 *
 * One thing in libconfig's tree: its place, its value, what is wrong with it. */
#include "brood/config/config_node.h"

#include "brood/config/setting_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 80 };

/* The value as a reader of the message would find it in the file, roughly. */
static void show(const config_setting_t *node, char *out, size_t room)
{
	switch (config_setting_type(node)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(out, room, "%lld", config_setting_get_int64(node));
		break;
	case CONFIG_TYPE_FLOAT:
		snprintf(out, room, "%g", config_setting_get_float(node));
		break;
	case CONFIG_TYPE_BOOL:
		snprintf(out, room, "%s", config_setting_get_bool(node) ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		snprintf(out, room, "\"%s\"", config_setting_get_string(node));
		break;
	case CONFIG_TYPE_GROUP:
		snprintf(out, room, "{ ... }");
		break;
	case CONFIG_TYPE_ARRAY:
		snprintf(out, room, "[ ... ]");
		break;
	default:
		snprintf(out, room, "( ... )");
		break;
	}
}

struct origin config_node_origin(const struct config_reading *reading, const config_setting_t *node)
{
	return config_source_origin(reading->source, config_setting_source_line(node));
}

bool config_node_is_string(const config_setting_t *node)
{
	return config_setting_type(node) == CONFIG_TYPE_STRING;
}

void config_node_complain(const struct config_reading *reading, const config_setting_t *node, const char *name,
			  const char *reason)
{
	struct origin origin = config_node_origin(reading, node);
	char value[SHOWN_MAX];

	show(node, value, sizeof(value));
	report_add(reading->report, &origin, "%s = %s: %s", name, value, reason);
}

static bool is_row(const config_setting_t *node)
{
	return config_setting_is_array(node) || config_setting_is_list(node);
}

/* One of a row, as setting_parse. */
static int add_one(const struct config_reading *reading, const struct setting *setting, const config_setting_t *node,
		   void *home, char *reason)
{
	if (!config_node_is_string(node)) {
		setting_want(setting, true, reason);
		return -EINVAL;
	}
	return setting_add(setting, config_setting_get_string(node), reading->directory, home, reason);
}

/* An array or a list of strings; each is told of by its own line. */
static void take_row(const struct config_reading *reading, const struct setting *setting, const config_setting_t *node,
		     void *home)
{
	char reason[SETTING_REASON_MAX] = "";

	setting_clear(setting, home);
	for (int i = 0; i < config_setting_length(node); i++) {
		const config_setting_t *one = config_setting_get_elem(node, (unsigned)i);
		int rc = add_one(reading, setting, one, home, reason);

		if (rc < 0)
			config_node_complain(reading, one, setting->name, rc == -ENOMEM ? "no memory" : reason);
	}
}

/* The value as -s would have it, when the setting's type may be written so; else false. */
static bool bare_text(const struct setting *setting, const config_setting_t *node, char *number, size_t room,
		      const char **out)
{
	/* Also a word that is a number. */
	bool amount = setting->type == SETTING_COUNT || setting->type == SETTING_DURATION ||
		      setting->type == SETTING_SIZE || setting->type == SETTING_RATE || setting->type == SETTING_WORD;

	*out = number;
	switch (config_setting_type(node)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(number, room, "%lld", config_setting_get_int64(node));
		return amount;
	case CONFIG_TYPE_BOOL:
		*out = config_setting_get_bool(node) ? "true" : "false";
		return setting->type == SETTING_BOOL;
	case CONFIG_TYPE_STRING:
		*out = config_setting_get_string(node);
		/* A count is not quoted, but its words are. */
		return setting->type != SETTING_BOOL &&
		       (setting->type != SETTING_COUNT || strspn(*out, "0123456789") == 0);
	default:
		return false;
	}
}

void config_node_take(const struct config_reading *reading, const struct setting *setting, const config_setting_t *node,
		      void *home)
{
	bool texts = setting->type == SETTING_LIST || setting->type == SETTING_PATHS;
	bool is_list = texts || setting->type == SETTING_NETWORKS;
	char number[32], reason[SETTING_REASON_MAX] = "";
	const char *text;
	int rc = -EINVAL;

	if (is_list && is_row(node)) {
		take_row(reading, setting, node, home);
		return;
	}
	if (texts && config_node_is_string(node)) {
		/* One, which may have commas in it. */
		setting_clear(setting, home);
		rc = add_one(reading, setting, node, home, reason);
	} else if (bare_text(setting, node, number, sizeof(number), &text)) {
		rc = setting_parse(setting, text, reading->directory, home, true, reason);
	} else {
		setting_want(setting, true, reason);
	}
	if (rc < 0)
		config_node_complain(reading, node, setting->name, rc == -ENOMEM ? "no memory" : reason);
}
