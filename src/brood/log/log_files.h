/* SPDX-License-Identifier: MIT
 *
 * The files that logs go to: opened by the master, which may, and written to by the log process
 * (log_process.h), which may not, and by the master itself. One table for all configurations there are: a
 * log keeps its number as long as somebody may still write to it, also over reloads and upgrades, and its
 * descriptor is looked up here each time that it is used. Master only. */
#ifndef BROOD_BROOD_LOG_LOG_FILES_H
#define BROOD_BROOD_LOG_LOG_FILES_H

#include "cluster/ipc/log_message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct master;
struct upgrade_reader;
struct upgrade_writer;

struct log_file {
	unsigned number;
	enum log_kind kind;
	char *target;   /* owned: "stderr", "stdout" or an absolute path */
	int fd;         /* owned, close-on-exec, appending; 1 or 2 for the standard ones; -1: it cannot be opened */
	int reopened;   /* what it is to be next, once the log process knows of fd; or -1 */
	int fresh;      /* opened anew for a configuration that is not in force yet, or -1 */
	unsigned users; /* configurations that are there */
	unsigned first, last; /* numbers of the configurations that had it first and last */
	bool told;            /* the log process knows of fd */
};

/* All-zero: none. */
struct log_files {
	struct log_file *list;
	size_t count;
	unsigned last_number, last_configuration;
};

/* A number for one more configuration. */
unsigned log_files_begin(struct log_files *files);

/* Opens for that configuration; a file that is not there is created with mode 0640. Where the log is there
 * already its file is opened anew, and used from log_files_settle on. Does not wait for the reader of a FIFO
 * (-ENXIO without one). *number is 0 for "off". 0, or -errno with a reason in words. */
int log_files_use(struct log_files *files, enum log_kind kind, const char *target, unsigned *number, char *reason,
		  size_t room) __attribute__((warn_unused_result));

/* A configuration is given up (0: nothing is). */
void log_files_leave(struct log_files *files, unsigned number);

/* The configuration for which files were opened anew is in force, or forgotten. */
void log_files_settle(struct log_files *files, bool in_force);

/* Opens all paths again, after they were moved away. What cannot be opened is told, and stays as it was. */
void log_files_reopen(struct log_files *files);

/* What is behind standard output and error has changed. */
void log_files_standard_changed(struct log_files *files);

/* -1: there is none. Borrowed, and not to be kept. */
int log_files_fd(const struct log_files *files, unsigned number);

/* As cluster_master_callbacks.log_files; also forgets those to which nobody can write any more. */
int log_files_tell(struct log_files *files, struct master *master, bool all) __attribute__((warn_unused_result));

void log_files_close(struct log_files *files);

/* In a child, where none of them is open: the table has no numbers that could be another file's there. */
void log_files_forget(struct log_files *files);

/* The table for the next version, which opens the files by itself; and there, before anything is used: 0 or
 * -errno. */
void log_files_save(const struct log_files *files, uint32_t type, struct upgrade_writer *writer);
int log_files_restore(struct log_files *files, uint32_t type, const struct upgrade_reader *state)
	__attribute__((warn_unused_result));

#endif
