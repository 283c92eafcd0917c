/* SPDX-License-Identifier: MIT
 *
 * Upgrade in place. The binary is opened once; a child executes it with a copy of the whole state and has
 * to understand it; then the master executes it itself, and is the same process with the same sockets and
 * the same workers, which a roll then replaces. Whatever fails before that is told and changes nothing.
 *
 *     IDLE --asked--> WAITING --no roll runs--> TRYING --understood--> READY --nothing queued--> exec
 *       ^                                          |                     |
 *       +------------------ failed ----------------+---------------------+
 *
 * The new image's side is in upgrade.c. Master only. */
#include "cluster/master/upgrading.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "brood/channel.h"
#include "cluster/master/common.h"
#include "cluster/master/leaving.h"
#include "cluster/master/pending.h"
#include "cluster/master/rolling.h"
#include "cluster/master/save.h"
#include "cluster/policy/program_call.h"
#include "cluster/upgrade/upgrade.h"
#include "proc/execute.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRY_MS = 10000, QUEUED_MS = 2000, NAME_ROOM = 64, READS_PER_TURN = 64 };

/* --- the end of an attempt --- */

static void forget(struct upgrade *upgrade)
{
	if (upgrade->pid > 0)
		kill(upgrade->pid, SIGKILL); /* not reaped yet, so the number is its own */
	if (upgrade->readable)
		event_free(upgrade->readable);
	if (upgrade->output > 0)
		fd_close(&upgrade->output);
	if (upgrade->binary > 0)
		fd_close(&upgrade->binary);
	*upgrade = (struct upgrade){.phase = UPGRADE_IDLE};
}

void upgrading_cancel(struct master *master)
{
	forget(&master->upgrade);
}

static void fail(struct master *master, const char *reason)
{
	enum roll_kind kind = master->again_kind;

	master->report = (struct roll_report){.kind = ROLL_KIND_UPGRADE};
	snprintf(master->report.reason, sizeof(master->report.reason), "%s", reason);
	forget(&master->upgrade);
	rolling_tell_failure(master);
	pending_upgrade_failed(master, master->report.reason);
	master->again_kind = ROLL_KIND_NONE;
	if (kind != ROLL_KIND_NONE)
		rolling_begin(master, kind);
}

static void fail_for(struct master *master, const char *what, int error)
{
	char reason[REPORT_REASON_MAX];

	snprintf(reason, sizeof(reason), "%s: %s", what, strerror(error));
	fail(master, reason);
}

/* --- the state --- */

/* The records, in a sealed memfd. */
static int save(struct master *master, struct upgrade_writer *writer)
{
	const char *version = program_version(master->program);

	master_save(master, writer);
	PROGRAM_TELL(master->program, master.save, writer);
	upgrade_put(writer, RECORD_VERSION, version, strlen(version) + 1);
	upgrade_put(writer, RECORD_FDS, writer->fds, writer->fd_count * sizeof(*writer->fds));
	if (upgrade_finish(writer) < 0)
		return -ENOMEM;
	return upgrade_seal(writer);
}

/* --- the trial --- */

/* Who may write to it may become us. */
static int open_binary(const char *path, char *reason, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *wrong = NULL;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		wrong = strerror(errno);
	else if (!S_ISREG(status.st_mode))
		wrong = "not a regular file";
	else if (!(status.st_mode & 0111))
		wrong = "not executable";
	else if (status.st_uid != 0 && status.st_uid != geteuid())
		wrong = "belongs to neither root nor the user of this server";
	else if (status.st_mode & 022)
		wrong = "others than its owner may write to it";
	else if (fd_is_script(fd)) /* an interpreter would be executed in its place, which knows nothing of the state */
		wrong = "a script: \"binary\" is to name the program that it starts";
	if (!wrong)
		return fd;
	snprintf(reason, room, "%s: %s", path, wrong);
	fd_close(&fd);
	return -1;
}

struct trial {
	char **argv;
	int binary, output;
	const struct upgrade_writer *writer;
	int *fds; /* what it keeps: the state's, the state */
	size_t fd_count;
	char name[NAME_ROOM];
};

static int try_it(void *context)
{
	struct trial *trial = context;
	int error = dup2(trial->output, STDERR_FILENO) < 0 ? -errno : 0;

	if (!error)
		error = process_execute(trial->binary, trial->argv, UPGRADE_VARIABLE, trial->name, trial->fds,
					trial->fd_count);
	dprintf(STDERR_FILENO, "cannot be executed: %s\n",
		error == -ENOENT ? "the loader that it names is not there" : strerror(-error));
	return EXIT_FAILURE;
}

