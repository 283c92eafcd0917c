/* SPDX-License-Identifier: MIT
 *
 * Before a reload. What a configuration names may be on a file system that does not answer, and whoever opens such a
 * thing waits for as long as that likes. So a process of the program's looks at all of it first, and the master goes on
 * with what it does until it is told, or has heard nothing for too long. Master only. */
#include "cluster/master/look.h"

#include "cluster/policy/program_call.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

/* Since the last news. A disk that has to spin up, and a server that is restarted, get as long. */
enum { PATIENCE_MS = 5000, WHAT_MAX = 512 };

static void end(struct master *master, char *what, size_t room)
{
	event_free(master->looking);
	master->looking = NULL;
	snprintf(what, room, "what it names");
	PROGRAM_TELL(master->program, master.look_away, what, room);
}

static void on_news(evutil_socket_t fd, short events, void *argument)
{
	struct master *master = argument;
	char what[WHAT_MAX], wrong[WHAT_MAX + 64];
	int rc = events & EV_READ ? PROGRAM_CALL(master->program, 0, master.looked) : -ETIMEDOUT;

	(void)fd;
	if (rc == -EAGAIN)
		return;
	end(master, what, sizeof(what));
	if (rc == -ETIMEDOUT)
		snprintf(wrong, sizeof(wrong), "%s does not answer", what);
	else if (rc < 0)
		snprintf(wrong, sizeof(wrong), "cannot look at its files: %s", strerror(-rc));
	master->looked(master, rc < 0 ? wrong : NULL);
}

void look_begin(struct master *master, void (*looked)(struct master *master, const char *wrong))
{
	const struct cluster_program *program = master->program;
	struct timeval patience = {PATIENCE_MS / 1000, PATIENCE_MS % 1000 * 1000};
	char what[WHAT_MAX], wrong[WHAT_MAX];
	int fd;

	master->looked = looked;
	fd = program->master.look(program->context);
	master->looking = fd < 0 ? NULL : event_new(master->base, fd, EV_READ | EV_PERSIST, on_news, master);
	if (master->looking && event_add(master->looking, &patience) == 0)
		return;
	snprintf(wrong, sizeof(wrong), "nobody can look at its files: %s",
		 fd == -EBUSY ? "those who did so for reloads before this one still wait"
			      : strerror(fd < 0 ? -fd : ENOMEM));
	if (master->looking)
		end(master, what, sizeof(what));
	else if (fd >= 0)
		PROGRAM_TELL(program, master.look_away, what, sizeof(what));
	looked(master, wrong);
}

void look_cancel(struct master *master)
{
	char what[WHAT_MAX];

	if (master->looking)
		end(master, what, sizeof(what));
}
