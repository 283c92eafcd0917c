/* SPDX-License-Identifier: MIT
 *
 * The HTTP side of a worker: it is handed connected sockets and answers what comes on them with
 * files from below one root. It knows nothing of clusters, listeners or other processes; for tests
 * it runs on one end of a socketpair.
 *
 * One server per process, in the process's event loop. No call blocks on the network. The process
 * must ignore SIGPIPE.
 *
 *     RFC 9110 (semantics), RFC 9112 (HTTP/1.1); conditional requests 9110 section 13, ranges 14. */
#ifndef BROOD_HTTP_HTTP_H
#define BROOD_HTTP_HTTP_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

/* Defaults of the options below, and of settings that are called so. Plain numbers, which can be made texts. */
#define HTTP_HEAD_TIMEOUT_S      10
#define HTTP_BODY_TIMEOUT_S      30
#define HTTP_WRITE_TIMEOUT_S     60
#define HTTP_KEEPALIVE_TIMEOUT_S 75
#define HTTP_PROXY_TIMEOUT_S     5
#define HTTP_HANDSHAKE_TIMEOUT_S 10
#define HTTP_CLIENT_BURST        50
#define HTTP_CLIENT_PREFIX_IPV4  32
#define HTTP_CLIENT_PREFIX_IPV6  64

enum { HTTP_TARGET_SIZE_MAX = 8192 };

struct epochs;
struct event_base;
struct http_server;
struct http_site;
struct http_sites;
struct mime_table;
struct networks;
struct quota;
struct tls;
struct tls_facts;

/* Which fields of a trusted peer tell of the client. */
enum http_forwarded {
	HTTP_FORWARDED_AUTO,    /* X-Forwarded-For where it is there, else Forwarded */
	HTTP_FORWARDED_X_FOR,   /* X-Forwarded-For and X-Forwarded-Proto */
	HTTP_FORWARDED_RFC7239, /* Forwarded */
	HTTP_FORWARDED_OFF,
};

/* Limits that hold for all servers together that share `quota`. Members that are 0: no such limit,
 * or the default in brackets. */
struct http_limits {
	struct quota *quota;                 /* http/client/quota.h; borrowed; NULL: none of these limits */
	unsigned worker;                     /* this process's own number there */
	uint64_t client_requests_per_hour;   /* of one client, in the long run -> 429 */
	unsigned client_burst;               /* so many at once [HTTP_CLIENT_BURST] */
	uint64_t client_handshakes_per_hour; /* of TLS, at most as many at once as in ten seconds */
	unsigned client_connections;         /* of one client -> 429 */
	unsigned connections_max_total;      /* of all -> 503 */
	uint8_t client_prefix_ipv4;          /* leading bits that make a client one [HTTP_CLIENT_PREFIX_IPV4] */
	uint8_t client_prefix_ipv6;          /* [HTTP_CLIENT_PREFIX_IPV6] */
};

/* All-zero members mean the default in brackets. */
struct http_options {
	/* Total deadlines, in milliseconds; defaults above, as for the two below. */
	unsigned head_timeout_ms;      /* first octet to end of head; a connection that never
					  sent one is closed silently after it */
	unsigned body_timeout_ms;      /* a request body that is read to be discarded */
	unsigned write_timeout_ms;     /* without any progress of a response */
	unsigned keepalive_timeout_ms; /* idle between requests */

	/* Octets a second; 0: no limit. */
	unsigned min_receive_rate; /* of a head or a body, in all, after five seconds */
	unsigned min_send_rate;    /* taken of a response, in each write_timeout */

	/* Limits. */
	size_t head_size_max;   /* octets of one head, request line included [32768] -> 431 */
	size_t target_size_max; /* octets of the request target [HTTP_TARGET_SIZE_MAX] -> 414 */
	size_t head_fields_max; /* field lines [100] -> 431 */
	size_t discard_max;     /* octets of a request body that are read and dropped [16 MiB] */

	/* Clients behind proxies. */
	const struct networks *trusted; /* peers that are believed when they tell of a client [NULL:
					   nobody]; borrowed */
	enum http_forwarded forwarded;
	const struct networks *proxy_trusted; /* peers that may send a PROXY header [NULL: nobody];
						 borrowed */
	unsigned proxy_timeout_ms;            /* for that header; closed silently after it */
	struct http_limits limits;

	/* Who may ask for /-/health and /-/ready (health.h) [NULL: nobody]; borrowed. */
	const struct networks *health_allow;
	bool health_logged; /* these requests are in the log, too */
	bool request_ids;   /* each request has a name (request_id.h): in an X-Request-Id field of its
			       answer, and in the log */

