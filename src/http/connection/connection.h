/* SPDX-License-Identifier: MIT
 *
 * One connection: a small state machine that reads requests, has them answered, writes the answers
 * and ends well. An idle connection holds no buffer.
 *
 *                    part of a head          rest of it
 *        +---------+ --------------> +------+ ---------+
 *   ---> | WAITING |                 | HEAD |          |
 *        +---------+ <-------------- +------+          v
 *          |     ^    all answered        request: answer staged, then written
 *          |     |                            |            |            |
 *  idle,   |     +----------------------------+            |            |
 *  client  |            all written                        |            |
 *  closes  |                             +---------+  too much  +---------+
 *          |            socket is full   | WRITING |  at once   | TURN    |
 *          v                             +---------+            +---------+
 *        closed                               |  last answer written |
 *          ^                                  v                      |
 *          |  client closed, time, octets  +-----------+             |
 *          +-----------------------------  | LINGERING | <-----------+
 *                                          +-----------+
 *
 * One that was idle and whose time is over lingers, too, since a request may be on its way.
 *
 * Between the last answer and LINGERING, or the end, is CONCLUDING where the stream has a last word of
 * its own (TLS) and the socket does not take it yet.
 *
 * One that must begin with a PROXY header is in the state PROXY before all this, and is closed
 * without a word when none comes, in time and well formed. One for which there is no room yet is OUTSIDE before that.
 *
 * Reading stops while there is something to write: a client that does not read its answers does not
 * get to ask for more.
 *
 * While all are to move away (http_server_move_away), PROXY, WAITING, HEAD and TURN are left for another
 * server. */
#ifndef BROOD_HTTP_CONNECTION_CONNECTION_H
#define BROOD_HTTP_CONNECTION_CONNECTION_H

#include "base/buffer.h"
#include "base/list.h"
#include "http/client/peer.h"
#include "http/client/quota.h"
#include "http/connection/deadline.h"
#include "http/connection/loop.h"
#include "http/connection/pace.h"
#include "http/message/guard.h"
#include "http/transport/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct send_queue;

enum {
	CONNECTION_LINGER_MS = 2000,
	CONNECTION_STOP_HANDSHAKE_MS = 1000, /* a handshake that a stop finds begun, and its request */
};

enum connection_state {
	CONNECTION_PROXY,      /* its PROXY header has not come, or not all of it */
	CONNECTION_WAITING,    /* nothing of a next request has been read */
	CONNECTION_HEAD,       /* part of a head has */
	CONNECTION_TURN,       /* more could be done at once, but others go first */
	CONNECTION_WRITING,    /* the socket takes no more */
	CONNECTION_CONCLUDING, /* all is written, and the socket takes no more to say so */
	CONNECTION_LINGERING,  /* all is said; waiting for the client to close */
	CONNECTION_OUTSIDE,    /* not let in yet (room.h): nothing is read */
	CONNECTION_STATES
};

/* What follows the answers that are staged or being written. */
enum connection_end {
	END_OPEN,   /* further requests */
	END_PLAIN,  /* close: the client asked for it */
	END_STAGED, /* close in stages: we decided so */
	END_IDLE,   /* the same, and no answer was the last one: nothing has been asked */
	END_BODY,   /* the same, and what comes meanwhile is a body that nobody wants */
};

/* What comes before requests. */
enum prelude {
	PRELUDE_NONE,
	PRELUDE_TLS,
	PRELUDE_PROXY,     /* a PROXY header */
	PRELUDE_PROXY_TLS, /* the one, and the other behind it */
};

enum connection_kind {
	KIND_CLIENT,
	KIND_RETURNED, /* a client's that nobody takes: it leaves no more, and its next answer is its last */
	KIND_PROBE,    /* our own: not counted, not logged */
};

/* As what it is counted, beside among all. */
enum connection_count {
	COUNTED_BUSY,
	COUNTED_MUTE,    /* idle, and it has never said anything (idle.h) */
	COUNTED_KEPT,    /* idle, between requests */
	COUNTED_PARTING, /* it has given way (evict.h) */
	COUNTED_REFUSED, /* turned away */
};

