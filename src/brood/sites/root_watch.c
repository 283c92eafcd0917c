/* SPDX-License-Identifier: MIT
 *
 * See root_watch.h. A looker that waits for a file system that does not answer cannot be killed, so it is left at it:
 * another one looks at the other roots, and when the first one comes back, which it tells by leaving, that root is
 * among those that are looked at again. So there are no more of them than such roots. */
#include "brood/sites/root_watch.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/log.h"
#include "brood/config/known_roots.h"
#include "brood/process.h"
#include "brood/sites/root_look.h"
#include "http/site/root_follow.h"
#include "proc/fdpass.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STUCK_MS = 2000, RETRY_MS = 1000 };

struct looker {
	struct root_known *list; /* the paths are this one's; a number in a message is one in here */
	size_t count;
	struct root_page *page;
	int channel;             /* its end goes with the process */
	uint64_t beat, since_ms; /* the last that was seen to change */
	const char *stuck_at;    /* in the list; NULL: not known, or not stuck */
};

/* --- lookers --- */

static void looker_free(struct looker *looker)
{
	if (!looker)
		return;
	for (size_t i = 0; i < looker->count; i++)
		free(looker->list[i].path);
	free(looker->list);
	if (looker->page)
		munmap(looker->page, sizeof(*looker->page));
	fd_close(&looker->channel);
	free(looker);
}

bool root_watch_waits(const struct root_watch *watch, const char *path)
{
	for (size_t i = 0; i < watch->stuck_count; i++) {
		if (watch->stuck[i]->stuck_at && strcmp(watch->stuck[i]->stuck_at, path) == 0)
			return true;
	}
	return false;
}

static bool has(const struct looker *looker, const char *path)
{
	for (size_t i = 0; i < looker->count; i++) {
		if (strcmp(looker->list[i].path, path) == 0)
			return true;
	}
	return false;
}

/* The paths of all sites, each once, but for those that somebody waits for. 0 or -ENOMEM. */
static int collect(const struct root_watch *watch, const struct root_scene *scene, struct looker *looker)
{
	size_t room = scene->sites[0]->http.count + scene->sites[1]->http.count;

	looker->list = calloc(room + 1, sizeof(*looker->list));
	if (!looker->list)
		return -ENOMEM;
	for (size_t i = 0; i < room; i++) {
		size_t first = scene->sites[0]->http.count;
		const struct http_site *site =
			i < first ? &scene->sites[0]->http.list[i] : &scene->sites[1]->http.list[i - first];
		struct root_known *known = &looker->list[looker->count];

		if (has(looker, site->follow.path) || root_watch_waits(watch, site->follow.path))
			continue;
		*known = (struct root_known){strdup(site->follow.path), site->follow.version};
		if (!known->path)
			return -ENOMEM;
		looker->count++;
	}
	return 0;
}

static int fork_looker(struct looker *looker, const struct root_scene *scene)
{
	int ends[2];
	struct root_look task = {.list = looker->list,
				 .count = looker->count,
				 .epochs = scene->epochs,
				 .privilege = scene->privilege,
				 .page = looker->page};
	struct brood_process_options options = {.main = root_look_main,
						.context = &task,
						.title = "brood: roots",
						.keep_fds = &ends[1],
						.keep_count = 1};
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	task.channel = ends[1];
	pid = brood_process_fork(&options);
	close(ends[1]);
	looker->channel = ends[0];
	fd_note(looker->channel, FD_CHANNEL);
	return pid < 0 ? (int)pid : 0;
}