/* Forks the child that tries. Its pid or -errno, and what failed. */
static pid_t start_trial(struct master *master, int output, const char **failed)
{
	struct upgrade_writer writer = {0};
	struct trial trial = {.argv = master->program->argv, .binary = master->upgrade.binary, .output = output};
	struct brood_process_options options = {.main = try_it, .context = &trial};
	int state = save(master, &writer), error = state < 0 ? state : 0;
	int *kept = malloc((writer.fd_count + 3) * sizeof(*kept));
	pid_t pid = -ENOMEM;

	*failed = "cannot write down the state of this server";
	if (!error && kept) {
		kept[0] = trial.binary;
		kept[1] = output;
		kept[2] = state;
		if (writer.fd_count > 0)
			memcpy(kept + 3, writer.fds, writer.fd_count * sizeof(*kept));
		trial.fds = kept + 2;
		trial.fd_count = writer.fd_count + 1;
		upgrade_name(trial.name, sizeof(trial.name), state, getpid(), UPGRADE_DRY, -1);
		options.keep_fds = kept;
		options.keep_count = writer.fd_count + 3;
		*failed = "fork: no process for the trial can be had";
		pid = brood_process_fork(&options);
	}
	free(kept);
	if (state >= 0)
		fd_close(&state);
	upgrade_writer_free(&writer);
	return error ? error : pid;
}

static void on_output(evutil_socket_t fd, short what, void *argument)
{
	struct upgrade *upgrade = argument;
	char rest[512];

	(void)what;
	for (unsigned i = 0; i < READS_PER_TURN; i++) {
		size_t room = sizeof(upgrade->said) - 1 - upgrade->said_size;
		ssize_t got = room > 0 ? read(fd, upgrade->said + upgrade->said_size, room)
				       : read(fd, rest, sizeof(rest)); /* too long to be told */

		if (got < 0)
			return;
		if (got == 0) {
			event_del(upgrade->readable);
			return;
		}
		if (room > 0)
			upgrade->said_size += (size_t)got;
	}
}

static void try_out(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	const char *path = master->program->master.binary(master->program->context);
	char reason[REPORT_REASON_MAX];
	const char *failed = "cannot listen to the trial";
	int output[2];
	pid_t pid;

	upgrade->phase = UPGRADE_TRYING;
	upgrade->since_ms = clock_now_ms();
	upgrade->binary = open_binary(path, reason, sizeof(reason));
	if (upgrade->binary < 0) {
		fail(master, reason);
		return;
	}
	if (pipe2(output, O_CLOEXEC | O_NONBLOCK) < 0) {
		fail_for(master, failed, errno);
		return;
	}
	upgrade->output = output[0];
	upgrade->readable = event_new(master->base, output[0], EV_READ | EV_PERSIST, on_output, upgrade);
	pid = upgrade->readable && event_add(upgrade->readable, NULL) == 0 ? start_trial(master, output[1], &failed)
									   : -ENOMEM;
	fd_close(&output[1]);
	if (pid < 0) {
		fail_for(master, failed, (int)-pid);
		return;
	}
	upgrade->pid = pid;
	log_info("upgrade: trying %s", path);
}

static bool understood(const struct upgrade *upgrade)
{
	size_t size = sizeof(UPGRADE_UNDERSTOOD) - 1;

	return upgrade->said_size >= size &&
	       memcmp(upgrade->said + upgrade->said_size - size, UPGRADE_UNDERSTOOD, size) == 0;
}

bool upgrading_ended(struct master *master, const struct brood_process_end *end)
{
	struct upgrade *upgrade = &master->upgrade;
	char reason[REPORT_REASON_MAX], how[64];
	size_t size;

	if (upgrade->pid <= 0 || end->pid != upgrade->pid)
		return false;
	upgrade->pid = 0;
	on_output(upgrade->output, EV_READ, upgrade);
	if (end->exit_code == 0 && understood(upgrade)) {
		upgrade->phase = UPGRADE_READY;
		upgrade->since_ms = clock_now_ms();
		/* Not from here: this turn may have read signals that it has not obeyed yet. */
		event_active(master->tick, EV_TIMEOUT, 0);
		return true;
	}
	size = upgrade->said_size;
	while (size > 0 && upgrade->said[size - 1] == '\n')
		size--;
	brood_process_describe(end, how, sizeof(how));
	if (end->exit_code == 0)
		snprintf(how, sizeof(how), "it does not understand the state of this server");
	snprintf(reason, sizeof(reason), "%s: the trial failed: %s%s%.*s",
		 master->program->master.binary(master->program->context), how, size > 0 ? "\n" : "",
		 (int)(size < 1500 ? size : 1500), upgrade->said);
	fail(master, reason);
	return true;
}

