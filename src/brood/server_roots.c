/* SPDX-License-Identifier: MIT
 *
 * Where the roots of a server's sites are, as its master knows it (server.h). Master only. */
#include "brood/server.h"

#include "base/clock.h"
#include "brood/config/options.h"

void server_look_at_roots(struct server *server)
{
	const struct root_scene scene = {
		.sites = {&server->now.sites, &server->next.sites},
		.epochs = server->epochs,
		.privilege = &server->now.config->privilege,
	};

	root_watch_look(&server->roots, &scene, clock_now_ms());
}

void server_know_roots(struct server *server, bool goes_on)
{
	if (goes_on)
		return;
	known_roots_free(&server->known);
	root_watch_stuck(&server->roots, &server->now.sites, &server->known);
}

int server_load(struct server *server, struct config **out, bool goes_on, struct buffer *reason)
{
	struct options options = *server->options;

	server_know_roots(server, goes_on);
	known_roots_move(&server->known, &server->look.found);
	options.known_roots = &server->known;
	return config_load(out, &options, reason);
}

int server_trouble(void *context, struct buffer *out)
{
	const struct server *server = context;

	return root_watch_trouble(&server->roots, &server->now.sites, out);
}
