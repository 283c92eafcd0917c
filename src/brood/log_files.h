/* SPDX-License-Identifier: MIT
 *
 * The files that logs go to: opened by the master, which may, for workers, which may not. What is
 * written and how is base/log.h's and access_log.h's. Master only. */
#ifndef BROOD_BROOD_LOG_FILES_H
#define BROOD_BROOD_LOG_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct log_file {
	int fd;       /* close-on-exec, appending; 1 or 2 for the standard ones; -1: off */
	char *target; /* owned: "stderr", "stdout", "off" or an absolute path; NULL: not open */
};

/* Opens; a file that is not there is created with mode 0640. Does not wait for the reader of a FIFO
 * (-ENXIO without one). Whatever *out held before is not looked at. 0, or -errno with a reason in
 * words, and *out is closed. */
int log_file_open(struct log_file *out, const char *target, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* Opens the path again, after it was moved away, under the same descriptor number. True: there is a
 * new file (for a log in this process, call log_set_fd once more; others need it sent). False:
 * nothing has changed, either because it is no path or, with a warning in the log, because it could
 * not be opened. */
bool log_file_reopen(struct log_file *file);

void log_file_close(struct log_file *file);

#endif
