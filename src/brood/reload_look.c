/* SPDX-License-Identifier: MIT
 *
 * See reload_look.h. */
#include "brood/reload_look.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "brood/config/configuration.h"
#include "brood/config/looking.h"
#include "brood/config/options.h"
#include "brood/process.h"
#include "brood/sites/sites.h"
#include "proc/fdpass.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* With the descriptor of the folder. */
struct found {
	uint64_t version;
	char path[PATH_MAX]; /* as far as it goes, with its NUL */
};

/* --- the child --- */

struct task {
	struct options options;
	const struct known_roots *known;
	int channel;
};

/* The master reads when it has time for that. */
static int tell(int channel, const struct http_site *site)
{
	struct found found = {.version = site->follow.version};
	size_t size = strlen(site->follow.path) + 1;
	struct iovec part = {&found, offsetof(struct found, path) + size};
	struct pollfd room = {.fd = channel, .events = POLLOUT};
	int rc;

	if (size > sizeof(found.path))
		return -ENAMETOOLONG;
	memcpy(found.path, site->follow.path, size);
	while ((rc = fdpass_send(channel, &part, 1, &site->root.fd, 1)) == -EAGAIN)
		(void)poll(&room, 1, -1);
	return rc;
}

/* Without privileges dropped: what it opens is what the master does, as itself and as workers. What is wrong with the
 * configuration the master finds and says. */
static int child_main(void *context)
{
	struct task *task = context;
	struct buffer text = {0};
	struct config *config;
	struct sites sites;
	char reason[256];

	brood_process_wake_at_end();
	if (config_load(&config, &task->options, &text) < 0 || sites_open(&sites, config, reason, sizeof(reason)) < 0)
		return 1;
	for (size_t i = 0; i < sites.http.count; i++) {
		const struct http_site *site = &sites.http.list[i];

		/* Descriptors of what is known stayed with the master. */
		if (!known_roots_find(task->known, site->follow.path) && tell(task->channel, site) < 0)
			return 1;
	}
	return 0;
}

/* --- the master --- */

static bool has_ended(int channel)
{
	struct pollfd end = {.fd = channel};

	return poll(&end, 1, 0) > 0 && (end.revents & POLLHUP);
}

/* Some waits are for others who wait, and nothing ends these. */
static void forget_left(struct reload_look *look)
{
	for (size_t i = look->left_count; i > 0; i--) {
		if (!has_ended(look->left[i - 1]))
			continue;
		fd_close(&look->left[i - 1]);
		look->left[i - 1] = look->left[--look->left_count];
	}
}

static int fork_child(struct reload_look *look, struct task *task)
{
	struct brood_process_options options = {.main = child_main,
						.context = task,
						.title = "brood: reload",
						.keep_fds = &task->channel,
						.keep_count = 1};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	task->channel = ends[1];
	look->channel = ends[0];
	fd_note(look->channel, FD_CHANNEL);
	look->pid = brood_process_fork(&options);
	close(ends[1]);
	return look->pid < 0 ? (int)look->pid : 0;
}

int reload_look_begin(struct reload_look *look, const struct options *options, const struct known_roots *known)
{
	struct task task = {.options = *options, .known = known};
	int error;

	forget_left(look);
	if (look->left_count == RELOAD_LOOK_LEFT)
		return -EBUSY;
	known_roots_free(&look->found);
	look->looking = mmap(NULL, sizeof(*look->looking), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (look->looking == MAP_FAILED) {
		look->looking = NULL;
		return -errno;
	}
	looking_at(look->looking, "the configuration", NULL);
	task.options.known_roots = known;
	task.options.looking = look->looking;
	error = fork_child(look, &task);
	if (error) {
		look->pid = 0;
		reload_look_end(look, NULL, 0);
		return error;
	}
	return look->channel;
}

int reload_look_hear(struct reload_look *look)
{
	int fds[FDPASS_RECEIVE_MAX];
	struct found found;
	size_t count;
	ssize_t size;
	bool lost;

	while ((size = fdpass_receive(look->channel, &found, sizeof(found), fds, &count, &lost)) > 0) {
		if (count == 1 && !lost && size > (ssize_t)offsetof(struct found, path)) {
			known_roots_add(&look->found, found.path, true, fds[0], found.version);
			count = 0;
		}
		for (size_t i = 0; i < count; i++)
			fd_close(&fds[i]);
	}
	return size == -EAGAIN ? -EAGAIN : 0;
}

void reload_look_end(struct reload_look *look, char *what, size_t room)
{
	if (room > 0)
		snprintf(what, room, "%.*s", LOOKING_MAX - 1, look->looking ? look->looking->what : "");
	/* Whoever reaps children has no eye on this one: as long as its end is open it has its number. */
	if (look->pid > 0 && !has_ended(look->channel)) {
		kill(look->pid, SIGKILL);
		look->left[look->left_count++] = look->channel;
		look->channel = -1;
	}
	look->pid = 0;
	fd_close(&look->channel);
	if (look->looking)
		munmap(look->looking, sizeof(*look->looking));
	look->looking = NULL;
}

void reload_look_close(struct reload_look *look)
{
	reload_look_end(look, NULL, 0);
	known_roots_free(&look->found);
	for (size_t i = 0; i < look->left_count; i++)
		fd_close(&look->left[i]);
	look->left_count = 0;
}

void reload_look_in_child(struct reload_look *look)
{
	if (look->looking)
		munmap(look->looking, sizeof(*look->looking));
	*look = (struct reload_look){.channel = -1};
}