/* 0 or -errno. */
static int begin(struct root_watch *watch, const struct root_scene *scene, uint64_t now_ms)
{
	struct looker *looker = calloc(1, sizeof(*looker));
	int error;

	if (!looker)
		return -ENOMEM;
	looker->channel = -1;
	looker->since_ms = now_ms;
	looker->page = mmap(NULL, sizeof(*looker->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (looker->page == MAP_FAILED) {
		error = -errno;
		looker->page = NULL;
	} else {
		looker->page->at = ROOT_NONE;
		error = collect(watch, scene, looker);
	}
	if (!error)
		error = fork_looker(looker, scene);
	if (error) {
		looker_free(looker);
		return error;
	}
	watch->looker = looker;
	return 0;
}

/* It sees its page, or the end of the channel. */
static void let_go(struct looker *looker)
{
	if (looker)
		__atomic_store_n(&looker->page->leave, 1, __ATOMIC_RELAXED);
	looker_free(looker);
}

/* --- what it has found --- */

/* The state of the path so far. False: there is no such root any more. */
static bool state_of(const struct root_scene *scene, const char *path, int *error)
{
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < scene->sites[i]->http.count; k++) {
			const struct root_follow *follow = &scene->sites[i]->http.list[k].follow;

			if (strcmp(follow->path, path) != 0)
				continue;
			*error = follow->error;
			return true;
		}
	}
	return false;
}

static bool is_forbidden(int error)
{
	return error == -EACCES || error == -EPERM;
}

static void say(const char *path, int before, int error)
{
	/* For another reason than before, which makes no difference to anybody. */
	if (before < 0 && error < 0 && is_forbidden(before) == is_forbidden(error))
		return;
	if (is_forbidden(error))
		log_warn("root '%s' cannot be entered any more (%s): 403 for its files until it can", path,
			 strerror(-error));
	else if (error < 0)
		log_warn("root '%s' is gone (%s): 503 for its files until it is back", path, strerror(-error));
	else if (before < 0)
		log_info("root '%s' is back", path);
	else
		log_info("root '%s' leads to another folder: its files are from there now", path);
}

static void take_news(const struct looker *looker, const struct root_scene *scene, const struct root_news *news, int fd)
{
	const char *path;
	int before;

	if (news->number >= looker->count || news->error > 0 || (news->error == 0) != (fd >= 0))
		return;
	path = looker->list[news->number].path;
	if (!state_of(scene, path, &before))
		return;
	say(path, before, news->error);
	for (size_t i = 0; i < 2; i++)
		sites_give_root(scene->sites[i], path, fd, news->error, news->version);
}

/* False: it has ended. */
static bool hear(struct looker *looker, const struct root_scene *scene)
{
	int fds[FDPASS_RECEIVE_MAX];
	struct root_news news;
	size_t count;
	ssize_t size;
	bool lost;

	while ((size = fdpass_receive(looker->channel, &news, sizeof(news), fds, &count, &lost)) > 0) {
		/* Without descriptors to receive it: it is known as soon as a worker looks, or at the next change. */
		if (size == sizeof(news) && !lost && count <= 1)
			take_news(looker, scene, &news, count == 1 ? fds[0] : -1);
		for (size_t i = 0; i < count; i++)
			fd_close(&fds[i]);
	}
	return size == -EAGAIN;
}

/* --- those that do not answer --- */

static void drop_stuck(struct root_watch *watch, size_t number)
{
	struct looker *looker = watch->stuck[number];

	if (looker->stuck_at)
		log_info("root '%s' answers again", looker->stuck_at);
	looker_free(looker);
	watch->stuck[number] = watch->stuck[--watch->stuck_count];
	watch->outdated = true;
}

