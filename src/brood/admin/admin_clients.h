/* SPDX-License-Identifier: MIT
 *
 * The admin process's clients: their connections, requests and answers, and all that keeps one of
 * them from being a burden to others. A client that says nothing or takes nothing is dropped after a
 * while; one that waits for a command's outcome may wait for ever. Admin only. */
#ifndef BROOD_BROOD_ADMIN_ADMIN_CLIENTS_H
#define BROOD_BROOD_ADMIN_ADMIN_CLIENTS_H

#include "control/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct event_base;
struct clients;

enum { CLIENTS_MAX = 128 };

/* A request that waits for its outcome. */
struct client_wait {
	uint64_t id;   /* never used twice, as cluster/ipc/command.h wants it; 0: none */
	uint32_t kind; /* for the handler to fill in */
};

struct client_handlers {
	/* A request has come. NULL: it will be answered by its id, later. Else why it is refused; the
	 * text is read at once. */
	const char *(*request)(void *context, const struct control_request *request, struct client_wait *wait);
	/* After clients_retire: the last one has gone. */
	void (*finished)(void *context);
};

/* Accepts on `fd` (taken, also when it fails) from root and from `owner`. NULL: no memory. */
struct clients *clients_new(struct event_base *base, int fd, uid_t owner, const struct client_handlers *handlers,
			    void *context);

/* Who waits for this outcome; NULL: nobody any more. The pointer lives until the next answer. */
const struct client_wait *clients_find(const struct clients *clients, uint64_t id);

/* Answers. An id that nobody waits for any more is fine. */
void clients_progress(struct clients *clients, uint64_t id, unsigned done, unsigned total, const char *text);
void clients_ok(struct clients *clients, uint64_t id, const json_t *result);
void clients_fail(struct clients *clients, uint64_t id, const char *reason);

/* Ids of all that wait, at most CLIENTS_MAX. Returns how many. */
size_t clients_waiting(const struct clients *clients, uint64_t ids[CLIENTS_MAX]);

/* Accepts no more, drops who asks for nothing, lets the others finish; then calls `finished`, at the
 * earliest from the loop. Patient: who has connected and not asked yet has a second for it. */
void clients_retire(struct clients *clients, bool patient);

#endif
