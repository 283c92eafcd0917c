/* SPDX-License-Identifier: MIT
 *
 * The list of listeners in a configuration: read, added to, written. */
#include "brood/config/config_listen.h"

#include "brood/system/absolute_path.h"
#include "brood/system/config_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int config_listen_parse(const char *text, const char *directory, struct config_listener *out, char *reason,
			size_t reason_room)
{
	char *path, *absolute = NULL;
	int rc = 0;

	if (strncmp(text, "tls:", 4) == 0) {
		out->tls = true;
		text += 4;
	}
	if (strncmp(text, "unix:", 5) == 0 && text[5] != '\0' && text[5] != '/') {
		path = path_resolve(directory, text + 5);
		if (!path || asprintf(&absolute, "unix:%s", path) < 0) {
			absolute = NULL;
			rc = -ENOMEM;
		}
		free(path);
	}
	if (rc == 0)
		rc = address_parse(absolute ? absolute : text, &out->address, reason, reason_room);
	free(absolute);
	return rc;
}

int config_listen_add(struct config *config, const struct config_listener *listener)
{
	struct config_listener *larger;

	for (size_t i = 0; i < config->listen_count; i++) {
		if (address_equal(&config->listen[i].address, &listener->address))
			return -EEXIST;
	}
	if (config->listen_count == CONFIG_LISTENERS_MAX)
		return -ENOSPC;
	larger = reallocarray(config->listen, config->listen_count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	larger[config->listen_count] = *listener;
	config->listen = larger;
	config->listen_count++;
	return 0;
}

static int add_text(struct config *list, const char *text, const char *directory, char *reason, size_t reason_room)
{
	struct config_listener listener = {0};
	int rc = config_listen_parse(text, directory, &listener, reason, reason_room);

	if (rc < 0)
		return rc;
	rc = config_listen_add(list, &listener);
	if (rc == -EEXIST)
		snprintf(reason, reason_room, "%s is there twice", listener.address.text);
	else if (rc == -ENOSPC)
		snprintf(reason, reason_room, "%d addresses at most", CONFIG_LISTENERS_MAX);
	return rc == -ENOMEM || rc == 0 ? rc : -EINVAL;
}

int config_listen_set(struct config *config, const char *text, const char *directory, char *reason, size_t reason_room)
{
	struct config fresh = {0};
	char *copy = strdup(text), *rest = copy, *part, *end;
	int rc = copy ? 0 : -ENOMEM;

	while (rc == 0 && (part = strsep(&rest, ",")) != NULL) {
		part += strspn(part, " ");
		end = part + strlen(part);
		while (end > part && end[-1] == ' ')
			*--end = '\0';
		rc = add_text(&fresh, part, directory, reason, reason_room);
	}
	free(copy);
	if (rc < 0) {
		free(fresh.listen);
		return rc;
	}
	free(config->listen);
	config->listen = fresh.listen;
	config->listen_count = fresh.listen_count;
	return 0;
}

static bool is_plain(const struct config_listener *listener)
{
	return listener->backlog == 0 && listener->unix_mode == 0 && listener->proxy_protocol == LISTENER_PROXY_GENERAL;
}

static int format_address(const struct config_listener *listener, struct buffer *out)
{
	char text[ADDRESS_TEXT_MAX + 8];

	snprintf(text, sizeof(text), "%s%s", listener->tls ? "tls:" : "", listener->address.text);
	return report_quote(out, text);
}

static int format_group(const struct config_listener *listener, struct buffer *out)
{
	int rc = buffer_printf(out, "{ address = ");

	if (rc == 0)
		rc = format_address(listener, out);
	if (rc == 0)
		rc = buffer_printf(out, ";");
	if (rc == 0 && listener->backlog)
		rc = buffer_printf(out, " backlog = %u;", listener->backlog);
	if (rc == 0 && listener->unix_mode)
		rc = buffer_printf(out, " mode = \"0%o\";", listener->unix_mode);
	if (rc == 0 && listener->proxy_protocol != LISTENER_PROXY_GENERAL)
		rc = buffer_printf(out, " proxy_protocol = %s;",
				   listener->proxy_protocol == LISTENER_PROXY_YES ? "true" : "false");
	if (rc == 0)
		rc = buffer_printf(out, " }");
	return rc;
}

int config_listen_format(const struct config *config, struct buffer *out)
{
	bool plain = true;
	int rc = 0;

	for (size_t i = 0; i < config->listen_count; i++)
		plain = plain && is_plain(&config->listen[i]);
	if (plain && config->listen_count == 1)
		return format_address(&config->listen[0], out);
	rc = buffer_printf(out, plain ? "[ " : "( ");
	for (size_t i = 0; rc == 0 && i < config->listen_count; i++) {
		if (i > 0)
			rc = buffer_printf(out, ", ");
		if (rc == 0 && plain)
			rc = format_address(&config->listen[i], out);
		else if (rc == 0)
			rc = format_group(&config->listen[i], out);
	}
	if (rc == 0)
		rc = buffer_printf(out, plain ? " ]" : " )");
	return rc;
}

bool config_listen_equal(const struct config *a, const struct config *b)
{
	if (a->listen_count != b->listen_count)
		return false;
	for (size_t i = 0; i < a->listen_count; i++) {
		const struct config_listener *one = &a->listen[i], *other = NULL;

		/* The order makes no difference to what is listened on. */
		for (size_t j = 0; j < b->listen_count && !other; j++) {
			if (address_equal(&one->address, &b->listen[j].address))
				other = &b->listen[j];
		}
		if (!other || strcmp(one->address.text, other->address.text) != 0 || one->backlog != other->backlog ||
		    one->unix_mode != other->unix_mode || one->proxy_protocol != other->proxy_protocol ||
		    one->tls != other->tls)
			return false;
	}
	return true;
}
