/* SPDX-License-Identifier: MIT
 *
 * The configuration file: libconfig's syntax, the table's names and types. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_FILE_H
#define BROOD_BROOD_CONFIG_CONFIG_FILE_H

#include "brood/config/config_source.h"
#include "brood/config/configuration.h"
#include "brood/system/config_report.h"
#include "brood/config/settings.h"

/* Puts all settings of a file that has been read into *config; relative paths begin at `directory`.
 * origins[] gets the place of each setting that is there. All that is wrong goes to *report. */
void config_file_apply(const struct config_source *source, const char *directory, struct config *config,
		       struct origin origins[SETTINGS_MAX], struct report *report);

#endif
