/* SPDX-License-Identifier: MIT
 *
 * The admin process as the master sees it: fork, channel, end. What it asks for is in commands.c, what it
 * is told of outcomes in pending.c. Master only. */
#include "cluster/master/admin_process.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/command.h"
#include "cluster/ipc/message.h"
#include "cluster/master/common.h"
#include "cluster/policy/program_call.h"
#include "cluster/upgrade/upgrade_master.h"
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

enum {
	AGAIN_MS = 1000, /* between an admin's death and the next one */
	LEAVE_MS = 3000, /* for its last clients' requests, and its answers */
	KEEP_MAX = 16,
};

static struct pulse_of pulse_of(const struct admin *admin)
{
	return (struct pulse_of){
		.name = "the admin process", .pid = admin->pid, .channel = admin->channel, .type = MESSAGE_PING};
}

void admin_ask_for_sign(struct admin *admin)
{
	struct pulse_of process = pulse_of(admin);

	pulse_ask(&admin->pulse, &process);
}

void admin_watch(struct master *master, uint64_t now_ms, bool late)
{
	const struct cluster_options *options = &master->options;
	struct pulse_of process = pulse_of(&master->admin);

	if (process.pid > 0)
		pulse_look(&master->admin.pulse, &process, now_ms, options->watchdog_ms, options->start_timeout_ms,
			   late);
}

void admin_say(struct master *master, const struct brood_frame *frame)
{
	struct admin *admin = &master->admin;

	/* One that does not read is of no use to anybody; its successor is. */
	if (admin->channel && brood_channel_send(admin->channel, frame) == -ENOBUFS)
		kill(admin->pid, SIGKILL);
}

/* --- the process --- */

struct admin_life {
	struct master *master;
	int channel;
	struct log_birth log;
};

static int live(void *context)
{
	const struct admin_life *life = context;
	const struct master *master = life->master;
	struct log_outlet outlet;

	if (log_outlet_open(&outlet, &life->log) < 0)
		return CLUSTER_EXIT_RESOURCES;
	return master->program->admin.run(master->program->context, life->channel, master->boards, master->slot_room);
}

static pid_t fork_admin(struct master *master, int channel)
{
	struct admin_life life = {.master = master, .channel = channel};
	size_t room = 3 + master->slot_room * BOARD_RECORDS + KEEP_MAX, count = 0;
	struct brood_process_options options = {.main = live, .context = &life, .title = CLUSTER_CHILD_NAME "admin"};
	int *kept = malloc(room * sizeof(int)), error;
	struct log_source *source;
	pid_t pid;

	if (!kept)
		return -ENOMEM;
	error = logger_add_source(master, "admin", NULL, &life.log, &source);
	if (error) {
		free(kept);
		return error;
	}
	kept[count++] = channel;
	kept[count++] = life.log.queue;
	kept[count++] = life.log.pipe;
	count += master_keep_boards(master, kept + count);
	count += PROGRAM_CALL(master->program, 0, master.admin_fds, kept + count, room - count);
	options.keep_fds = kept;
	options.keep_count = count;
	pid = brood_process_fork(&options);
	logger_source_born(master, source, &life.log, pid);
	free(kept);
	return pid;
}

/* Also while it stops, since people wait for that; but who has something to say has to be there before the log
 * process comes to its end. */
static bool is_wanted(const struct master *master)
{
	return master->state == MASTER_RUNNING ||
	       (master->state == MASTER_STOPPING && master->logger.phase == LOGGER_RUNNING);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct master *master = argument;

	(void)fd, (void)what;
	if (is_wanted(master))
		admin_start(master);
}

static void lose(struct admin *admin)
{
	brood_channel_free(admin->channel);
	admin->channel = NULL;
}

