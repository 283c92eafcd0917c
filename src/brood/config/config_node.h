/* SPDX-License-Identifier: MIT
 *
 * One thing in libconfig's tree: its place, its value, what is wrong with it. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_NODE_H
#define BROOD_BROOD_CONFIG_CONFIG_NODE_H

#include "brood/config/config_source.h"
#include "brood/config/configuration.h"
#include "brood/system/config_report.h"
#include "brood/config/settings.h"

#include <libconfig.h>

#include <stdbool.h>

/* What is passed along while a file is read. */
struct config_reading {
	const struct config_source *source;
	const char *directory; /* where relative paths begin */
	struct config *config;
	struct report *report;
};

struct origin config_node_origin(const struct config_reading *reading, const config_setting_t *node);

bool config_node_is_string(const config_setting_t *node);

/* Reports "NAME = VALUE: REASON", the value being shown as the file has it, roughly. `name` is that
 * of a list also for a thing within it. */
void config_node_complain(const struct config_reading *reading, const config_setting_t *node, const char *name,
			  const char *reason);

/* Puts a value of any type but LISTEN into the setting's home (setting_value.h), or reports what is
 * wrong with it. */
void config_node_take(const struct config_reading *reading, const struct setting *setting, const config_setting_t *node,
		      void *home);

#endif
