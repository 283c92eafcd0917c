/* SPDX-License-Identifier: MIT
 *
 * See log_files.h. */
#include "brood/log/log_files.h"

#include "base/fd.h"
#include "base/fd_kind.h"
#include "base/log.h"
#include "base/trusted_file.h"
#include "cluster/cluster.h"
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 4096 };

static int open_path(const char *path)
{
	char reason[TRUSTED_REASON_MAX];
	int fd = trusted_file_open(path, O_WRONLY | O_APPEND, 0640, reason, sizeof(reason));

	fd_note(fd, FD_LOG);
	if (fd == -EPERM) /* more than the error's own words say */
		log_warn("log %s: %s", path, reason);
	return fd;
}

static bool is_path(const char *target)
{
	return target[0] == '/';
}

static int open_target(const char *target)
{
	if (strcmp(target, "stderr") == 0)
		return STDERR_FILENO;
	if (strcmp(target, "stdout") == 0)
		return STDOUT_FILENO;
	return is_path(target) ? open_path(target) : -EINVAL;
}

/* The standard ones are nobody's to close. */
static void close_target(int *fd)
{
	if (*fd > STDERR_FILENO)
		fd_close(fd);
	*fd = -1;
}

static struct log_file *find(const struct log_files *files, unsigned number)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->list[i].number == number)
			return &files->list[i];
	return NULL;
}

static struct log_file *find_target(const struct log_files *files, enum log_kind kind, const char *target)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->list[i].kind == kind && strcmp(files->list[i].target, target) == 0)
			return &files->list[i];
	return NULL;
}

/* Takes the descriptor, also without memory. */
static struct log_file *add(struct log_files *files, unsigned number, enum log_kind kind, const char *target, int fd)
{
	struct log_file *list = reallocarray(files->list, files->count + 1, sizeof(*list));
	char *copy = strdup(target);

	if (list)
		files->list = list;
	if (!list || !copy) {
		free(copy);
		close_target(&fd);
		return NULL;
	}
	list[files->count] = (struct log_file){.number = number,
					       .kind = kind,
					       .target = copy,
					       .fd = fd,
					       .reopened = -1,
					       .fresh = -1,
					       .first = files->last_configuration};
	return &list[files->count++];
}

static void drop(struct log_files *files, struct log_file *file)
{
	close_target(&file->fd);
	close_target(&file->reopened);
	close_target(&file->fresh);
	free(file->target);
	*file = files->list[--files->count];
}

unsigned log_files_begin(struct log_files *files)
{
	return ++files->last_configuration;
}

int log_files_use(struct log_files *files, enum log_kind kind, const char *target, unsigned *number, char *reason,
		  size_t room)
{
	struct log_file *file = find_target(files, kind, target);
	int fd;

	*number = 0;
	if (strcmp(target, "off") == 0)
		return 0;
	fd = open_target(target);
	if (fd < 0) {
		snprintf(reason, room, "cannot open log %s: %s", target, strerror(-fd));
		return fd;
	}
	if (!file) {
		file = add(files, files->last_number + 1, kind, target, fd);
		if (!file) {
			snprintf(reason, room, "cannot open log %s: no memory", target);
			return -ENOMEM;
		}
		files->last_number++;
	} else {
		close_target(&file->fresh);
		file->fresh = fd;
	}
	file->users++;
	file->last = files->last_configuration;
	*number = file->number;
	return 0;
}

void log_files_leave(struct log_files *files, unsigned number)
{
	struct log_file *file = find(files, number);

	if (file && file->users > 0)
		file->users--;
}

/* Not at once: a log process that has to find out how far another one has come in the old file must see that
 * first. */
static void take(struct log_file *file, int fd)
{
	close_target(&file->reopened);
	file->reopened = fd;
}

void log_files_settle(struct log_files *files, bool in_force)
{
	for (size_t i = 0; i < files->count; i++) {
		struct log_file *file = &files->list[i];

		if (file->fresh < 0)
			continue;
		if (in_force)
			take(file, file->fresh);
		else
			close_target(&file->fresh);
		file->fresh = -1;
	}
}