	/* What is served. */
	const struct http_sites *sites; /* site.h; borrowed, must outlive the server; NULL: one */
	int root_fd;                    /* of that one: directory; borrowed as well */
	const struct mime_table *mime;  /* borrowed */
	struct epochs *epochs;          /* what all workers have seen last (epochs.h); borrowed; NULL: nobody
					   but this one serves these files */

	/* Cache of files, for this process. */
	size_t cache_entries;  /* [4096] */
	size_t cache_bytes;    /* bodies held in memory, all together [16 MiB] */
	size_t cache_body_max; /* a file up to this size is held in memory, a larger one goes by
				  sendfile [65536] */
	size_t cache_fds;      /* open files kept for sendfile [an eighth of RLIMIT_NOFILE, at most
				  1024] */

	/* For connections taken with HTTP_TAKE_TLS; borrowed, must outlive the server. */
	struct tls *tls;
	unsigned handshake_timeout_ms; /* until its handshake is over; closed after it */

	/* Which configuration's connections these are, from 1: it travels with one that moves away. 0: not
	 * known. */
	uint32_t origin;

	/* Value of an X-Brood-Worker field in each response; NULL for none. Copied. */
	const char *worker_tag;
};

/* One answered request, for an access log. Slices are valid during the call only; they are as
 * received, so the writer must escape. Empty slices: absent (what could not be parsed). */
struct http_log_entry {
	const struct http_site *site;  /* whose answer it was; NULL: refused before that was known */
	const struct sockaddr *client; /* the true one; family AF_UNIX for Unix sockets */
	const struct sockaddr *peer;   /* of the connection: the client, or a proxy */
	bool https;                    /* the client came by https, to us or, as a trusted peer says,
					  to a proxy */
	const struct tls_facts *tls;   /* of the connection; NULL: it is plain */
	time_t time;                   /* wall clock when the request was complete */
	struct slice request_line;     /* "GET /x HTTP/1.1" */
	struct slice host, referer, user_agent;
	unsigned status;
	uint64_t body_bytes;     /* of the response, sent */
	const char *reason;      /* why a request was refused ("no Host"), lasting; or NULL */
	struct slice request_id; /* empty: there are none */
	uint64_t first_us;       /* from first octet of the request seen to first of the answer written */
	uint64_t duration_us;    /* from first octet of the request seen to last of the answer written */
};

/* The most that moves with a connection, in octets. */
enum { HTTP_STATE_MAX = 49152 };

/* What the owner wants to hear. Members may be NULL. `log` and `idle` must not call the server; `closed` and
 * `moved` may, except for http_server_free. */
struct http_events {
	void *context;
	/* A connection that came by http_server_take or http_server_take_moved has ended, its fd is
	 * closed. May be called from within these. */
	void (*closed)(void *context);
	/* One that was idle gives way (http_server_make_room, connections_max_total): it counts as ended,
	 * without `closed` being called. Its fd is closed a little later, when the client has been given
	 * time to see that, and `parted` is called. */
	void (*parting)(void *context);
	void (*parted)(void *context);
	/* A connection that http_server_move_away wants gone leaves now. It counts as ended,
	 * without `closed` being called. The fd is the owner's from here on: not registered with
	 * the loop, neither shut down nor closed. `state`, at most HTTP_STATE_MAX octets that are
	 * valid during the call, is all that another server needs to go on: see
	 * http_server_take_moved. Called from the loop and from within http_server_tick. */
	void (*moved)(void *context, int fd, const void *state, size_t size);
	void (*log)(void *context, const struct http_log_entry *entry);
	/* So many connections are idle: told when that changes, but not from one request to the next. */
	void (*idle)(void *context, unsigned count);
};

struct http_stats {
	unsigned connections; /* open, all */
	unsigned idle;        /* of these, waiting for a request or PROXY header with nothing read of it */
	unsigned movable;     /* of these, about to leave (http_server_move_away) */
	uint64_t requests;    /* answered since the start */
	uint64_t refused;     /* connections and requests, for a limit that all share */
	unsigned evictable;   /* connections that could give way (http_server_make_room) */
	uint64_t evicted;     /* that have given way */
};

/* Returns NULL when there is no memory. `options` and `events` are copied. */
struct http_server *http_server_new(struct event_base *base, const struct http_options *options,
				    const struct http_events *events);

/* Closes what is open and frees all. */
void http_server_free(struct http_server *server);

