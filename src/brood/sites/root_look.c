/* SPDX-License-Identifier: MIT
 *
 * See root_look.h. */
#include "brood/sites/root_look.h"

#include "base/fd.h"
#include "base/privilege.h"
#include "base/sandbox.h"
#include "http/site/open.h"
#include "http/site/root_follow.h"
#include "proc/fdpass.h"

#include <poll.h>
#include <stdbool.h>

/* Seen within a second, by far; and many roots cost a look each all the same. */
enum { PAUSE_MS = 200, LONG_PAUSE_MS = 700, MANY = 128 };

static bool is_to_leave(const struct root_look *look)
{
	return __atomic_load_n(&look->page->leave, __ATOMIC_RELAXED) != 0;
}

static void show(const struct root_look *look, uint32_t at)
{
	__atomic_store_n(&look->page->at, at, __ATOMIC_RELAXED);
	__atomic_store_n(&look->page->beat, look->page->beat + 1, __ATOMIC_RELAXED);
}

/* What is not heard now is told again in the next round. */
static void tell(struct root_look *look, uint32_t number, int fd, uint64_t version)
{
	struct root_news news = {.version = version, .number = number, .error = fd < 0 ? fd : 0};
	struct iovec part = {&news, sizeof(news)};

	if (fdpass_send(look->channel, &part, 1, &fd, fd >= 0) == 0)
		look->list[number].version = version;
}

static void look_at(struct root_look *look, uint32_t number)
{
	struct root_known *known = &look->list[number];
	struct epoch seen = root_epoch(look->epochs, known->path);
	uint64_t version;
	int fd = root_open(known->path, &version);

	if (file_error_is_own(fd))
		return;
	/* Each time: a worker may have been told otherwise. */
	epoch_tell(&seen, version);
	if (version != known->version && !is_to_leave(look))
		tell(look, number, fd, version);
	fd_close(&fd);
}

/* One look at each. */
static void look_at_all(struct root_look *look)
{
	for (size_t i = 0; i < look->count && !is_to_leave(look); i++) {
		show(look, (uint32_t)i);
		look_at(look, (uint32_t)i);
	}
	show(look, ROOT_NONE);
}

int root_look_main(void *context)
{
	struct root_look *look = context;
	struct pollfd master = {.fd = look->channel, .events = POLLIN};
	int pause_ms = look->count > MANY ? LONG_PAUSE_MS : PAUSE_MS;

	if (privilege_drop(look->privilege) < 0)
		return 1;
	(void)!sandbox_enter(); /* where there is no filter, rights must do */
	do
		look_at_all(look);
	while (!is_to_leave(look) && poll(&master, 1, pause_ms) <= 0);
	return 0; /* the master says nothing: its end is closed */
}
