/* SPDX-License-Identifier: MIT
 *
 * From the listeners of one configuration to those of the next, at its commit: what was quiet listens, workers are
 * told, and what goes is accepted on by the master until its last clients have come in. Master only. */
#include "cluster/master/leaving.h"

#include "base/clock.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/common.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/worker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

_Static_assert((int)CLUSTER_LISTEN_MAX <= (int)MESSAGE_BATCH, "one message for all listeners");

static void tell_workers(struct master *master)
{
	struct message_sockets message = {0};
	struct brood_frame frame = {.type = MESSAGE_LISTENERS, .data = &message, .size = sizeof(message)};

	message.count = (uint32_t)listeners_in_force(&master->listeners, message.listeners, MESSAGE_BATCH);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		worker_process_send(worker, &frame);
}

static void accept_on(struct master *master, const struct listener *listener)
{
	for (unsigned i = 0; i < listener->count; i++) {
		int copy = fcntl(listener->sockets[i], F_DUPFD_CLOEXEC, 3);

		if (!master->leaving_acceptor || copy < 0 ||
		    acceptor_add(master->leaving_acceptor, copy, listener->id, listener->id) < 0)
			log_error("cannot accept the last clients of %s: %s", listener->address.text, strerror(errno));
	}
}

static void close_due(struct master *master, uint64_t now_ms)
{
	if (master->leaving_acceptor)
		acceptor_take_queued(master->leaving_acceptor);
	for (unsigned i = 0; i < master->listeners.count && master->leaving_acceptor; i++) {
		const struct listener *listener = &master->listeners.all[i];

		if (listener_is_due(listener, now_ms))
			acceptor_remove_group(master->leaving_acceptor, listener->id);
	}
	listeners_part(&master->listeners, now_ms);
	if (leaving_any(master))
		return;
	acceptor_free(master->leaving_acceptor);
	master->leaving_acceptor = NULL;
}

bool leaving_any(const struct master *master)
{
	return listeners_leaving(&master->listeners) > 0;
}

void leaving_follow(struct master *master)
{
	if (!listeners_begin(&master->listeners, true))
		log_error("it is tried again until that works");
	tell_workers(master);
	if (listeners_leaving(&master->listeners) > LISTENERS_LEAVING_MAX)
		close_due(master, UINT64_MAX); /* what left before has to hurry */
	if (leaving_any(master) && !master->leaving_acceptor)
		master->leaving_acceptor = dispatch_new_acceptor(master);
	for (unsigned i = 0; i < master->listeners.count; i++) {
		struct listener *listener = &master->listeners.all[i];

		if (!listener->leaving || listener->due_ms != 0)
			continue;
		log_info("no longer listening on %s", listener->address.text);
		listener_step_aside(listener, clock_now_ms());
		accept_on(master, listener);
	}
}

void leaving_tick(struct master *master, uint64_t now_ms)
{
	if (!listeners_begin(&master->listeners, false))
		log_debug("an address is still not free");
	if (leaving_any(master))
		close_due(master, now_ms);
}

void leaving_end(struct master *master)
{
	if (leaving_any(master))
		close_due(master, UINT64_MAX);
}
