/* SPDX-License-Identifier: MIT
 *
 * Looking things up in the table of settings (settings.h). */
#include "brood/settings.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < settings_count; i++) {
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	}
	return NULL;
}

size_t setting_index(const struct setting *setting)
{
	assert(setting >= settings && setting < settings + settings_count);
	return (size_t)(setting - settings);
}

/* Names that are no settings but stand beside them. */
static const struct {
	const char *name;
	enum setting_scope first, last;
} groups[] = {
	{"sites", SCOPE_SERVER, SCOPE_SERVER},
	{"locations", SCOPE_SERVER, SCOPE_SITE},
	{"path", SCOPE_PLACE, SCOPE_PLACE},
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

const char *setting_nearest(const char *name, enum setting_scope scope)
{
	const char *names[SETTINGS_MAX + GROUPS];
	size_t count = 0;

	for (size_t i = 0; i < settings_count; i++) {
		if (settings[i].scope >= scope)
			names[count++] = settings[i].name;
	}
	for (size_t i = 0; i < GROUPS; i++) {
		if (scope >= groups[i].first && scope <= groups[i].last)
			names[count++] = groups[i].name;
	}
	return text_nearest(name, names, count);
}
