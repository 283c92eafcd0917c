/* SPDX-License-Identifier: MIT
 *
 * One of the admin's clients, and what all of them have in common. Private to admin_client.c and to admin_clients.c,
 * which calls the other. */
#ifndef BROOD_BROOD_ADMIN_ADMIN_CLIENT_H
#define BROOD_BROOD_ADMIN_ADMIN_CLIENT_H

#include "base/buffer.h"
#include "brood/admin/admin_clients.h"

struct event;

enum client_state { READING, WAITING, LEAVING };

struct client {
	struct clients *clients;
	int fd;
	pid_t pid; /* 0: it cannot be seen from here */
	struct event *readable, *writable;
	enum client_state state;
	bool ended;           /* it sends no more; it may still read */
	bool listening;       /* `readable` is in the loop */
	bool has_asked;       /* at least once */
	uint64_t deadline_ms; /* for a request, or for taking what is unsent */
	struct client_wait wait;
	struct buffer unsent;
	size_t used; /* of input */
	char input[CONTROL_REQUEST_MAX];
};

struct clients {
	struct event_base *base;
	const struct client_handlers *handlers;
	void *context;
	uid_t owner;
	int fd;
	struct event *acceptable, *sweep;
	bool retiring, patient;
	unsigned count;
	uint32_t last_id;
	struct client *all[CLIENTS_MAX]; /* NULL: free */
};

/* With nothing asked yet, in no list; takes fd. NULL: no memory, and the fd is still the caller's. */
struct client *admin_client_new(struct clients *clients, int fd);

/* Gone, from the list too. */
void admin_client_drop(struct client *client);

/* Both directions are shut: nobody reads what is sent. (A client that only ended its own side, as
 * "nc -N" does, still waits.) */
bool admin_client_is_gone(const struct client *client);

/* Its last words, at most. */
void admin_client_part_with(struct client *client, const char *reason);

/* Does all that can be done for a client now; it may be gone afterwards, as after all that follow. */
void admin_client_advance(struct client *client);

/* What it waits for. */
void admin_client_progress(struct client *client, unsigned done, unsigned total, const char *text);
void admin_client_ok(struct client *client, const json_t *result);
void admin_client_fail(struct client *client, const char *reason);

/* Is its time up, or has it left? */
void admin_client_check(struct client *client, uint64_t now_ms);

/* Once clients->retiring is set: it goes unless it waits for something, or may still ask. */
void admin_client_retire(struct client *client);

#endif
