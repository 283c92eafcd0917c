/* SPDX-License-Identifier: MIT
 *
 * See ticket_source.h. */
#include "brood/certificates/ticket_source.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/config/config_tls.h"
#include "brood/certificates/renewal.h"
#include "cluster/cluster.h"
#include "http/tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 1000 };

/* What workers are told. */
struct broadcast_tickets {
	uint32_t shared; /* from a file; a worker whose configuration has the other kind has no use for them */
	uint32_t count;
	struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX];
};

_Static_assert(sizeof(struct broadcast_tickets) <= CLUSTER_BROADCAST_MAX, "all keys are told at once");

static struct ticket_times times_of(const struct config *config)
{
	return (struct ticket_times){config->tls_ticket_lifetime_ms, config->tls_ticket_rotate_ms};
}

static uint32_t lifetime_s(const struct config *config)
{
	return (uint32_t)(config->tls_ticket_lifetime_ms / 1000);
}

static void tell(struct master *master, const struct ticket_keys *keys, bool shared)
{
	struct broadcast_tickets broadcast = {.shared = shared};

	broadcast.count = (uint32_t)ticket_keys_list(keys, broadcast.keys);
	cluster_broadcast(master, BROADCAST_TICKETS, &broadcast, sizeof(broadcast), NULL, 0);
	explicit_bzero(&broadcast, sizeof(broadcast));
}

/* --- our own --- */

void tickets_begin(struct ticket_keys *own, const struct config *config)
{
	const struct ticket_times times = times_of(config);

	if (config_tls_uses(config) && !config->tls_ticket_keys)
		(void)ticket_keys_rotate(own, &times, clock_now_ms());
}

static void rotate(struct ticket_keys *own, const struct config *config, struct master *master)
{
	const struct ticket_times times = times_of(config);
	uint64_t now_ms = clock_now_ms();

	if (now_ms >= ticket_keys_due_ms(own, &times) && ticket_keys_rotate(own, &times, now_ms)) {
		log_debug("session tickets: another key; %zu in all", own->count);
		tell(master, own, false);
	}
}

/* --- from a file --- */

/* 0, or -1 with a reason; then the keys are as before. */
static int read_keys(struct ticket_keys *keys, const char *path, char *reason, size_t room)
{
	char octets[(TLS_TICKET_KEYS_MAX + 1) * sizeof(struct tls_ticket_key)];
	char what[128] = "cannot be read";
	const char *why;
	int fd = pem_file_open(path, &why), rc = -1;
	ssize_t size;

	if (fd < 0) {
		snprintf(reason, room, "tls_ticket_keys '%s': %s", path, why);
		return -1;
	}
	size = read(fd, octets, sizeof(octets));
	fd_close(&fd);
	if (size >= 0)
		rc = ticket_keys_read(keys, octets, (size_t)size, clock_now_ms(), what, sizeof(what));
	if (rc < 0)
		snprintf(reason, room, "tls_ticket_keys '%s': %s", path, what);
	explicit_bzero(octets, sizeof(octets));
	return rc < 0 ? -1 : 0;
}

int shared_tickets_open(struct shared_tickets *out, const struct config *config, char *reason, size_t room)
{
	*out = (struct shared_tickets){0};
	if (!config_tls_uses(config) || !config->tls_ticket_keys)
		return 0;
	pem_file_stamp(config->tls_ticket_keys, &out->seen);
	return read_keys(&out->keys, config->tls_ticket_keys, reason, room);
}

static enum watch_event look_at_file(struct shared_tickets *shared, const char *path)
{
	struct pem_stamp before = shared->seen;

	pem_file_stamp(path, &shared->seen);
	return pem_stamp_equal(&before, &shared->seen) ? WATCH_SAME : WATCH_CHANGED;
}

static void read_again(struct shared_tickets *shared, const char *path, struct master *master)
{
	char reason[512];

	if (read_keys(&shared->keys, path, reason, sizeof(reason)) < 0) {
		(void)watch_happen(&shared->watch, WATCH_BAD);
		log_error("%s; the keys from before are used further on", reason);
		return;
	}
	(void)watch_happen(&shared->watch, WATCH_GOOD);
	(void)watch_happen(&shared->watch, WATCH_TAKEN); /* there is nothing about keys that a worker could refuse */
	log_info("tls_ticket_keys '%s': %zu key%s, used from now on", path, shared->keys.count,
		 shared->keys.count == 1 ? "" : "s");
	tell(master, &shared->keys, true);
}

void tickets_look(struct ticket_keys *own, struct shared_tickets *shared, const struct config *config,
		  struct master *master)
{
	const char *path = config->tls_ticket_keys;
	uint64_t now_ms = clock_now_ms();

	if (!config_tls_uses(config))
		return;
	if (!path) {
		rotate(own, config, master);
		return;
	}
	if (now_ms - shared->looked_ms < LOOK_MS)
		return;
	shared->looked_ms = now_ms;
	if (watch_happen(&shared->watch, look_at_file(shared, path)) == WATCH_CHECK)
		read_again(shared, path, master);
}

/* --- in a worker --- */

void tickets_use(struct ticket_keys *own, struct shared_tickets *shared, const struct config *config, struct tls *tls)
{
	struct tls_ticket_key keys[TLS_TICKET_KEYS_MAX];
	size_t count = ticket_keys_list(config->tls_ticket_keys ? &shared->keys : own, keys);

	tls_set_tickets(tls, keys, count, lifetime_s(config));
	explicit_bzero(keys, sizeof(keys));
	ticket_keys_forget(own);
	ticket_keys_forget(&shared->keys);
}

void tickets_take(const struct config *config, const void *data, size_t size, struct tls *tls)
{
	struct broadcast_tickets broadcast;

	if (size != sizeof(broadcast))
		return;
	memcpy(&broadcast, data, sizeof(broadcast));
	if ((broadcast.shared != 0) == (config->tls_ticket_keys != NULL) && broadcast.count <= TLS_TICKET_KEYS_MAX)
		tls_set_tickets(tls, broadcast.keys, broadcast.count, lifetime_s(config));
	explicit_bzero(&broadcast, sizeof(broadcast));
}
