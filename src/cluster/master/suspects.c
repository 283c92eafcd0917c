/* SPDX-License-Identifier: MIT
 *
 * Who may have made a worker hang. No call of ours on a connection waits, unless somebody who has had it in his hands
 * keeps a copy and makes it wait (O_NONBLOCK, SO_LINGER: they belong to what copies share). So when a worker is found
 * in such a call, those from whom its connections came are ended with it, as far as they still live. Who they are
 * the master remembers here, and not where a worker can write. Master only. */
#include "cluster/master/suspects.h"

#include "base/log.h"
#include "cluster/master/worker_process.h"

#include <stdio.h>
#include <string.h>

/* Where there is no room the place of one that is gone is taken, else that of the one who came first. */
void suspects_note(struct worker_process *worker, uint64_t giver)
{
	unsigned place = worker->giver_next % WORKER_GIVERS_MAX;

	if (giver == 0 || giver == worker->serial)
		return;
	for (unsigned i = 0; i < WORKER_GIVERS_MAX; i++)
		if (worker->givers[i] == giver)
			return;
	for (unsigned i = 0; i < WORKER_GIVERS_MAX; i++)
		if (!worker_process_find(worker->master, worker->givers[i])) {
			place = i;
			break;
		}
	worker->givers[place] = giver;
	worker->giver_next = place + 1;
}

/* As the kernel names the place where it waits. */
static bool is_in_call_on_socket(const struct cluster_obituary *hang)
{
	static const char *const channels[] = {"wait_woken", "sk_",       "tcp_",        "unix_", "inet_",
					       "sock_",      "lock_sock", "__lock_sock", "skb_"};
	static const char *const frames[] = {"sk_stream_wait", "sk_wait", "tcp_", "sock_", "inet_", "unix_stream"};

	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
		if (strncmp(hang->wait_channel, channels[i], strlen(channels[i])) == 0)
			return true;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		if (strstr(hang->stack, frames[i]))
			return true;
	return false;
}

bool suspects_end(struct worker_process *worker, const struct cluster_obituary *hang)
{
	char *out = worker->own_why;
	size_t room = sizeof(worker->own_why), used = 0;

	if (!is_in_call_on_socket(hang))
		return false;
	for (unsigned i = 0; i < WORKER_GIVERS_MAX; i++) {
		struct worker_process *giver =
			worker->givers[i] ? worker_process_find(worker->master, worker->givers[i]) : NULL;

		if (!giver)
			continue;
		if (used == 0)
			used = (size_t)snprintf(
				out, room, "silent, in a call on a socket; ended with who gave it connections: slot");
		if (used < room)
			used += (size_t)snprintf(out + used, room - used, " %u", giver->slot);
		log_error("worker %u [%d] gave connections to worker %u [%d], which hangs in a call on a socket: "
			  "it is ended, too",
			  giver->slot, giver->pid, worker->slot, worker->pid);
		worker_process_kill(giver, KILL_SUSPECT);
	}
	return used > 0;
}
