/* SPDX-License-Identifier: MIT
 *
 * A configuration tried out: -t and -T. */
#include "brood/certificates/certificate_check.h"
#include "brood/config/config_balancer.h"
#include "brood/config/configuration.h"
#include "brood/config/options.h"
#include "brood/system/requirements.h"

#include <string.h>

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

static void tell(bool error, const char *text)
{
	fprintf(stderr, "brood: %s%s\n", error ? "" : "warning: ", text);
}

/* Certificates and their keys, as a start would. 0, or -1 (said why). */
static int try_certificates(const struct config *config)
{
	struct certificates certificates;
	char reason[512];
	int rc;

	if (certificates_open(&certificates, config, NULL, false, reason, sizeof(reason)) < 0) {
		tell(true, reason);
		return -1;
	}
	rc = certificates_check(&certificates, &config->privilege, tell);
	certificates_close(&certificates);
	return rc;
}

static void advise(void *context, const char *line)
{
	(void)context;
	tell(false, line);
}

int config_test(const struct options *options)
{
	struct buffer reason = {0};
	struct config *config;
	int status = 0;

	if (requirements_check(tell) < 0)
		return 1;
	if (config_load(&config, options, &reason) < 0) {
		say(&reason);
		status = 1;
	} else if (try_certificates(config) < 0) {
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
