/* SPDX-License-Identifier: MIT
 *
 * A configuration and what it needs opened (server.h). Master only. */
#include "brood/server.h"

#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>

const struct server server_closed = {
	.pidfile.fd = -1,
	.control.fd = -1,
	.daemon.ready_fd = -1,
	.ready_fd = -1,
};

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

int setup_open(struct setup *setup, struct log_files *logs, const struct setup *before, bool keep,
	       char *reason, size_t room)
{
	const struct config *config = setup->config;

	if (sites_open(&setup->sites, config, reason, room) < 0 ||
	    certificates_open(&setup->certificates, config, before ? &before->certificates : NULL,
			      keep, reason, room) < 0 ||
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
