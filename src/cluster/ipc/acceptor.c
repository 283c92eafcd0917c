/* SPDX-License-Identifier: MIT
 *
 * Accepting (acceptor.h). Master and workers. */
#include "cluster/ipc/acceptor.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/list.h"
#include "base/log.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 64,         /* connections of one socket in one turn of the loop */
	SHORTAGE_MS = 100,  /* pause when descriptors or memory are short */
	DRAIN_MAX = 100000, /* an accept queue cannot be longer */
};

struct ear {
	struct list link;
	struct acceptor *acceptor;
	struct event *event;
	int fd;
	unsigned listener, group;
};

struct acceptor {
	struct event_base *base;
	const struct acceptor_handlers *handlers;
	void *context;
	struct list ears;
	struct event *timer; /* pending: a pause */
	struct fd_reserve reserve;
	bool shortage_said;
};

static bool pausing(const struct acceptor *acceptor)
{
	return evtimer_pending(acceptor->timer, NULL);
}

static void listen_again(struct acceptor *acceptor)
{
	for (struct list *at = acceptor->ears.next; at != &acceptor->ears; at = at->next)
		event_add(LIST_ENTRY(at, struct ear, link)->event, NULL);
}

static void pause_for(struct acceptor *acceptor, unsigned pause_ms)
{
	struct timeval delay = {pause_ms / 1000, (pause_ms % 1000) * 1000};

	for (struct list *at = acceptor->ears.next; at != &acceptor->ears; at = at->next)
		event_del(LIST_ENTRY(at, struct ear, link)->event);
	evtimer_add(acceptor->timer, &delay);
}

/* No descriptor is left: the reserve gives one connection its turn, so that even a process full of
 * connections goes on answering, slowly; then a pause. */
static void accept_scarce(struct ear *ear, int error)
{
	struct acceptor *acceptor = ear->acceptor;
	int fd = -1;

	if (!acceptor->shortage_said)
		log_warn("accepting slows down: %s (raise the limit of open files, or lower "
			 "max_connections)",
			 strerror(error));
	acceptor->shortage_said = true;
	if ((error == EMFILE || error == ENFILE) && fd_reserve_spend(&acceptor->reserve))
		fd = accept4(ear->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		acceptor->handlers->accepted(acceptor->context, fd, ear->listener, true);
	fd_reserve_fill(&acceptor->reserve);
	pause_for(acceptor, SHORTAGE_MS);
}

enum outcome { ACCEPTED, PASSED_OVER, NOTHING_LEFT, DEAF, SHORTAGE };

static enum outcome accept_one(struct ear *ear)
{
	int fd = accept4(ear->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		ear->acceptor->handlers->accepted(ear->acceptor->context, fd, ear->listener, false);
		return ACCEPTED;
	}
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return SHORTAGE;
	case EAGAIN:
	case EINTR: /* it would have waited */
		return NOTHING_LEFT;
	case EINVAL: /* not a listening socket: no longer, or not yet */
		return DEAF;
	default: /* that one connection failed before it was taken: accept(2), "Error handling" */
		return PASSED_OVER;
	}
}

/* Descriptors are short. NOTHING_LEFT: nobody waits, which accept does not tell then; ACCEPTED: one has been freed,
 * to try again with; SHORTAGE: a pause has begun. */
static enum outcome see_to_shortage(struct ear *ear, int error)
{
	struct acceptor *acceptor = ear->acceptor;
	struct pollfd one = {.fd = ear->fd, .events = POLLIN};

	if (poll(&one, 1, 0) == 0)
		return NOTHING_LEFT;
	if (acceptor->handlers->relieve && acceptor->handlers->relieve(acceptor->context))
		return ACCEPTED;
	accept_scarce(ear, error);
	return SHORTAGE;
}

/* Takes what is queued on one socket, as far as it may. False: a pause has begun. */
static bool accept_batch(struct ear *ear, bool after_pause)
{
	struct acceptor *acceptor = ear->acceptor;
	enum outcome outcome = ACCEPTED;
	unsigned pause_ms = 0;

	/* Whoever has a copy may have made it wait. */
	if (fd_set_nonblock(ear->fd, true) < 0)
		return true;
	for (int i = 0; i < BATCH && (outcome == ACCEPTED || outcome == PASSED_OVER); i++) {
		if (acceptor->handlers->may_accept(acceptor->context, after_pause, &pause_ms) == ACCEPTOR_PAUSE) {
			pause_for(acceptor, pause_ms);
			return false;
		}
		outcome = accept_one(ear);
		if (outcome == SHORTAGE)
			outcome = see_to_shortage(ear, errno);
		if (outcome == SHORTAGE)
			return false;
		if (outcome == DEAF) /* it would be "readable" for ever */
			event_del(ear->event);
	}
	return true;
}

