/* SPDX-License-Identifier: MIT
 *
 * All of the admin's clients: who is let in, and how long they may stay (admin_clients.h). Admin only. */
#include "brood/admin/admin_clients.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/admin/admin_client.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { SWEEP_MS = 500, ACCEPT_BATCH = 32 };

static void finish_if_last(struct clients *clients)
{
	if (clients->retiring && clients->count == 0)
		clients->handlers->finished(clients->context);
}

/* Half a second is exact enough for limits of this kind. */
static void on_sweep(evutil_socket_t fd, short what, void *argument)
{
	struct clients *clients = argument;
	uint64_t now_ms = clock_now_ms();

	(void)fd, (void)what;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i])
			admin_client_check(clients->all[i], now_ms);
	}
	if (!clients->retiring)
		event_add(clients->acceptable, NULL); /* if it was taken out for want of descriptors */
	finish_if_last(clients);
}

static struct client *add_client(struct clients *clients, int fd)
{
	struct client *client = admin_client_new(clients, fd);
	size_t place = 0;

	if (!client)
		return NULL;
	while (clients->all[place])
		place++;
	clients->all[place] = client;
	clients->count++;
	return client;
}

static bool is_allowed(struct client *client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	client->pid = peer.pid;
	return peer.uid == 0 || peer.uid == client->clients->owner;
}

/* A client that has hung up may not have been heard of yet. */
static void make_room(struct clients *clients)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i] && admin_client_is_gone(clients->all[i]))
			admin_client_drop(clients->all[i]);
	}
}

/* Takes fd. */
static void welcome(struct clients *clients, int fd)
{
	static const char full[] = "{\"ok\":false,\"reason\":\"too many clients\"}\n";
	struct client *client = NULL;

	if (clients->count == CLIENTS_MAX)
		make_room(clients);
	if (clients->count < CLIENTS_MAX)
		client = add_client(clients, fd);
	if (!client) {
		if (send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			log_debug("a client too many: %m");
		fd_close(&fd);
		return;
	}
	if (!is_allowed(client))
		admin_client_part_with(client, "only root and the server's owner may give commands");
	admin_client_advance(client);
}

static void on_acceptable(evutil_socket_t fd, short what, void *argument)
{
	struct clients *clients = argument;

	(void)what;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (taken >= 0) {
			welcome(clients, taken);
			continue;
		}
		/* Out of descriptors or memory: asking again at once would spin. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			event_del(clients->acceptable);
		return;
	}
}

struct clients *clients_new(struct event_base *base, int fd, uid_t owner, const struct client_handlers *handlers,
			    void *context)
{
	struct timeval interval = {0, SWEEP_MS * 1000};
	struct clients *clients = calloc(1, sizeof(*clients));

	if (!clients) {
		fd_close(&fd);
		return NULL;
	}
	*clients = (struct clients){.base = base, .fd = fd, .owner = owner, .handlers = handlers, .context = context};
	clients->acceptable = event_new(base, fd, EV_READ | EV_PERSIST, on_acceptable, clients);
	clients->sweep = event_new(base, -1, EV_PERSIST, on_sweep, clients);
	if (clients->acceptable && clients->sweep && event_add(clients->acceptable, NULL) == 0 &&
	    event_add(clients->sweep, &interval) == 0)
		return clients;
	if (clients->acceptable)
		event_free(clients->acceptable);
	if (clients->sweep)
		event_free(clients->sweep);
	fd_close(&clients->fd);
	free(clients);
	return NULL;
}

static struct client *find(const struct clients *clients, uint64_t id)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = clients->all[i];

		if (client && client->state == WAITING && client->wait.id == id)
			return client;
	}
	return NULL;
}

const struct client_wait *clients_find(const struct clients *clients, uint64_t id)
{
	const struct client *client = find(clients, id);

	return client ? &client->wait : NULL;
}

void clients_progress(struct clients *clients, uint64_t id, unsigned done, unsigned total, const char *text)
{
	struct client *client = find(clients, id);

	if (client)
		admin_client_progress(client, done, total, text);
}

void clients_ok(struct clients *clients, uint64_t id, const json_t *result)
{
	struct client *client = find(clients, id);

	if (client)
		admin_client_ok(client, result);
}

void clients_fail(struct clients *clients, uint64_t id, const char *reason)
{
	struct client *client = find(clients, id);

	if (client)
		admin_client_fail(client, reason);
}

size_t clients_waiting(const struct clients *clients, uint64_t ids[CLIENTS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i] && clients->all[i]->state == WAITING)
			ids[count++] = clients->all[i]->wait.id;
	}
	return count;
}

void clients_retire(struct clients *clients, bool patient)
{
	if (clients->retiring)
		return;
	clients->retiring = true;
	clients->patient = patient;
	event_del(clients->acceptable);
	fd_close(&clients->fd);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients->all[i])
			admin_client_retire(clients->all[i]);
	}
	event_active(clients->sweep, EV_TIMEOUT, 0);
}
