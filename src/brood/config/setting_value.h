/* SPDX-License-Identifier: MIT
 *
 * Values of settings by their type: from text into struct config, back to text, compared, freed. */
#ifndef BROOD_BROOD_CONFIG_SETTING_VALUE_H
#define BROOD_BROOD_CONFIG_SETTING_VALUE_H

#include "base/buffer.h"
#include "brood/config/configuration.h"
#include "brood/config/settings.h"

#include <stdbool.h>
#include <stddef.h>

enum { SETTING_REASON_MAX = 256 };

/* A setting's member stands in the struct of its scope (settings.h): that is its home, a struct
 * config, config_site or config_location. At the top level: */
void *setting_home(const struct setting *setting, struct config *config);

/* Puts the value that `text` (as -s takes it) means into its home, in place of what is there.
 * Relative paths begin at `directory`. 0, or -EINVAL with what would be right in `reason`, or
 * -ENOMEM; all is as before then. `quoted`: the reason quotes words as the file has them. */
int setting_parse(const struct setting *setting, const char *text, const char *directory, void *home, bool quoted,
		  char reason[SETTING_REASON_MAX]) __attribute__((warn_unused_result));

/* Adds one text to a LIST, to PATHS or to NETWORKS. The same errors. */
int setting_add(const struct setting *setting, const char *text, const char *directory, void *home,
		char reason[SETTING_REASON_MAX]) __attribute__((warn_unused_result));

/* What would be right: "want a number from 1 to 1024, or auto". */
void setting_want(const struct setting *setting, bool quoted, char reason[SETTING_REASON_MAX]);

/* Appends the value in the file's own syntax. 0 or -ENOMEM. */
int setting_format(const struct setting *setting, const void *home, struct buffer *out)
	__attribute__((warn_unused_result));

/* The same value in two homes. */
bool setting_equal(const struct setting *setting, const void *a, const void *b);

/* Frees what the member owns; it is "not set" then. */
void setting_clear(const struct setting *setting, void *home);

/* Makes the member of `home` that of `from`, which stays its owner: `home` is to be read only. */
void setting_borrow(const struct setting *setting, void *home, const void *from);

#endif
