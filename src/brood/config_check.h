/* SPDX-License-Identifier: MIT
 *
 * What can be said about a configuration only by looking at the machine: users, folders. */
#ifndef BROOD_BROOD_CONFIG_CHECK_H
#define BROOD_BROOD_CONFIG_CHECK_H

#include "brood/configuration.h"
#include "brood/report.h"
#include "brood/settings.h"

/* Looks up whom workers become (config->privilege), finds the root when none is set (below
 * `directory`, else the installed one), and checks that it can be served and that the folders of
 * the logs are there. Changes nothing in the world. What is wrong goes to *report. */
void config_check(struct config *config, const char *directory,
		  const struct origin origins[SETTINGS_COUNT], struct report *report);

#endif
