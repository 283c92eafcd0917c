/* SPDX-License-Identifier: MIT
 *
 * One HTTP/1.1 client connection in an event loop: it asks, checks what is answered, and knows at
 * any moment whether a request of its own is outstanding. Whoever owns it is told what happens to
 * it and decides what to do next.
 *
 *     CLOSED --open--> CONNECTING --> IDLE --ask--> WAITING --full answer--> IDLE
 *        ^                 |            |              |
 *        +---- refused ----+--- ended --+---- ended ---+                                     */
#ifndef BROOD_PROVE_PROVE_CLIENT_H
#define BROOD_PROVE_PROVE_CLIENT_H

#include "prove/prove_answer.h"
#include "prove/counts.h"
#include "prove/prove_site.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/socket.h>

struct client;

/* Called from the loop, and from client_open and client_ask. */
struct client_events {
	void (*opened)(void *context, struct client *client); /* may ask */
	void (*refused)(void *context, struct client *client, int error);
	/* May ask again, unless answer.says_close: then the end follows. */
	void (*answered)(void *context, struct client *client);
	/* The connection is over; answer.worker is still that of the last full answer. */
	void (*ended)(void *context, struct client *client, enum counts_end how, bool outstanding);
};

enum { CLIENT_BUFFER = 65536 };

/* What all clients of a load have in common; outlives them. */
struct client_group {
	struct event_base *base;
	struct sockaddr_storage address;
	socklen_t address_size;
	char host[64]; /* for the Host field */
	const struct client_events *events;
	void *context;
	char buffer[CLIENT_BUFFER]; /* holds nothing between two calls */
};

enum client_state { CLIENT_CLOSED, CLIENT_CONNECTING, CLIENT_IDLE, CLIENT_WAITING };

struct client {
	struct client_group *group;
	enum client_state state;
	int fd;      /* -1 when closed */
	bool closes; /* asks with Connection: close, so that the end is our wish */
	struct event event;
	struct answer answer;
	struct answer_worker worker; /* who gave the last full answer on this connection */
	const char *problem;         /* of the last wrong answer, in words */
};

/* Makes a closed client. */
void client_init(struct client *client, struct client_group *group);

/* Connects. 0, or -errno when the fault is on our side (no descriptors, no ports); a refusal is
 * told by `refused`. */
int client_open(struct client *client) __attribute__((warn_unused_result));

/* Sends a GET for the file. The client is IDLE. */
void client_ask(struct client *client, const struct site_file *file);

/* Closes it without telling anybody. */
void client_close(struct client *client);

/* Ends it as if the server had done it that way. */
void client_give_up(struct client *client, enum counts_end how);

#endif
