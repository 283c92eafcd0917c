/* SPDX-License-Identifier: MIT
 *
 * The log process as the master sees it, a part of its state (master.h). Master only.
 *
 *     log_process.c        the process, and who has something to say to it
 *     log_process_saved.c  the same, for another version */
#ifndef BROOD_CLUSTER_MASTER_LOG_PROCESS_H
#define BROOD_CLUSTER_MASTER_LOG_PROCESS_H

#include "base/list.h"
#include "cluster/ipc/log_message.h"
#include "cluster/ipc/log_outlet.h"
#include "cluster/policy/pulse.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct brood_channel;
struct brood_process_end;
struct cluster_options;
struct event;
struct master;
struct upgrade_log_source;
struct upgrade_logger;
struct upgrade_writer;

/* A queue, and who writes to it. */
struct log_source {
	struct list link; /* in logger->sources, oldest first */
	uint64_t serial;
	pid_t pid;              /* 0: not forked yet */
	unsigned configuration; /* its number; 0: of the one in force, whichever that is, and it has messages only */
	unsigned error_log;
	bool told;
	int queue, pipe; /* owned */
	char tag[LOG_TAG_MAX];
};

enum logger_phase { LOGGER_RUNNING, LOGGER_FINISHING };

/* The process that writes to the log files. */
struct logger {
	pid_t pid; /* 0: none */
	enum logger_phase phase;
	struct brood_channel *channel;
	struct event *timer; /* the next try, or the end of patience */
	void (*check)(struct master *master);
	uint64_t started_ms;
	struct pulse pulse;
	bool is_new;                             /* it was told of no file yet */
	bool last_try;                           /* one more was started at the end */
	struct list sources;                     /* oldest first: what it has to read */
	uint64_t last_source;                    /* serials are never used twice */
	uint64_t sync_wanted, sync_told, synced; /* the last time that files were opened anew */
	uint64_t wanted_ms;                      /* when that was */
	bool is_asked;                           /* by somebody whom the error log tells once it is done */
};

/* --- log_process.c --- */

/* `check` is called when it has opened files anew, and at each look at it: who waits for that may go on, or need not
 * wait any longer. 0 or -ENOMEM. */
int logger_open(struct master *master, void (*check)(struct master *master)) __attribute__((warn_unused_result));
void logger_close(struct master *master);
void logger_start(struct master *master);
/* True: it was the log process's end. */
bool logger_ended(struct master *master, const struct brood_process_end *end);
/* Tells it what it does not know yet: files, and who writes to them. */
void logger_tell(struct master *master);
/* Files were opened anew (`asked`: by who wants to read that it is done): logger_has_reopened, once nobody writes to
 * the old ones any more. A roll waits for that, but not for ever for a log process that nobody watches. */
void logger_reopened(struct master *master, bool asked);
/* The same, and the program's own: as somebody asked. */
void logger_reopen(struct master *master);
bool logger_has_reopened(const struct master *master);
bool logger_is_waited_for(const struct master *master);
/* Is it alive? Every tick; `late`: the master was held up itself. */
void logger_watch(struct master *master, uint64_t now_ms, bool late);
/* Has it write all that is there, and leave; true: there is none any more. */
bool logger_finish(struct master *master);
/* Has one of this version take the place of the one there is. */
void logger_renew(struct master *master);
/* Makes what a child is to be born with, before the fork (options NULL: of the configuration in force, always);
 * and after it (pid <= 0: there was none) closes what is the child's. Without a log process in the program both do
 * nothing. 0 or -errno. */
int logger_add_source(struct master *master, const char *tag, const struct cluster_options *options,
		      struct log_birth *birth, struct log_source **out) __attribute__((warn_unused_result));
void logger_source_born(struct master *master, struct log_source *source, struct log_birth *birth, pid_t pid);
/* For log_process_saved.c. Both take the descriptors; NULL without memory; 0 or -errno. */
struct log_source *logger_new_source(struct logger *logger, uint64_t serial, const char *tag, int queue, int pipe);
int logger_open_channel(struct master *master, int fd) __attribute__((warn_unused_result));

/* --- log_process_saved.c --- */

void logger_save(const struct master *master, struct upgrade_writer *writer);
/* These take the descriptors in what was saved. 0 or -errno. */
int logger_restore(struct master *master, const struct upgrade_logger *saved) __attribute__((warn_unused_result));
int logger_restore_source(struct master *master, const struct upgrade_log_source *saved)
	__attribute__((warn_unused_result));

#endif
