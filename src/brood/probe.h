/* SPDX-License-Identifier: MIT
 *
 * A worker's self-test: before it is given connections it answers a real request, through all of its
 * own stack, on a socket pair in its own loop. Worker only. */
#ifndef BROOD_BROOD_PROBE_H
#define BROOD_BROOD_PROBE_H

struct event_base;
struct http_server;
struct probe;

/* Asks `server` for `path`; `done` is called once from the loop, with the status of the answer, or a
 * negative errno. The probe is freed by then. 0 or -errno. */
int probe_start(struct event_base *base, struct http_server *server, const char *path,
		void (*done)(void *context, int status), void *context) __attribute__((warn_unused_result));

#endif
