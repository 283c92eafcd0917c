/* SPDX-License-Identifier: MIT
 *
 * Accepting: a set of listening sockets in an event loop, used by workers (modes shared and reuseport)
 * and by the master (handoff). It never spins: whatever keeps a connection from being taken ends in a
 * pause with a timer. */
#ifndef BROOD_CLUSTER_IPC_ACCEPTOR_H
#define BROOD_CLUSTER_IPC_ACCEPTOR_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct acceptor;

enum acceptor_verdict {
	ACCEPTOR_GO_ON,
	ACCEPTOR_PAUSE, /* not now: look again after *pause_ms */
};

struct acceptor_handlers {
	/* Asked before each accept. `after_pause`: a pause is just over, and this is what has waited for
	 * its end. */
	enum acceptor_verdict (*may_accept)(void *context, bool after_pause, unsigned *pause_ms);
	/* Takes a connection: non-blocking, close-on-exec. `scarce`: it came by the reserve descriptor
	 * because this process has no other; it should be answered and closed. */
	void (*accepted)(void *context, int fd, unsigned listener, bool scarce);
	/* This process is out of descriptors, and somebody waits. True: one has been closed; false: that may
	 * happen in a moment. May be NULL. */
	bool (*relieve)(void *context);
	/* A batch is over: what was accepted may be sent on. May be NULL. */
	void (*settled)(void *context);
	/* Takes a listening socket that is no longer accepted on. NULL: it is closed. */
	void (*discard)(void *context, int fd);
};

/* NULL: no memory. `handlers` must outlive it. */
struct acceptor *acceptor_new(struct event_base *base, const struct acceptor_handlers *handlers, void *context);

/* Closes the sockets and frees. NULL is allowed. */
void acceptor_free(struct acceptor *acceptor);

/* Takes a listening socket; `listener` comes back with each connection, `group` names sockets that
 * are removed together. 0 or -ENOMEM (the fd is closed). */
int acceptor_add(struct acceptor *acceptor, int fd, unsigned listener, unsigned group)
	__attribute__((warn_unused_result));
void acceptor_remove_group(struct acceptor *acceptor, unsigned group);

/* Removes all sockets but those of these listeners, and looks also at those that did not listen so far. */
void acceptor_keep(struct acceptor *acceptor, const unsigned *listeners, size_t count);

/* Looks again at once, if it pauses. */
void acceptor_resume(struct acceptor *acceptor);

/* Takes all that is queued now, whatever may_accept says; before a listener is given up. */
void acceptor_take_queued(struct acceptor *acceptor);

#endif
