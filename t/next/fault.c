/* SPDX-License-Identifier: MIT
 *
 * A version that fails on the way to becoming the server, if there is a file "fault" in the program's
 * folder that says so, in lines of three words:
 *
 *     start|restore   before main, or when nearly all is done: just before the commit
 *     dry|go          in the trial, or in the server's own process
 *     crash|hang|exit|refuse|spoil|tell   the last ones go on: one spoils brood.conf in that folder, one writes to
 *                   "inherited" there which descriptors are open, and which the state names */
#include "cluster/master/master.h"
#include "cluster/upgrade/upgrade.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* Lines of a word and a number: "state" has come with the state (itself, and the image of before), "named" is in it. */
static void tell_named(FILE *file, const char *state)
{
	struct upgrade_reader reader;
	struct upgrade_record record;
	struct stat status;
	int fd = atoi(state);
	void *octets;

	fprintf(file, "state %d\nstate %d\n", fd, atoi(strrchr(state, ' ')));
	octets = fstat(fd, &status) == 0 ? malloc((size_t)status.st_size) : NULL;
	if (octets && pread(fd, octets, (size_t)status.st_size, 0) == status.st_size &&
	    upgrade_open(&reader, octets, (size_t)status.st_size) == 0 && upgrade_find(&reader, RECORD_FDS, &record))
		for (size_t i = 0; i < record.size / sizeof(int); i++)
			fprintf(file, "named %d\n", ((const int *)record.data)[i]);
	free(octets);
}

static void tell_inherited(const char *state)
{
	FILE *file = open_beside("inherited", "we");
	DIR *all = opendir("/proc/self/fd");

	if (file)
		tell_named(file, state);
	for (struct dirent *one; file && all && (one = readdir(all));)
		if (one->d_name[0] != '.' && atoi(one->d_name) != dirfd(all) && atoi(one->d_name) != fileno(file))
			fprintf(file, "open %s\n", one->d_name);
	if (all)
		closedir(all);
	if (file)
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
	else if (strcmp(how, "tell") == 0)
		tell_inherited(state);
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
