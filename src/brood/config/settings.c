/* SPDX-License-Identifier: MIT
 *
 * The table of settings, of the rows in settings_of_*.c, and looking things up in it. */
#include "brood/config/settings.h"

#include "base/text.h"
#include "brood/config/settings_rows.h"

#include <assert.h>
#include <string.h>

/* In the order in which they are shown. */
static const struct setting_table *const tables[] = {
	&settings_of_sites, &settings_of_tls,      &settings_of_processes, &settings_of_limits,
	&settings_of_files, &settings_of_balancer, &settings_of_trial,
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

size_t settings_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < TABLES; i++)
		count += tables[i]->count;
	return count;
}

const struct setting *setting_at(size_t index)
{
	for (size_t i = 0; i < TABLES; i++) {
		if (index < tables[i]->count)
			return &tables[i]->rows[index];
		index -= tables[i]->count;
	}
	return NULL;
}

const struct setting *setting_find(const char *name)
{
	const struct setting *setting;

	for (size_t i = 0; (setting = setting_at(i)); i++) {
		if (strcmp(setting->name, name) == 0)
			return setting;
	}
	return NULL;
}

size_t setting_index(const struct setting *setting)
{
	size_t before = 0;

	for (size_t i = 0; i < TABLES; i++) {
		const struct setting *rows = tables[i]->rows;

		if (setting >= rows && setting < rows + tables[i]->count)
			return before + (size_t)(setting - rows);
		before += tables[i]->count;
	}
	assert(!"of the table");
	return 0;
}

/* Names that are no settings but stand beside them. */
static const struct {
	const char *name;
	enum setting_scope first, last;
} groups[] = {
	{"sites", SCOPE_SERVER, SCOPE_SERVER},
	{"locations", SCOPE_SERVER, SCOPE_SITE},
	{"path", SCOPE_LOCATION, SCOPE_LOCATION},
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

const char *setting_nearest(const char *name, enum setting_scope scope)
{
	const char *names[SETTINGS_MAX + GROUPS];
	size_t count = 0;

	for (size_t i = 0; i < settings_count(); i++) {
		if (setting_at(i)->scope >= scope)
			names[count++] = setting_at(i)->name;
	}
	for (size_t i = 0; i < GROUPS; i++) {
		if (scope >= groups[i].first && scope <= groups[i].last)
			names[count++] = groups[i].name;
	}
	return text_nearest(name, names, count);
}
