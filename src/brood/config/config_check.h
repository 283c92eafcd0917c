/* SPDX-License-Identifier: MIT
 *
 * What can be said about a configuration only by looking at the machine: users, folders. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_CHECK_H
#define BROOD_BROOD_CONFIG_CONFIG_CHECK_H

#include "brood/config/config_source.h"
#include "brood/config/configuration.h"
#include "brood/system/config_report.h"
#include "brood/config/settings.h"

/* Looks up whom workers become (config->privilege), finds the root when neither one nor sites are
 * set (below `directory`, else the installed one), and checks that those of all sites can be
 * served, that no host has two of them, and that the folders of the logs are there. `source`: the
 * file, if there is one. Changes nothing in the world. What is wrong goes to *report. */
void config_check(struct config *config, const char *directory, const struct origin origins[SETTINGS_MAX],
		  const struct config_source *source, struct report *report);

#endif
