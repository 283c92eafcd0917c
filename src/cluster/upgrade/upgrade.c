/* SPDX-License-Identifier: MIT
 *
 * A state across an exec (upgrade.h). Master only. */
#include "cluster/upgrade/upgrade.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "proc/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_MAX = 256 << 20, NAME_MAX_SIZE = 64, TAKEOVER_LIMIT_S = 10 };

static const char *const modes[] = {[UPGRADE_DRY] = "dry", [UPGRADE_GO] = "go", [UPGRADE_BACK] = "back"};

/* For the handler of a crash, which is passed nothing. */
static struct process_image way_back;

void upgrade_name(char *out, size_t room, int fd, pid_t pid, enum upgrade_mode mode, int image)
{
	snprintf(out, room, "%d:%d:%s %d", fd, pid, modes[mode], image);
}

int upgrade_seal(const struct upgrade_writer *writer)
{
	int fd = memfd_create("brood-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;
	int error;

	if (fd < 0)
		return -errno;
	while (done < writer->octets.used) {
		ssize_t size = write(fd, writer->octets.data + done, writer->octets.used - done);

		if (size <= 0)
			goto fail;
		done += (size_t)size;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
fail:
	error = -errno;
	fd_close(&fd);
	return error;
}

static int read_all(struct upgrade_state *state)
{
	struct stat status;
	size_t size, done = 0;

	if (fstat(state->fd, &status) < 0)
		return -errno;
	if (status.st_size > STATE_MAX)
		return -EBADMSG;
	size = (size_t)status.st_size;
	state->octets = malloc(size + 1);
	if (!state->octets)
		return -ENOMEM;
	while (done < size) {
		ssize_t got = pread(state->fd, state->octets + done, size - done, (off_t)done);

		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		done += (size_t)got;
	}
	return upgrade_open(&state->reader, state->octets, size);
}

/* "7:4711:go 9". A state counts for one process only: a stale variable that a child of somebody else
 * inherits means nothing. */
static bool parse(const char *text, struct upgrade_state *out)
{
	char mode[8];
	int pid;

	if (sscanf(text, "%d:%d:%7s %d", &out->fd, &pid, mode, &out->image) != 4 || out->fd <= STDERR_FILENO)
		return false;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(mode, modes[i]) == 0) {
			out->mode = (enum upgrade_mode)i;
			return pid == (out->mode == UPGRADE_DRY ? getppid() : getpid());
		}
	return false;
}

static void on_crash(int signal)
{
	static const char text[] = "brood: the new version has crashed, or stands still, on its way; "
				   "going back to the former one\n";

	(void)signal;
	alarm(0); /* it would outlive the exec, and end the former version as well */
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	process_image_execute(&way_back);
	_exit(EXIT_FAILURE);
}

/* The way back has to be there before anything can fail. Nothing that it needs has close-on-exec before
 * upgrade_settle. */
static int prepare_way_back(const struct upgrade_state *state)
{
	char name[NAME_MAX_SIZE];
	int error;

	upgrade_name(name, sizeof(name), state->fd, getpid(), UPGRADE_BACK, state->image);
	error = process_image_prepare(&way_back, state->image, state->argv, UPGRADE_VARIABLE, name);
	if (!error)
		signals_on_crash(on_crash, TAKEOVER_LIMIT_S);
	return error;
}

bool upgrade_take(struct upgrade_state *out, char **argv)
{
	const char *text = getenv(UPGRADE_VARIABLE);
	bool ours;
	int error = 0;

	*out = (struct upgrade_state){.fd = -1, .image = -1, .argv = argv};
	if (!text)
		return false;
	ours = parse(text, out);
	unsetenv(UPGRADE_VARIABLE);
	if (!ours)
		return false;
	if (out->mode == UPGRADE_GO)
		error = prepare_way_back(out);
	if (!error)
		error = read_all(out);
	if (!error)
		return true;
	log_error("the state of the running server cannot be used: %s", strerror(-error));
	upgrade_give_up(out);
}

void upgrade_settle(struct upgrade_state *state)
{
	struct upgrade_record record;

	if (way_back.environment)
		signals_off_crash();
	process_image_free(&way_back);
	if (upgrade_find(&state->reader, RECORD_FDS, &record)) {
		const int *fds = record.data;

		for (size_t i = 0; i < record.size / sizeof(*fds); i++)
			if (fd_set_cloexec(fds[i], true) < 0)
				log_debug("descriptor %d of the state is gone", fds[i]);
	}
	if (state->image > STDERR_FILENO)
		fd_close(&state->image);
	fd_close(&state->fd);
	if (state->octets)
		explicit_bzero(state->octets, state->reader.size);
	free(state->octets);
	state->octets = NULL;
}

void upgrade_give_up(const struct upgrade_state *state)
{
	char name[NAME_MAX_SIZE];

	if (state->mode != UPGRADE_GO)
		_exit(EXIT_FAILURE);
	log_error("going back to the former version");
	signals_off_crash();
	upgrade_name(name, sizeof(name), state->fd, getpid(), UPGRADE_BACK, state->image);
	process_execute(state->image, state->argv, UPGRADE_VARIABLE, name, NULL, 0);
	_exit(EXIT_FAILURE);
}
