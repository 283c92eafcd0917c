/* SPDX-License-Identifier: MIT
 *
 * Lists of texts in a configuration. */
#include "brood/config/config_list.h"

#include "brood/system/config_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int config_list_add(struct config_list *list, const char *text)
{
	char *copy = strdup(text);
	char **larger = copy ? reallocarray(list->items, list->count + 1, sizeof(*larger)) : NULL;

	if (!larger) {
		free(copy);
		return -ENOMEM;
	}
	larger[list->count++] = copy;
	list->items = larger;
	return 0;
}

void config_list_free(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_list){0};
}

bool config_list_equal(const struct config_list *a, const struct config_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	}
	return true;
}

int config_list_format(const struct config_list *list, struct buffer *out)
{
	int rc = buffer_printf(out, "[");

	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		if (i > 0)
			rc = buffer_printf(out, ", ");
		if (rc == 0)
			rc = report_quote(out, list->items[i]);
	}
	return rc == 0 ? buffer_printf(out, "]") : rc;
}

char *config_list_next(char **rest)
{
	char *start = *rest, *in, *out;

	if (!start)
		return NULL;
	start += strspn(start, " ");
	for (in = out = start; *in && *in != ','; in++) {
		if (in[0] == '\\' && (in[1] == ',' || in[1] == '\\'))
			in++;
		*out++ = *in;
	}
	*rest = *in ? in + 1 : NULL;
	while (out > start && out[-1] == ' ')
		out--;
	*out = '\0';
	return start;
}
