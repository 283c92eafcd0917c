/* SPDX-License-Identifier: MIT
 *
 * The configuration file: libconfig's syntax, the table's names and types. */
#ifndef BROOD_BROOD_CONFIG_FILE_H
#define BROOD_BROOD_CONFIG_FILE_H

#include "brood/config_source.h"
#include "brood/configuration.h"
#include "brood/report.h"
#include "brood/settings.h"

/* Puts all settings of a file that has been read into *config; relative paths begin at `directory`.
 * origins[] gets the place of each setting that is there. All that is wrong goes to *report. */
void config_file_apply(const struct config_source *source, const char *directory, struct config *config,
		       struct origin origins[SETTINGS_MAX], struct report *report);

#endif
