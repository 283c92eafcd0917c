/* SPDX-License-Identifier: MIT
 *
 * What a start has said in the error log, for whoever started the server: should it fail, standard error has it as
 * well, wherever the log is. Nothing is kept once the server is ready. Master only. */
#ifndef BROOD_BROOD_LOG_START_LOG_H
#define BROOD_BROOD_LOG_START_LOG_H

#include "base/buffer.h"

#include <stdbool.h>

/* All-zero is one that keeps nothing. */
struct start_log {
	struct buffer text; /* whole lines, each once; bounded */
	unsigned left_out;  /* lines for which there was no room */
	bool begun;
};

/* From now on, unless the log's descriptor (-1: it is off) is the same as standard error, which has everything then. It
 * takes the log's tap, so it must stay where it is. */
void start_log_begin(struct start_log *log, int error_log);

/* A worker's last lines, each ended by a newline. */
void start_log_add_words(struct start_log *log, unsigned slot, const char *words);

/* The start has failed: says it, never waiting. */
void start_log_tell(const struct start_log *log);

/* Keeps nothing more, and forgets. */
void start_log_end(struct start_log *log);

#endif
