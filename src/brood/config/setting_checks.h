/* SPDX-License-Identifier: MIT
 *
 * Checks of single texts, for rows of the table of settings: false, and in words why the text will
 * not do, or "" when what the row wants says it all. */
#ifndef BROOD_BROOD_CONFIG_SETTING_CHECKS_H
#define BROOD_BROOD_CONFIG_SETTING_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

bool check_name(const char *text, char *reason, size_t room);  /* of a host */
bool check_type(const char *text, char *reason, size_t room);  /* "text/html" */
bool check_index(const char *text, char *reason, size_t room); /* of a file, without a folder */

/* Paths in try and fallback, "404 /404.html", redirects, header rules, and values of fields. */
bool check_try(const char *text, char *reason, size_t room);
bool check_fallback(const char *text, char *reason, size_t room);
bool check_error_page(const char *text, char *reason, size_t room);
bool check_redirect(const char *text, char *reason, size_t room);
bool check_header(const char *text, char *reason, size_t room);
bool check_value(const char *text, char *reason, size_t room);
bool check_hsts(const char *text, char *reason, size_t room);

/* Reads the check'd text of an error page: its status, and the name of the file below the root. */
const char *read_error_page(const char *text, unsigned *status);

#endif
