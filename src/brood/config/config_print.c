/* SPDX-License-Identifier: MIT
 *
 * A whole configuration, shown and compared. */
#include "brood/config/configuration.h"

#include "brood/config/config_sites.h"
#include "brood/config/setting_value.h"
#include "brood/config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void config_print(const struct config *config, FILE *out)
{
	struct buffer value = {0};

	for (size_t i = 0; i < settings_count(); i++) {
		const void *home = setting_home(setting_at(i), (struct config *)config);

		fprintf(out, "# %s%s\n", setting_at(i)->help,
			setting_at(i)->effect == SETTING_AT_START ? " (changes at a start only)" : "");
		buffer_consume(&value, value.used);
		if (setting_format(setting_at(i), home, &value) == 0)
			fprintf(out, "%s = %.*s;\n", setting_at(i)->name, (int)value.used, value.data);
		else
			fprintf(out, "# %s: no memory\n", setting_at(i)->name);
	}
	buffer_consume(&value, value.used);
	if (config_sites_format(config, &value) == 0)
		fprintf(out, "%.*s", (int)value.used, value.used > 0 ? value.data : "");
	else
		fprintf(out, "# sites, locations: no memory\n");
	buffer_free(&value);
}

void config_compare(const struct config *old, const struct config *now,
		    void (*differs)(void *context, const char *name), void *context)
{
	for (size_t i = 0; i < settings_count(); i++) {
		/* All of these are the server's. */
		if (setting_at(i)->effect == SETTING_AT_START && !setting_equal(setting_at(i), old, now))
			differs(context, setting_at(i)->name);
	}
}

int config_text(const struct config *config, struct buffer *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	int error;

	if (!file)
		return -errno;
	config_print(config, file);
	error = fclose(file) == 0 ? buffer_append(out, text, size) : -ENOMEM;
	free(text);
	return error;
}
