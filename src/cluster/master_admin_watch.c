/* SPDX-License-Identifier: MIT
 *
 * Looking after the admin process: it is asked for a sign of life a few times a second, and what comes of that is the
 * heartbeat for watchdog.c, as a worker's is for master_watchdog.c. One of a former version that knows of no such
 * question is not watched; it is replaced soon. Master only. */
#include "cluster/master.h"

#include "base/clock.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/command.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* Not before the last one came back: one that stands still is not to be found under a heap of them. */
void admin_ping(struct admin *admin)
{
	struct admin_ping message = {.number = admin->pings + 1};
	struct brood_frame frame = {.type = MESSAGE_PING, .data = &message, .size = sizeof(message)};

	if (admin->channel && admin->pings == admin->pongs && brood_channel_try(admin->channel, &frame) == 0)
		admin->pings++;
}

/* It is asked before the first tick, so that it is known soon to have begun. */
void admin_watch_new(struct admin *admin)
{
	admin->started_ms = clock_now_ms();
	admin->is_ours = true;
	admin->answers = false;
	admin->pings = admin->pongs = 0;
	admin->watchdog = (struct watchdog){0};
	admin_ping(admin);
}

void admin_pong(struct master *master, const void *data, size_t size)
{
	struct admin *admin = &master->admin;
	struct admin_ping message;

	if (size != sizeof(message))
		return;
	memcpy(&message, data, sizeof(message));
	if (message.number != admin->pings)
		return;
	admin->pongs = message.number;
	admin->answers = true;
	if (!outcomes_heard(admin))
		admin_ping(admin);
}

static void give_up(struct admin *admin, unsigned long long silence_ms)
{
	struct cluster_obituary how = {.pid = admin->pid};

	obituary_inspect(&how, admin->pid);
	log_error("the admin process [%d] has been silent for %llu.%03llu s%s%s: it is replaced", admin->pid,
		  silence_ms / 1000, silence_ms % 1000, how.wait_channel[0] ? ", in " : "", how.wait_channel);
	/* One that is stopped takes the first only when it goes on. */
	kill(admin->pid, SIGABRT);
	kill(admin->pid, SIGCONT);
}

void admin_watch(struct master *master, uint64_t now_ms, bool late)
{
	const struct cluster_options *options = &master->options;
	struct admin *admin = &master->admin;
	uint64_t silence_ms = watchdog_silence_ms(&admin->watchdog, now_ms);
	uint64_t limit_ms = options->watchdog_ms;

	if (admin->pid == 0)
		return;
	admin_ping(admin);
	/* It has its start, too, for which workers have as long. */
	if (!admin->answers && limit_ms > 0)
		limit_ms = admin->is_ours ? limit_ms + options->start_timeout_ms : 0;
	if (late)
		watchdog_forgive(&admin->watchdog, now_ms);
	switch (watchdog_look(&admin->watchdog, admin->pongs, now_ms, limit_ms)) {
	case WATCHDOG_NOTHING:
		break;
	case WATCHDOG_ABORT:
		give_up(admin, silence_ms);
		break;
	case WATCHDOG_KILL:
		log_warn("the admin process [%d] is silent, and SIGABRT did not end it: killing it", admin->pid);
		kill(admin->pid, SIGKILL); /* not reaped yet, so the number is its own */
		break;
	}
}
