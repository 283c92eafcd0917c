/* SPDX-License-Identifier: MIT
 *
 * What the rows of settings are written with. Private to settings.c and to settings_of_*.c, each of
 * which has those about one thing. */
#ifndef BROOD_BROOD_CONFIG_SETTINGS_ROWS_H
#define BROOD_BROOD_CONFIG_SETTINGS_ROWS_H

#include "brood/config/configuration.h"
#include "brood/config/settings.h"

#include <stddef.h>

struct setting_table {
	const struct setting *rows;
	size_t count;
};

#define TABLE(rows)                                      \
	{                                                \
		(rows), sizeof(rows) / sizeof((rows)[0]) \
	}

#define WORDS(...)          ((const char *const[]){__VA_ARGS__, NULL})
#define AT(member)          offsetof(struct config, member)
#define AT_SITE(member)     offsetof(struct config_site, member)
#define AT_LOCATION(member) offsetof(struct config_location, member)

/* The longest duration that can be asked for, in milliseconds: fits in 32 bits. */
#define WEEK_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)
#define YEAR_MS (UINT64_C(365) * 24 * 60 * 60 * 1000)

extern const struct setting_table settings_of_sites, settings_of_tls, settings_of_processes, settings_of_limits,
	settings_of_files, settings_of_balancer, settings_of_trial;

#endif