/* --- the exec --- */

/* What is queued here would be lost; what is in a socket stays there. */
static bool is_quiet(struct master *master)
{
	if (!closer_flush(&master->closer))
		return false; /* an exec would wait where a close does */
	if ((master->admin.channel && brood_channel_is_full(master->admin.channel)) ||
	    (master->logger.channel && brood_channel_is_full(master->logger.channel)))
		return false;
	for (const struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		if (worker->channel && brood_channel_is_full(worker->channel))
			return false;
	return true;
}

static void become(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	struct upgrade_writer writer = {0};
	int image = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int state = image < 0 ? -errno : save(master, &writer), error = state;
	char name[NAME_ROOM];
	sigset_t before;

	if (state >= 0) {
		upgrade_keep_fd(&writer, state);
		upgrade_keep_fd(&writer, image); /* for the way back */
		upgrade_name(name, sizeof(name), state, getpid(), UPGRADE_GO, image);
		signals_hold(&before);
		error = writer.failed ? -ENOMEM
				      : process_execute(upgrade->binary, master->program->argv, UPGRADE_VARIABLE, name,
							writer.fds, writer.fd_count);
		signals_release(&before);
		fd_close(&state);
	}
	fd_close(&image);
	upgrade_writer_free(&writer);
	fail_for(master, "the new version has passed its trial, but cannot be executed", -error);
}

/* --- asked --- */

void upgrading_tick(struct master *master, uint64_t now_ms)
{
	struct upgrade *upgrade = &master->upgrade;

	switch (upgrade->phase) {
	case UPGRADE_IDLE:
		break;
	case UPGRADE_WAITING:
		if (master->ready_told && master->roll.phase == ROLL_IDLE && !leaving_any(master))
			try_out(master);
		break;
	case UPGRADE_TRYING:
		if (now_ms - upgrade->since_ms >= TRY_MS)
			fail(master, "the new version did not finish its trial in time");
		break;
	case UPGRADE_READY:
		if (is_quiet(master))
			become(master);
		else if (now_ms - upgrade->since_ms >= QUEUED_MS)
			fail(master, "a worker does not read its messages");
		break;
	}
}

void upgrading_begin(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;

	if (master_is_leaving(master) || upgrade->phase != UPGRADE_IDLE)
		return;
	upgrade->phase = UPGRADE_WAITING;
	if (!master->program->master.binary || !master->program->argv) {
		fail(master, "this program cannot be upgraded");
		return;
	}
	if (master->roll.phase != ROLL_IDLE)
		log_info("a %s is running; the upgrade follows it", roll_kind_name(master->report.kind));
	upgrading_tick(master, clock_now_ms());
}

/* Is this image the very file that ran before? */
static bool is_same_file(const struct upgrade_state *state)
{
	struct stat former, now;

	return fstat(state->image, &former) == 0 && stat("/proc/self/exe", &now) == 0 && former.st_dev == now.st_dev &&
	       former.st_ino == now.st_ino;
}

void upgrading_note(struct master *master, const struct upgrade_state *state)
{
	const char *now = program_version(master->program), *from = NULL;
	struct upgrade_record record;

	if (upgrade_find(&state->reader, RECORD_VERSION, &record) && record.size > 1 && record.size <= NAME_ROOM &&
	    memchr(record.data, 0, record.size))
		from = record.data;
	if (!from) /* a version before those that told theirs */
		snprintf(master->upgraded, sizeof(master->upgraded), "upgraded to brood %s", now);
	else if (strcmp(from, now) != 0)
		snprintf(master->upgraded, sizeof(master->upgraded), "upgraded from brood %s to %s", from, now);
	else
		snprintf(master->upgraded, sizeof(master->upgraded), "upgraded to brood %s again, %s", now,
			 is_same_file(state) ? "from the very file that ran" : "from another file");
}

void upgrading_go_on(struct master *master, bool back)
{
	if (!back) {
		log_info("%s", master->upgraded);
		rolling_begin(master, ROLL_KIND_UPGRADE);
		return;
	}
	/* Who asked for a reload meanwhile was told that the upgrade does it. */
	master->again_kind = ROLL_KIND_RELOAD;
	fail(master, "the new version could not take over; the error log has its reason");
}
