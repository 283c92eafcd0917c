/* SPDX-License-Identifier: MIT
 *
 * A client for tests of connections: a server on one end of socket pairs, in a loop that the test
 * itself drives, with a clock that the test sets. Nothing here waits for time to pass. */
#ifndef BROOD_T_HTTP_TALK_H
#define BROOD_T_HTTP_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "http/http.h"

#include <event2/event.h>
#include <netinet/in.h>

enum { TALK_CLIENTS = 8, TALK_LOG = 2048 };

struct talk_client {
	int fd;
	struct buffer received;
	size_t read; /* octets that talk_answer has gone through */
	bool ended;  /* end of file has come */
	bool reset;  /* the connection was reset */
};

struct talk_record {
	unsigned status;
	uint64_t body_bytes;
	int family;
	char client[INET6_ADDRSTRLEN];
	char request_id[256];
	uint64_t first_us, duration_us;
	char line[128], host[64], referer[64], user_agent[64];
	const char *reason; /* lasts */
};

struct talk {
	char root[64];
	int root_fd;
	struct mime_table *mime;
	struct event_base *base;
	struct http_server *server;
	struct talk_client clients[TALK_CLIENTS];
	unsigned closed; /* calls of http_events.closed */
	unsigned logged;
	struct talk_record log[TALK_LOG];
	int sockets_send_size; /* SO_SNDBUF of the server's end; 0: as it is */
};

/* A response as it has come. */
struct answer {
	unsigned status;
	char *head; /* status line and fields, terminated by NUL; valid until the next talk_answer */
	struct slice body;
	bool close; /* Connection: close */
};

/* A root with index.html ("home\n"), small.txt ("0123456789"), kilo.txt (1 KiB), fifty.bin (50,000
 * octets, in memory) and large.bin (3,000,000 octets, by sendfile). Members of `options` that are
 * not zero hold. */
struct talk *talk_start(const struct http_options *options, bool log);
void talk_stop(struct talk *talk);

extern uint64_t talk_now_ms; /* what the server's clock says */

/* A connection of client number `number`. */
void talk_connect(struct talk *talk, unsigned number, unsigned flags);
void talk_hang_up(struct talk *talk, unsigned number);

/* Sends all of it, the loop running meanwhile. */
void talk_send(struct talk *talk, unsigned number, const char *data, size_t size);
void talk_say(struct talk *talk, unsigned number, const char *text);

/* Runs the loop until nothing more happens. With `receive`, all clients read what comes. */
void talk_run(struct talk *talk, bool receive);

/* After http_server_stop: so much later that what was idle then is told its end; nobody has read that yet. */
void talk_pass_stop(struct talk *talk);

/* The next whole answer; false when there is none. */
bool talk_answer(struct talk *talk, unsigned number, bool to_head, struct answer *out);

/* One that must be there, of this status. */
struct answer talk_expect(struct talk *talk, unsigned number, unsigned status);

/* Nothing has come that talk_answer has not given. */
void talk_expect_silence(struct talk *talk, unsigned number);

/* The value of a field, empty when there is none. */
struct slice answer_field(const struct answer *answer, const char *name);

struct http_stats talk_stats(struct talk *talk);

#endif