enum http_take_flags {
	HTTP_TAKE_PROBE = 1,   /* the process's own self-test: neither logged nor counted, and
				  `closed` is not called for it */
	HTTP_TAKE_WAITING = 2, /* there are probably octets to read (deferred accept, handed over) */
	HTTP_TAKE_CLOSE = 4,   /* descriptors are scarce: one answer, then close */
	HTTP_TAKE_TLS = 8,     /* the client speaks TLS; options.tls must be there */
	HTTP_TAKE_PROXY = 16,  /* a header of the PROXY protocol must come first; otherwise none is
				 looked for */
	HTTP_TAKE_GIVEN = 32,  /* other processes have had the socket: it may not be non-blocking */
};

/* Takes a connected, non-blocking, close-on-exec stream socket; it is the server's from here on,
 * also on failure. With HTTP_TAKE_WAITING it is read and, as far as possible, answered before
 * anything is registered with the loop. */
void http_server_take(struct http_server *server, int fd, unsigned flags);

/* Has the default site a root at the moment (root_follow.h)? */
bool http_server_has_root(struct http_server *server);

/* To be called a few times a second: deadlines are swept, and files revalidated afterwards. */
void http_server_tick(struct http_server *server);

/* From now on each connection leaves by events.moved, which must be there, as soon as it can: one
 * that is idle or has sent part of a request at once (at most 128 of these in a turn of the loop),
 * any other one as soon as the answers it has coming are written, unless it is to be closed then.
 * Those taken meanwhile leave as well. What has been read of further requests goes along, up to
 * what fits; more is answered here first. After http_server_stop and
 * http_server_drain it does nothing. */
void http_server_move_away(struct http_server *server);

/* Takes a connection that has left this or another server, also one of another version, if
 * http_server_admits it, and goes on with it: requests that have been read are answered before this
 * returns, so is what has arrived since, and the client has what was left of its time (or this server's
 * own timeout, where that is shorter). The socket is as for http_server_take. Returns 0; -EINVAL when it
 * is not admitted or -ENOMEM, and the fd is still the caller's. */
int http_server_take_moved(struct http_server *server, int fd, const void *state, size_t size)
	__attribute__((warn_unused_result));

/* The same for one that this server gave away and nobody could take. It stays, whatever the others do:
 * its next answer says "Connection: close", or where further requests have been read by then, the last
 * of their answers does. */
int http_server_take_back(struct http_server *server, int fd, const void *state, size_t size)
	__attribute__((warn_unused_result));

/* A stop will begin soon: /-/ready says so from now on, and each answer says "Connection: close" and its connection is
 * closed after it in stages, so that few are idle when the stop comes; where further requests have been read by then,
 * the last of their answers does. Connections that are idle stay open for their next request (or until their
 * deadline). */
void http_server_announce_stop(struct http_server *server);

/* The same, and connections that are idle end: after a round trip more, since a request may be on its way, and not
 * before answers have told for a moment that each is the last; in stages, so that a request which has crossed that
 * sees a clean end. Requests in flight (also
 * half-read heads) go on, and so do TLS handshakes and those who have just done with theirs, for a second. */
void http_server_stop(struct http_server *server);

/* The same where it is not the whole server that stops: /-/ready goes on saying that it is ready. */
void http_server_drain(struct http_server *server);

/* A new connection needs the place of another: the one that is idle longest gives way. If something has come on
 * it by now it is answered instead, as its last request. False: none is idle. To be called until there is room,
 * or none is left. */
bool http_server_make_room(struct http_server *server);

/* Descriptors are short. True: one has been closed, of a connection that had given way before; false: a few idle
 * ones have been asked to, and may be closed in a moment. */
bool http_server_free_descriptor(struct http_server *server);

/* Closes every connection now, and returns how many of them had a request in flight. What has come on an idle one
 * is still answered, as far as its socket takes the answer at once. */
unsigned http_server_abort(struct http_server *server);

/* Whether http_server_take_moved would take a connection with that state: it understands it, and what is
 * demanded of clients here has been met where they began. */
bool http_server_admits(const struct http_server *server, const void *state, size_t size);

void http_server_get_stats(const struct http_server *server, struct http_stats *out);

/* Types by file name ending; read once by the master, shared by its children after fork. Reads
 * `path` (mime.types format; NULL: the system's /etc/mime.types) over a small built-in table.
 * A file that cannot be read leaves the built-in table. NULL when there is no memory. */
struct mime_table *mime_table_new(const char *path);
void mime_table_free(struct mime_table *table);

#endif
