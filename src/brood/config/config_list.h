/* SPDX-License-Identifier: MIT
 *
 * Lists of texts in a configuration. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_LIST_H
#define BROOD_BROOD_CONFIG_CONFIG_LIST_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* All-zero: the empty list, which holds no memory. */
struct config_list {
	char **items;
	size_t count;
};

/* Adds a copy. 0 or -ENOMEM; the list is as before then. */
int config_list_add(struct config_list *list, const char *text) __attribute__((warn_unused_result));

/* The list is empty then. */
void config_list_free(struct config_list *list);

/* The same texts in the same order. */
bool config_list_equal(const struct config_list *a, const struct config_list *b);

/* Appends it in the file's own syntax. 0 or -ENOMEM. */
int config_list_format(const struct config_list *list, struct buffer *out) __attribute__((warn_unused_result));

/* Takes the text up to the next comma that has no backslash before it, out of *rest, in place; NULL
 * when there is no more. Blanks around it go. */
char *config_list_next(char **rest);

#endif
