/* SPDX-License-Identifier: MIT
 *
 * Checks of single texts, for rows of the table of settings. */
#include "brood/setting_checks.h"

#include "http/site.h"

#include <stdio.h>
#include <string.h>

bool check_name(const char *text, char *reason, size_t room)
{
	if (site_name_is_valid(text))
		return true;
	snprintf(reason, room,
		 "\"%.64s\" is no host's name (like example.org, *.example.org or 192.0.2.7)",
		 text);
	return false;
}

bool check_index(const char *text, char *reason, size_t room)
{
	if (text[0] != '\0' && text[0] != '.' && !strchr(text, '/') && strlen(text) < 256)
		return true;
	snprintf(reason, room, "\"%.64s\" is no name of a file that can be served in a folder",
		 text);
	return false;
}
