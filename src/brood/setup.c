/* SPDX-License-Identifier: MIT
 *
 * A configuration and what it needs opened (server.h). Master only. */
#include "brood/server.h"

#include "base/fd_kind.h"
#include "base/log.h"
#include "base/trusted_path.h"
#include "brood/system/daemon_log.h"
#include "http/site/epochs.h"
#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct server server_closed = {
	.pidfile.fd = -1,
	.control.fd = -1,
	.daemon.ready_fd = -1,
	.look.channel = -1,
	.ready_fd = -1,
};

void server_in_child(struct server *server, const struct setup *kept)
{
	struct setup *all[] = {&server->now, &server->next};

	server->pidfile.fd = server->control.fd = server->daemon.ready_fd = server->ready_fd = -1;
	server->inherited_count = 0;
	server->renewal = (struct renewal){0};
	reload_look_in_child(&server->look);
	log_files_forget(&server->logs);
	epochs_in_child(server->epochs);
	root_watch_in_child(&server->roots);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] == kept)
			continue;
		all[i]->certificates = (struct certificates){0};
		for (size_t site = 0; site < all[i]->sites.http.count; site++)
			all[i]->sites.http.list[site].root.fd = -1;
	}
}

int server_go_to_background(struct server *server)
{
	const struct config *config = server->now.config;
	char reason[TRUSTED_REASON_MAX];
	int error;

	if (config->error_log_is_found && daemon_log_make_folder(config->error_log, reason, sizeof(reason)) < 0) {
		log_error("the folder of error_log '%s': %s; name another file", config->error_log, reason);
		return -1;
	}
	error = daemon_start(&server->daemon, site_logs_to_output(config), strcmp(config->error_log, "stderr") == 0);
	if (error)
		log_error("cannot become a daemon: %s", strerror(-error));
	return error;
}

/* What the master says goes there at once and by itself: it must be heard also where there is no log process,
 * and nobody else is forked with it (log_forget_parent). */
static void say(void *context, const struct log_entry *entry)
{
	const struct server *server = context;
	int fd = log_files_fd(&server->logs, server->now.error_log);

	fd_expect(fd, FD_LOG);
	log_write(fd < 0 ? STDERR_FILENO : fd, entry);
}

void server_use_log(struct server *server)
{
	log_set_sink(say, server);
	log_set_level(server->now.config->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
}

void setup_close(struct setup *setup, struct log_files *logs)
{
	certificates_close(&setup->certificates);
	ticket_keys_forget(&setup->shared_tickets.keys);
	sites_close(&setup->sites);
	config_free(setup->config);
	mime_table_free(setup->mime);
	log_files_leave(logs, setup->error_log);
	site_logs_leave(&setup->access_logs, logs);
	free(setup->listen);
	*setup = (struct setup){0};
}

int setup_open(struct setup *setup, struct log_files *logs, const struct setup *before, bool keep, char *reason,
	       size_t room)
{
	const struct config *config = setup->config;

	if (sites_open(&setup->sites, config, reason, room) < 0 ||
	    certificates_open(&setup->certificates, config, before ? &before->certificates : NULL, keep, reason, room) <
		    0 ||
	    shared_tickets_open(&setup->shared_tickets, config, reason, room) < 0)
		return -1;
	setup->mime = mime_table_new(NULL);
	if (!setup->mime) {
		snprintf(reason, room, "no memory for the table of types");
		return -1;
	}
	setup->number = log_files_begin(logs);
	if (log_files_use(logs, LOG_KIND_MESSAGES, config->error_log, &setup->error_log, reason, room) < 0 ||
	    site_logs_open(&setup->access_logs, logs, config, reason, room) < 0)
		return -1;
	return 0;
}