struct connection {
	struct event event;
	struct http_server *server;
	struct deadline deadline;
	struct list link;         /* in one of http_server's lists */
	struct list rest;         /* while it is idle, parts or is outside: among those that are, too */
	struct buffer input;      /* read but not used yet: part of a head, or requests held back */
	struct guard guard;       /* of the head that comes next */
	struct send_queue *queue; /* answers that the socket has not taken, or NULL */
	uint64_t start_us;        /* when the octets in work were read; only for the log */
	uint64_t linger_until_ms;
	uint64_t head_until_ms; /* the head that has begun must be whole by then */
	uint64_t sent;          /* octets given to the socket */
	struct pace pace;       /* of a head or body that comes, of a response that is taken */
	size_t discarded;       /* octets, while lingering */
	struct stream stream;   /* its socket is ours */
	int unacknowledged;     /* octets in the socket when the deadline for writing was set */
	unsigned answered;      /* requests, wraps */
	uint32_t origin;        /* of the server that accepted it; see migration_state.h */
	struct quota_hold hold; /* of the limits that all share */
	enum connection_state state;
	enum connection_end end;
	short watching; /* EV_READ, EV_WRITE, or 0: not registered */
	enum connection_kind kind;
	enum prelude prelude;
	enum connection_count counted;
	bool movable;     /* idle, and counted among those that could move */
	bool last;        /* its next answer is its last (HTTP_TAKE_CLOSE) */
	bool emptied;     /* one read got all that there was */
	struct peer peer; /* whom requests come from, or a proxy */
};

/* Lets the others go first. 0 or -ENOMEM. */
int connection_put_off(struct connection *connection) __attribute__((warn_unused_result));
/* There is no room for it yet (room.h). */
void connection_wait_outside(struct connection *connection);

/* From here on: any of these may close the connection, which is gone then. */

void connection_take_turn(struct connection *connection);
void connection_expire(struct connection *connection);
/* It is let in: begins. `reads`: something may have come. */
void connection_begin(struct connection *connection, bool reads);
/* It has moved here, with what was read of it: goes on. */
void connection_resume(struct connection *connection);
/* It is not let in: it is over before it begins. */
void connection_turn_away(struct connection *connection, enum quota_kind kind);
/* One that waits: reads and answers what is in the socket by now. */
void connection_read(struct connection *connection);
/* One that waits: nothing has come that is to be answered, and nothing more will. */
void connection_part(struct connection *connection, enum connection_end end);
/* If it waits for the client: moves away, unless more has been read than fits. */
void connection_leave(struct connection *connection);
void connection_close(struct connection *connection);
/* Ends it, whatever goes on, or takes it a step nearer to its end: what has come on an idle one by now is answered
 * first. To be called until it is gone. Returns whether a request was cut by that. */
bool connection_abort(struct connection *connection);

static inline bool connection_awaits_proxy(const struct connection *connection)
{
	return connection->prelude >= PRELUDE_PROXY;
}

/* It has not begun, and is what comes now, or behind the PROXY header. */
static inline bool connection_awaits_tls(const struct connection *connection)
{
	return connection->prelude == PRELUDE_TLS || connection->prelude == PRELUDE_PROXY_TLS;
}

static inline bool connection_is_idle(const struct connection *connection)
{
	return connection->counted == COUNTED_MUTE || connection->counted == COUNTED_KEPT;
}

static inline struct connection *connection_of_link(struct list *link)
{
	return LIST_ENTRY(link, struct connection, link);
}

static inline struct connection *connection_of_stream(struct stream *stream)
{
	return LIST_ENTRY(stream, struct connection, stream);
}

static inline struct connection *connection_of_deadline(struct deadline *deadline)
{
	return LIST_ENTRY(deadline, struct connection, deadline);
}

#endif
