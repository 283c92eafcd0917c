/* SPDX-License-Identifier: MIT
 *
 * What is logged, led to a descriptor that a test reads. */
#ifndef BROOD_LOG_TO_H
#define BROOD_LOG_TO_H

#include "base/log.h"

#include <stdint.h>

static inline void log_to_sink(void *context, const struct log_entry *entry)
{
	log_write((int)(intptr_t)context, entry);
}

/* `fd` stays its owner's. */
static inline void log_to(int fd)
{
	log_set_sink(log_to_sink, (void *)(intptr_t)fd);
}

#endif