static void settle(struct acceptor *acceptor)
{
	if (acceptor->handlers->settled)
		acceptor->handlers->settled(acceptor->context);
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
	struct ear *ear = argument;

	(void)fd, (void)what;
	accept_batch(ear, false);
	settle(ear->acceptor);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct acceptor *acceptor = argument;

	(void)fd, (void)what;
	fd_reserve_fill(&acceptor->reserve);
	listen_again(acceptor);
	for (struct list *at = acceptor->ears.next; at != &acceptor->ears; at = at->next)
		if (!accept_batch(LIST_ENTRY(at, struct ear, link), true))
			break;
	settle(acceptor);
}

struct acceptor *acceptor_new(struct event_base *base, const struct acceptor_handlers *handlers, void *context)
{
	struct acceptor *acceptor = calloc(1, sizeof(*acceptor));

	if (!acceptor)
		return NULL;
	acceptor->base = base;
	acceptor->handlers = handlers;
	acceptor->context = context;
	list_init(&acceptor->ears);
	acceptor->reserve.fd = -1;
	acceptor->timer = evtimer_new(base, on_timer, acceptor);
	if (!acceptor->timer) {
		free(acceptor);
		return NULL;
	}
	fd_reserve_fill(&acceptor->reserve);
	return acceptor;
}

static void ear_free(struct ear *ear)
{
	const struct acceptor *acceptor = ear->acceptor;

	list_remove(&ear->link);
	event_free(ear->event);
	if (acceptor->handlers->discard)
		acceptor->handlers->discard(acceptor->context, ear->fd);
	else
		fd_close(&ear->fd);
	free(ear);
}

void acceptor_free(struct acceptor *acceptor)
{
	if (!acceptor)
		return;
	while (!list_empty(&acceptor->ears))
		ear_free(LIST_ENTRY(acceptor->ears.next, struct ear, link));
	event_free(acceptor->timer);
	fd_close(&acceptor->reserve.fd);
	free(acceptor);
}

int acceptor_add(struct acceptor *acceptor, int fd, unsigned listener, unsigned group)
{
	struct ear *ear = calloc(1, sizeof(*ear));

	if (!ear)
		goto fail;
	ear->event = event_new(acceptor->base, fd, EV_READ | EV_PERSIST, on_ready, ear);
	if (!ear->event || (!pausing(acceptor) && event_add(ear->event, NULL) < 0))
		goto fail;
	fd_note(fd, FD_LISTENER);
	ear->acceptor = acceptor;
	ear->fd = fd;
	ear->listener = listener;
	ear->group = group;
	list_append(&acceptor->ears, &ear->link);
	return 0;
fail:
	if (ear && ear->event)
		event_free(ear->event);
	free(ear);
	fd_close(&fd);
	return -ENOMEM;
}

void acceptor_remove_group(struct acceptor *acceptor, unsigned group)
{
	struct list *at = acceptor->ears.next;

	while (at != &acceptor->ears) {
		struct ear *ear = LIST_ENTRY(at, struct ear, link);

		at = at->next;
		if (ear->group == group)
			ear_free(ear);
	}
}

static bool is_kept(const struct ear *ear, const unsigned *listeners, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (listeners[i] == ear->listener)
			return true;
	return false;
}

void acceptor_keep(struct acceptor *acceptor, const unsigned *listeners, size_t count)
{
	struct list *at = acceptor->ears.next;

	while (at != &acceptor->ears) {
		struct ear *ear = LIST_ENTRY(at, struct ear, link);

		at = at->next;
		if (!is_kept(ear, listeners, count))
			ear_free(ear);
	}
	if (!pausing(acceptor))
		listen_again(acceptor);
}

void acceptor_resume(struct acceptor *acceptor)
{
	if (!pausing(acceptor))
		return;
	evtimer_del(acceptor->timer);
	fd_reserve_fill(&acceptor->reserve);
	listen_again(acceptor);
}

void acceptor_take_queued(struct acceptor *acceptor)
{
	for (struct list *at = acceptor->ears.next; at != &acceptor->ears; at = at->next) {
		struct ear *ear = LIST_ENTRY(at, struct ear, link);
		enum outcome outcome = fd_set_nonblock(ear->fd, true) < 0 ? DEAF : ACCEPTED;

		for (int i = 0; i < DRAIN_MAX && (outcome == ACCEPTED || outcome == PASSED_OVER); i++)
			outcome = accept_one(ear);
	}
	settle(acceptor);
}
