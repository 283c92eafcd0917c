/* SPDX-License-Identifier: MIT
 *
 * Checks of single texts, for rows of the table of settings: false, and in words why the text will
 * not do, or "" when what the row wants says it all. */
#ifndef BROOD_BROOD_SETTING_CHECKS_H
#define BROOD_BROOD_SETTING_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

bool check_name(const char *text, char *reason, size_t room);  /* of a host */
bool check_index(const char *text, char *reason, size_t room); /* of a file, without a folder */

#endif
