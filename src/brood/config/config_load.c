/* SPDX-License-Identifier: MIT
 *
 * A configuration from all its sources, later ones on top of earlier ones:
 *
 *     defaults < file < -s < the command line's own options and ROOT */
#include "brood/config/configuration.h"

#include "brood/config/config_balancer.h"
#include "brood/config/config_check.h"
#include "brood/config/config_file.h"
#include "brood/config/config_listen.h"
#include "brood/config/config_sites.h"
#include "brood/system/daemon_log.h"
#include "brood/config/looking.h"
#include "brood/config/options.h"
#include "brood/system/config_report.h"
#include "brood/config/setting_value.h"
#include "brood/config/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a load passes from step to step. */
struct load {
	struct config *config;
	const struct options *options;
	struct config_source source;
	struct origin origins[SETTINGS_MAX];
	struct report report;
	bool listen_given; /* by the file or -s: then -l adds to it */
};

static void apply(struct load *load, const struct setting *setting, const char *text, const struct origin *origin)
{
	char reason[SETTING_REASON_MAX];
	int rc = setting_parse(setting, text, load->options->directory, setting_home(setting, load->config), false,
			       reason);

	if (rc == -ENOMEM)
		snprintf(reason, sizeof(reason), "no memory");
	if (rc == 0)
		load->origins[setting_index(setting)] = *origin;
	else if (origin->set) /* which tells name and value */
		report_add(&load->report, origin, "%s", reason);
	else
		report_add(&load->report, origin, "%s '%.200s': %s", setting->name, text, reason);
}

static void apply_defaults(struct load *load)
{
	const struct origin none = {0};

	for (size_t i = 0; i < settings_count(); i++)
		apply(load, setting_at(i), setting_at(i)->standard, &none);
}

static void apply_file(struct load *load)
{
	const char *file = load->options->file;

	if (file)
		looking_at(load->options->looking, "configuration", file);
	if (!file || config_source_read(&load->source, file, &load->report) < 0)
		return;
	config_file_apply(&load->source, load->options->directory, load->config, load->origins, &load->report);
}

/* One -s; options_parse has seen that there is a "=". */
static void apply_set(struct load *load, const char *text)
{
	const struct origin origin = {.set = text};
	const char *equals = strchrnul(text, '='), *nearest;
	char name[64];
	const struct setting *setting;
	size_t length = (size_t)(equals - text);

	if (length >= sizeof(name))
		length = sizeof(name) - 1; /* no setting's name is as long */
	memcpy(name, text, length);
	name[length] = '\0';
	setting = setting_find(name);
	if (strcmp(name, "sites") == 0 || strcmp(name, "locations") == 0) {
		report_add(&load->report, &origin, "%s: only a file can say", name);
		return;
	}
	nearest = setting_nearest(name, SCOPE_SERVER);
	if (setting)
		apply(load, setting, *equals ? equals + 1 : "", &origin);
	else if (nearest)
		report_add(&load->report, &origin, "unknown setting '%s' (did you mean '%s'?)", name, nearest);
	else
		report_add(&load->report, &origin, "unknown setting '%s'", name);
}

/* An address that the file has, too, keeps what the file says about it, but speaks TLS if one of the
 * two says so. */
static int merge_listener(struct config *config, const struct config_listener *listener)
{
	int rc = config_listen_add(config, listener);

	for (size_t i = 0; rc == -EEXIST && listener->tls && i < config->listen_count; i++) {
		if (address_equal(&config->listen[i].address, &listener->address))
			config->listen[i].tls = true;
	}
	return rc == -EEXIST ? 0 : rc;
}

static void apply_listen(struct load *load)
{
	const struct options *options = load->options;
	char reason[SETTING_REASON_MAX];
	int rc;

	if (options->listen_count > 0 && !load->listen_given)
		setting_clear(setting_find("listen"), load->config);
	for (size_t i = 0; i < options->listen_count; i++) {
		struct config_listener listener = {0};

		reason[0] = '\0';
		rc = config_listen_parse(options->listen[i], options->directory, &listener, reason, sizeof(reason));
		if (rc == 0)
			rc = merge_listener(load->config, &listener);
		if (rc < 0)
			report_add(&load->report, NULL, "-l '%.200s': %s", options->listen[i],
				   reason[0] ? reason : strerror(-rc));
	}
}

static void apply_options(struct load *load)
{
	const struct options *options = load->options;
	const struct origin none = {0};
	const struct {
		const char *name, *text;
	} own[] = {
		{"workers", options->workers}, {"accept", options->accept}, {"pid_file", options->pid_file},
		{"control", options->control}, {"root", options->root},
	};

	for (size_t i = 0; i < options->set_count; i++)
		apply_set(load, options->set[i]);
	load->listen_given = load->origins[setting_index(setting_find("listen"))].file ||
			     load->origins[setting_index(setting_find("listen"))].set;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (own[i].text)
			apply(load, setting_find(own[i].name), own[i].text, &none);
	}
	load->config->listen_is_default = !load->listen_given && options->listen_count == 0;
	apply_listen(load);
	load->config->verbose = options->verbose;
	load->config->known_roots = options->known_roots;
	load->config->looking = options->looking;
}

/* Nobody would see what goes to the terminal that a daemon leaves. */
static void find_error_log(struct load *load)
{
	const struct setting *setting = setting_find("error_log");
	struct origin origin = load->origins[setting_index(setting)];
	char path[PATH_MAX];

	load->config->daemon = load->options->daemon;
	if (!load->config->daemon || strcmp(load->config->error_log, "stderr") != 0 || daemon_log_lasts(STDERR_FILENO))
		return;
	if (!daemon_log_find(path)) {
		report_add(&load->report, &origin,
			   "error_log: in the background (-d) standard error would be lost, since that is no file, and "
			   "there is neither HOME nor XDG_STATE_HOME to find a folder by; name one");
		return;
	}
	apply(load, setting, path, &origin);
	load->config->error_log_is_found = true;
}

int config_load(struct config **out, const struct options *options, struct buffer *reason)
{
	struct load load = {.options = options, .report.lines = reason};

	*out = NULL;
	load.config = calloc(1, sizeof(*load.config));
	if (!load.config) {
		report_add(&load.report, NULL, "no memory");
		return -1;
	}
	apply_defaults(&load);
	apply_file(&load);
	apply_options(&load);
	find_error_log(&load);
	if (load.report.count == 0 && config_balancer_settle(load.config, load.origins) < 0)
		report_add(&load.report, NULL, "no memory");
	/* A check of what is half wrong would only tell of consequences. */
	if (load.report.count == 0)
		config_check(load.config, options->directory, load.origins, &load.source, &load.report);
	config_source_free(&load.source);
	if (load.report.count > 0) {
		config_free(load.config);
		return -1;
	}
	*out = load.config;
	return 0;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < settings_count(); i++)
		setting_clear(setting_at(i), setting_home(setting_at(i), config));
	config_sites_free(config);
	config_balancer_free(config);
	free(config);
}
