/* SPDX-License-Identifier: MIT
 *
 * The first listeners (listeners.h). When a master was killed, its workers stop listening at once, but not before they
 * have learnt of it; a server that is started in that moment waits for them, as there is nothing else that it could do.
 * Master only. */
#include "cluster/ipc/listeners.h"

#include "base/clock.h"
#include "base/ending.h"
#include "base/log.h"
#include "base/socket_holder.h"

#include <errno.h>

enum { FREE_MS = 200 /* nobody has it; so it was taken a moment ago */ };

/* Is it only those who are about to leave that have what is to be had? What was inherited is taken by the first try. */
static enum socket_prospect prospect(const struct cluster_options *options)
{
	enum socket_prospect worst = SOCKET_FREE;

	for (size_t i = 0; i < options->listen_count; i++) {
		enum socket_prospect one = options->listen[i].fd >= 0
						   ? SOCKET_TAKEN
						   : socket_prospect(&options->listen[i].address, CLUSTER_CHILD_NAME);

		worst = one > worst ? one : worst;
	}
	return worst;
}

int listeners_start(struct listeners *listeners, const struct cluster_options *options, char *reason, size_t room)
{
	void (*discard)(void *, int) = listeners->discard;
	uint64_t begun_ms = clock_now_ms();
	bool told = false;
	int error;

	listeners->discard = NULL; /* nobody has copies yet, and what is tried again must be closed by then */
	while ((error = listeners_prepare(listeners, options, reason, room)) == -EADDRINUSE) {
		enum socket_prospect now = prospect(options);

		if (now == SOCKET_TAKEN || (now == SOCKET_FREE && !told && clock_now_ms() - begun_ms > FREE_MS))
			break;
		if (now == SOCKET_LEFT && !told)
			log_info("waiting for the workers of a server that has gone: %s", reason);
		told |= now == SOCKET_LEFT;
		if (!ending_wait(begun_ms))
			break;
	}
	listeners->discard = discard;
	if (error)
		return error;
	listeners_commit(listeners);
	return 0;
}
