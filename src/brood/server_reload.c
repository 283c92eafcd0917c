/* SPDX-License-Identifier: MIT
 *
 * The transaction of a reload (server.h): the next configuration beside the one in force, until the cluster says
 * which of them stays. Master only. */
#include "brood/server.h"

#include "base/log.h"
#include "brood/config/config_balancer.h"

#include <stdio.h>

static void warn_start_only(void *context, const char *name)
{
	(void)context;
	log_warn("'%s' has changed: it takes effect at the next start", name);
}

int server_look(void *context)
{
	struct server *server = context;

	server_know_roots(server, server->keeps_certificates);
	return reload_look_begin(&server->look, server->options, &server->known);
}

int server_looked(void *context)
{
	struct server *server = context;

	return reload_look_hear(&server->look);
}

void server_look_away(void *context, char *what, size_t room)
{
	struct server *server = context;

	reload_look_end(&server->look, what, room);
}

int server_prepare(void *context, struct cluster_options *options, char *reason, size_t room)
{
	struct server *server = context;
	struct setup *next = &server->next;
	struct buffer text = {0};
	int error = server_load(server, &next->config, server->keeps_certificates, &text);

	if (error && text.used > 0) /* the last line's end is not part of the reason */
		snprintf(reason, room, "%.*s", (int)text.used - 1, text.data);
	buffer_free(&text);
	if (!error)
		error = setup_open(next, &server->logs, &server->now, server->keeps_certificates, reason, room);
	server->keeps_certificates = false;
	known_roots_free(&server->known); /* nobody opens any more */
	if (!error && server_cluster_options(server, next, options) < 0) {
		snprintf(reason, room, "no memory");
		error = -1;
	}
	if (error) {
		setup_close(next, &server->logs);
		log_files_settle(&server->logs, false);
		return -1;
	}
	root_watch_renew(&server->roots);
	certificates_tell(&next->certificates);
	tickets_begin(&server->ticket_keys, next->config);
	config_compare(server->now.config, next->config, warn_start_only, NULL);
	options->privilege = server->now.config->privilege; /* of the start: files are owned so */
	return 0;
}

void server_commit(void *context)
{
	struct server *server = context;
	struct setup old = server->now;

	renewal_cancel(&server->renewal);
	root_watch_renew(&server->roots);
	server->now = server->next;
	server->next = (struct setup){0};
	log_files_settle(&server->logs, true);
	server_use_log(server);
	config_balancer_warn(server->now.config);
	sites_part(&old.sites, &server->now.sites);
	setup_close(&old, &server->logs);
}

void server_abandon(void *context)
{
	struct server *server = context;

	root_watch_renew(&server->roots);
	sites_part(&server->next.sites, &server->now.sites);
	setup_close(&server->next, &server->logs);
	log_files_settle(&server->logs, false);
}

void server_use_config(void *context, bool next)
{
	struct server *server = context;

	server->chosen = next && server->next.config ? &server->next : &server->now;
}