void admin_start(struct master *master)
{
	struct admin *admin = &master->admin;
	struct timeval later = {AGAIN_MS / 1000, 0};
	struct pulse_of process;
	int ends[2];

	if (!master->program->admin.run)
		return;
	if (!admin->timer)
		admin->timer = evtimer_new(master->base, on_timer, master);
	if (!admin->timer || brood_channel_pair(ends) < 0)
		goto fail;
	if (brood_channel_open(&admin->channel, master->base, ends[0], admin->handlers, master) < 0) {
		fd_close(&ends[1]);
		goto fail;
	}
	admin->pid = fork_admin(master, ends[1]);
	fd_close(&ends[1]);
	admin->started_ms = clock_now_ms();
	process = pulse_of(admin);
	pulse_begin(&admin->pulse, &process);
	if (admin->pid > 0)
		return;
	admin->pid = 0;
	lose(admin);
fail:
	log_error("cannot start the admin process; trying again");
	if (admin->timer)
		evtimer_add(admin->timer, &later);
}

enum admin_end admin_ended(struct master *master, const struct brood_process_end *end)
{
	struct admin *admin = &master->admin;
	struct timeval later = {AGAIN_MS / 1000, 0};
	bool leaves = admin->leaving_ms != 0;
	char how[64];

	if (admin->pid == 0 || end->pid != admin->pid)
		return ADMIN_IS_ANOTHER;
	brood_process_describe(end, how, sizeof(how));
	if (master->state == MASTER_RUNNING && !leaves)
		log_warn("the admin process died: %s", how);
	admin->pid = 0;
	lose(admin);
	admin->renew = false;
	admin->leaving_ms = 0;
	/* Whoever waited for an outcome waits for the next one now. */
	if (is_wanted(master) && (leaves || clock_now_ms() - admin->started_ms >= AGAIN_MS))
		admin_start(master);
	else if (is_wanted(master))
		evtimer_add(admin->timer, &later);
	return leaves ? ADMIN_HAS_LEFT : ADMIN_DIED;
}

/* The admin of the former version leaves once nobody waits for an outcome; what it was asked before is
 * answered. Whoever connects meanwhile waits for its successor, so that clients that hang must not hold
 * it up. */
void admin_tick(struct master *master, uint64_t now_ms)
{
	struct brood_frame leave = {.type = MESSAGE_DRAIN};
	struct admin *admin = &master->admin;

	if (!admin->renew)
		return;
	if (admin->leaving_ms == 0 && admin->pending_count == 0) {
		admin->leaving_ms = now_ms;
		admin_say(master, &leave);
	} else if (admin->leaving_ms != 0 && admin->pending_count > 0) {
		admin->leaving_ms = now_ms; /* asked at the last moment: these are answered, too */
	} else if (admin->leaving_ms != 0 && now_ms - admin->leaving_ms >= LEAVE_MS) {
		kill(admin->pid, SIGKILL);
	}
}

void admin_renew(struct master *master)
{
	master->admin.renew = master->admin.pid > 0;
}

void admin_close(struct admin *admin)
{
	lose(admin);
	if (admin->timer)
		event_free(admin->timer);
}

/* --- from one version to another --- */

void admin_save(const struct master *master, struct upgrade_writer *writer)
{
	const struct admin *admin = &master->admin;
	struct upgrade_admin saved = {
		.pid = admin->pid,
		.channel = admin->channel ? upgrade_keep_fd(writer, brood_channel_fd(admin->channel)) : -1,
		.leaves = admin->leaving_ms != 0,
	};

	upgrade_put(writer, RECORD_ADMIN, &saved, sizeof(saved));
}

int admin_restore(struct master *master, pid_t pid, int channel, bool leaves)
{
	struct admin *admin = &master->admin;

	admin->pid = pid;
	admin->renew = leaves;
	admin->pulse = (struct pulse){0};
	admin->leaving_ms = leaves ? clock_now_ms() : 0;
	admin->timer = evtimer_new(master->base, on_timer, master);
	if (!admin->timer)
		return -ENOMEM;
	if (channel < 0)
		return 0;
	return brood_channel_open(&admin->channel, master->base, channel, admin->handlers, master);
}
