/* SPDX-License-Identifier: MIT
 *
 * A version that fails on the way to becoming the server, if there is a file "fault" in the program's
 * folder that says so, in lines of three words:
 *
 *     start|restore   before main, or when nearly all is done: just before the commit
 *     dry|go          in the trial, or in the server's own process
 *     crash|hang|exit|refuse|spoil   the last one: spoils brood.conf in that folder, and goes on */
#include "cluster/master/master.h"
#include "cluster/upgrade/upgrade.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __real_master_restore(struct master *master, const struct upgrade_reader *reader);
int __wrap_master_restore(struct master *master, const struct upgrade_reader *reader);

static FILE *open_beside(const char *name, const char *mode)
{
	char path[PATH_MAX + 16];
	ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);

	if (size <= 0)
		return NULL;
	path[size] = '\0';
	strcpy(strrchr(path, '/') + 1, name);
	return fopen(path, mode);
}

/* How to fail at this place, or an empty word. */
static void read_fault(const char *where, const char *mode, char how[16])
{
	char wanted_where[16], wanted_mode[16];
	FILE *file = open_beside("fault", "re");
	bool found = false;

	while (file && !found && fscanf(file, "%15s %15s %15s", wanted_where, wanted_mode, how) == 3)
		found = strcmp(where, wanted_where) == 0 && strcmp(mode, wanted_mode) == 0;
	if (!found)
		how[0] = '\0';
	if (file)
		fclose(file);
}

static void spoil(void)
{
	FILE *file = open_beside("brood.conf", "we");

	if (!file)
		return;
	fputs("spoilt = 1;\n", file);
	fclose(file);
}

/* Comes back only from a refusal. */
static void fail(const char *how)
{
	fprintf(stderr, "brood-next: made to %s\n", how);
	if (strcmp(how, "crash") == 0)
		raise(SIGSEGV);
	else if (strcmp(how, "hang") == 0)
		for (;;)
			pause();
	else if (strcmp(how, "exit") == 0)
		exit(7);
}

__attribute__((constructor)) static void start(void)
{
	const char *state = getenv(UPGRADE_VARIABLE), *mode = state ? strrchr(state, ':') : NULL;
	char how[16];

	if (!mode)
		return;
	read_fault("start", strncmp(mode, ":dry", 4) == 0 ? "dry" : "go", how);
	if (strcmp(how, "spoil") == 0)
		spoil();
	else if (how[0] != '\0')
		fail(how);
}

int __wrap_master_restore(struct master *master, const struct upgrade_reader *reader)
{
	char how[16];
	int error = __real_master_restore(master, reader);

	read_fault("restore", master->program->resumed->mode == UPGRADE_DRY ? "dry" : "go", how);
	if (how[0] == '\0')
		return error;
	fail(how);
	return -EBADMSG;
}
