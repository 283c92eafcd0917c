/* SPDX-License-Identifier: MIT
 *
 * The list of listeners in a configuration. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_LISTEN_H
#define BROOD_BROOD_CONFIG_CONFIG_LISTEN_H

#include "brood/config/configuration.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads an address as people write it, perhaps with "tls:" in front; the path of a Unix socket
 * becomes absolute, beginning at `directory`. Sets
 * address, and tls if it is to be. 0, or -EINVAL with the reason
 * in words, or -ENOMEM. */
int config_listen_parse(const char *text, const char *directory, struct config_listener *out, char *reason,
			size_t reason_room) __attribute__((warn_unused_result));

/* 0, or -EEXIST: that address is there already; -ENOSPC: CONFIG_LISTENERS_MAX are; -ENOMEM. */
int config_listen_add(struct config *config, const struct config_listener *listener)
	__attribute__((warn_unused_result));

/* In place of what is there: the addresses in `text`, between commas. As setting_parse. */
int config_listen_set(struct config *config, const char *text, const char *directory, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* Appends the list in the file's own syntax, in its shortest form. 0 or -ENOMEM. */
int config_listen_format(const struct config *config, struct buffer *out) __attribute__((warn_unused_result));

bool config_listen_equal(const struct config *a, const struct config *b);

#endif