static void hear_stuck(struct root_watch *watch)
{
	char octets[sizeof(struct root_news)];

	for (size_t i = watch->stuck_count; i > 0; i--) {
		if (recv(watch->stuck[i - 1]->channel, octets, sizeof(octets), MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			drop_stuck(watch, i - 1);
	}
}

/* Has it not moved for long? Then it is left where it is, if that can be afforded once more. */
static void judge(struct root_watch *watch, uint64_t now_ms)
{
	struct looker *looker = watch->looker;
	uint64_t beat = __atomic_load_n(&looker->page->beat, __ATOMIC_RELAXED);
	uint32_t at = __atomic_load_n(&looker->page->at, __ATOMIC_RELAXED);

	if (beat != looker->beat) {
		looker->beat = beat;
		looker->since_ms = now_ms;
	}
	if (now_ms - looker->since_ms < STUCK_MS || watch->stuck_count == ROOT_LOOKERS_MAX)
		return;
	if (at < looker->count) {
		looker->stuck_at = looker->list[at].path;
		log_warn("root '%s' does not answer: where its path leads is not followed until it does",
			 looker->stuck_at);
	}
	__atomic_store_n(&looker->page->leave, 1, __ATOMIC_RELAXED);
	watch->stuck[watch->stuck_count++] = looker;
	watch->looker = NULL;
}

/* --- for the server --- */

void root_watch_renew(struct root_watch *watch)
{
	watch->outdated = true;
}

void root_watch_look(struct root_watch *watch, const struct root_scene *scene, uint64_t now_ms)
{
	int error;

	hear_stuck(watch);
	if (watch->looker && !hear(watch->looker, scene)) {
		let_go(watch->looker);
		watch->looker = NULL;
		watch->retry_ms = now_ms + RETRY_MS;
	}
	if (watch->looker)
		judge(watch, now_ms);
	if ((watch->looker && !watch->outdated) || now_ms < watch->retry_ms)
		return;
	let_go(watch->looker);
	watch->looker = NULL;
	error = begin(watch, scene, now_ms);
	watch->outdated = false;
	if (error) {
		if (!watch->failed)
			log_warn("nobody can look where roots lead: %s", strerror(-error));
		watch->retry_ms = now_ms + RETRY_MS;
	}
	watch->failed = error < 0;
}

void root_watch_stuck(const struct root_watch *watch, const struct sites *sites, struct known_roots *out)
{
	for (size_t i = 0; i < sites->http.count; i++) {
		const struct http_site *site = &sites->http.list[i];
		int copy = -1;

		if (!root_watch_waits(watch, site->follow.path) || known_roots_find(out, site->follow.path))
			continue;
		if (site->root.fd >= 0)
			copy = fcntl(site->root.fd, F_DUPFD_CLOEXEC, 0);
		known_roots_add(out, site->follow.path, true, copy,
				site->root.fd >= 0 && copy < 0 ? (uint64_t)errno : site->follow.version);
	}
}

int root_watch_trouble(const struct root_watch *watch, const struct sites *sites, struct buffer *out)
{
	int rc = 0;

	for (size_t i = 0; i < sites->http.count && rc == 0; i++) {
		const struct root_follow *follow = &sites->http.list[i].follow;
		bool told = false;

		for (size_t k = 0; k < i && !told; k++)
			told = strcmp(sites->http.list[k].follow.path, follow->path) == 0;
		if (told)
			continue;
		if (follow->error < 0)
			rc = buffer_printf(out, "root '%s': %s\n", follow->path, strerror(-follow->error));
		else if (root_watch_waits(watch, follow->path))
			rc = buffer_printf(out, "root '%s' does not answer\n", follow->path);
	}
	return rc;
}

void root_watch_end(struct root_watch *watch)
{
	let_go(watch->looker);
	for (size_t i = 0; i < watch->stuck_count; i++)
		let_go(watch->stuck[i]);
	*watch = (struct root_watch){0};
}

/* The descriptors are closed there, and the pages are for nobody else to write to. */
void root_watch_in_child(struct root_watch *watch)
{
	struct looker *all[1 + ROOT_LOOKERS_MAX] = {watch->looker};

	memcpy(all + 1, watch->stuck, watch->stuck_count * sizeof(watch->stuck[0]));
	for (size_t i = 0; i <= watch->stuck_count; i++) {
		if (!all[i])
			continue;
		all[i]->channel = -1;
		looker_free(all[i]);
	}
	*watch = (struct root_watch){0};
}
