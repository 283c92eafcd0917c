/* SPDX-License-Identifier: MIT
 *
 * The line that says that the server is ready, for people and scripts. */
#ifndef BROOD_BROOD_READY_LINE_H
#define BROOD_BROOD_READY_LINE_H

struct buffer;
struct listeners;
struct server;

/* "brood: ready on http://127.0.0.1:8000 http://[::1]:8000 (4 workers, shared, pid 4711)" */
int ready_line(struct buffer *line, const struct server *server, const struct listeners *listeners, unsigned workers)
	__attribute__((warn_unused_result));

#endif