void log_files_reopen(struct log_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		struct log_file *file = &files->list[i];
		int fd = is_path(file->target) ? open_path(file->target) : file->fd;

		close_target(&file->fresh); /* older than this */
		if (fd < 0)
			log_warn("cannot reopen log %s: %s; the old file is kept", file->target, strerror(-fd));
		else if (fd != file->fd)
			take(file, fd);
	}
}

void log_files_standard_changed(struct log_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		if (!is_path(files->list[i].target))
			files->list[i].told = false;
}

int log_files_fd(const struct log_files *files, unsigned number)
{
	const struct log_file *file = find(files, number);

	if (!file)
		return -1;
	return file->reopened >= 0 ? file->reopened : file->fd;
}

/* Nobody can write to it any more. */
static bool is_over(const struct log_file *file, const struct master *master)
{
	return file->users == 0 && !cluster_has_log_source(master, file->first, file->last);
}

static int tell(struct log_file *file, struct master *master)
{
	int error = file->told ? 0 : cluster_log_file(master, file->number, file->kind, file->fd);

	file->told = !error;
	return error;
}

static int tell_reopened(struct log_file *file, struct master *master)
{
	if (file->reopened < 0)
		return 0;
	close_target(&file->fd);
	file->fd = file->reopened;
	file->reopened = -1;
	file->told = false;
	return tell(file, master);
}

int log_files_tell(struct log_files *files, struct master *master, bool all)
{
	int error = 0;

	for (size_t i = 0; i < files->count && !error;) {
		struct log_file *file = &files->list[i];
		bool over = is_over(file, master);

		file->told = file->told && !all;
		error = over ? cluster_log_file(master, file->number, file->kind, -1) : tell(file, master);
		if (!error && !over && !all)
			error = tell_reopened(file, master);
		if (!error && over)
			drop(files, file);
		else
			i++;
	}
	return error;
}

void log_files_close(struct log_files *files)
{
	while (files->count > 0)
		drop(files, &files->list[0]);
	free(files->list);
	*files = (struct log_files){0};
}

void log_files_forget(struct log_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		files->list[i].fd = files->list[i].reopened = files->list[i].fresh = -1;
}

/* --- from one version to another --- */

/* The target stands behind it, with its NUL. */
struct upgrade_log_file {
	uint32_t number, kind, first, last;
};

void log_files_save(const struct log_files *files, uint32_t type, struct upgrade_writer *writer)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct log_file *file = &files->list[i];
		struct upgrade_log_file saved = {
			.number = file->number, .kind = file->kind, .first = file->first, .last = file->last};
		struct buffer octets = {0};

		if (buffer_append(&octets, &saved, sizeof(saved)) < 0 ||
		    buffer_append(&octets, file->target, strlen(file->target) + 1) < 0)
			writer->failed = true;
		else
			upgrade_put(writer, type, octets.data, octets.used);
		buffer_free(&octets);
	}
}

static int restore_one(struct log_files *files, const struct upgrade_record *record)
{
	const char *target = (const char *)record->data + sizeof(struct upgrade_log_file);
	struct upgrade_log_file saved;
	struct log_file *file;
	int fd;

	if (record->size <= sizeof(saved) || ((const char *)record->data)[record->size - 1] != '\0')
		return -EBADMSG;
	upgrade_get(record, &saved, sizeof(saved));
	if (saved.number == 0 || saved.kind >= LOG_KINDS || files->count >= FILES_MAX || find(files, saved.number) ||
	    find_target(files, (enum log_kind)saved.kind, target))
		return -EBADMSG;
	fd = open_target(target);
	if (fd < 0)
		log_warn("cannot open log %s: %s", target, strerror(-fd));
	file = add(files, saved.number, (enum log_kind)saved.kind, target, fd < 0 ? -1 : fd);
	if (!file)
		return -ENOMEM;
	file->first = saved.first;
	file->last = saved.last;
	if (saved.last > files->last_configuration)
		files->last_configuration = saved.last;
	if (saved.number > files->last_number)
		files->last_number = saved.number;
	return 0;
}

int log_files_restore(struct log_files *files, uint32_t type, const struct upgrade_reader *state)
{
	struct upgrade_reader reader = *state;
	struct upgrade_record record;
	int error = 0;

	while (error == 0 && upgrade_next(&reader, &record))
		if (record.type == type)
			error = restore_one(files, &record);
	return error;
}
