/* SPDX-License-Identifier: MIT
 *
 * A whole configuration, shown and compared. */
#include "brood/configuration.h"

#include "brood/config_sites.h"
#include "brood/config_balancer.h"
#include "brood/options.h"
#include "brood/setting_value.h"
#include "brood/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void config_print(const struct config *config, FILE *out)
{
	struct buffer value = {0};

	for (size_t i = 0; i < settings_count; i++) {
		const void *home = setting_home(&settings[i], (struct config *)config);

		fprintf(out, "# %s%s\n", settings[i].help,
			settings[i].effect == SETTING_AT_START ? " (changes at a start only)" : "");
		buffer_consume(&value, value.used);
		if (setting_format(&settings[i], home, &value) == 0)
			fprintf(out, "%s = %.*s;\n", settings[i].name, (int)value.used, value.data);
		else
			fprintf(out, "# %s: no memory\n", settings[i].name);
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
	for (size_t i = 0; i < settings_count; i++) {
		/* All of these are the server's. */
		if (settings[i].effect == SETTING_AT_START &&
		    !setting_equal(&settings[i], old, now))
			differs(context, settings[i].name);
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

/* Each line with the program's name in front, as a person who typed the command reads it. */
static void say(const struct buffer *lines)
{
	const char *line = lines->data, *end = line + lines->used, *stop;

	for (; line < end; line = stop + 1) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			stop = end;
		fprintf(stderr, "brood: %.*s\n", (int)(stop - line), line);
	}
	if (lines->used == 0)
		fprintf(stderr, "brood: no memory\n");
}

static void advise(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "brood: warning: %s\n", line);
}

int config_test(const struct options *options)
{
	struct buffer reason = {0};
	struct config *config;
	int status = 0;

	if (config_load(&config, options, &reason) < 0) {
		say(&reason);
		status = 1;
	} else if (options->action == OPTIONS_PRINT) {
		config_balancer_advise(config, advise, NULL);
		config_print(config, stdout);
		if (fflush(stdout) != 0) {
			perror("brood: standard output");
			status = 1;
		}
	} else {
		config_balancer_advise(config, advise, NULL);
		fprintf(stderr, "brood: the configuration%s%s is fine\n", options->file ? " " : "",
			options->file ? options->file : "");
	}
	config_free(config);
	buffer_free(&reason);
	return status;
}
