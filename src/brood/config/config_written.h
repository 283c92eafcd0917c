/* SPDX-License-Identifier: MIT
 *
 * Whether the files that the server writes are where root may write: no link on the way to them that somebody else can
 * have laid (base/trusted_file.h). Nothing is opened or changed; what is refused goes to *report. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_WRITTEN_H
#define BROOD_BROOD_CONFIG_CONFIG_WRITTEN_H

#include "brood/config/configuration.h"
#include "brood/system/config_report.h"
#include "brood/config/settings.h"

/* A log of this setting. */
void config_written_log(const char *setting, const char *path, const struct origin *origin, struct report *report);

/* All files and sockets but logs. */
void config_written_check(const struct config *config, const struct origin origins[SETTINGS_MAX],
			  struct report *report);

#endif
