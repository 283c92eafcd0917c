/* SPDX-License-Identifier: MIT
 *
 * From text to values, by the setting's type. The way back is in setting_format.c. */
#include "brood/config/setting_value.h"

#include "base/network.h"
#include "base/text.h"
#include "brood/config/config_listen.h"
#include "brood/system/absolute_path.h"
#include "brood/system/config_report.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRING_MAX = 1024, LIST_TEXT_MAX = 4096, NOT_A_WORD = -1 };

/* What a parser needs beside the text and the place. */
struct source {
	const struct setting *setting;
	const char *text, *directory;
	void *home;
	char *reason;
};

/* The place of `text` (its first `length` octets) among the row's words. */
static int find_word(const struct setting *setting, const char *text, size_t length)
{
	for (int i = 0; setting->words && setting->words[i]; i++) {
		if (strlen(setting->words[i]) == length && memcmp(setting->words[i], text, length) == 0)
			return i;
	}
	return NOT_A_WORD;
}

static int parse_bool(const struct source *source, void *member)
{
	bool yes = strcmp(source->text, "true") == 0;

	if (!yes && strcmp(source->text, "false") != 0)
		return -EINVAL;
	*(bool *)member = yes;
	return 0;
}

/* What the row's amounts are written as; a word is 0. */
static int read_amount(const struct source *source, uint64_t *out)
{
	static int (*const readers[])(const char *text, uint64_t *out) = {[SETTING_COUNT] = text_parse_u64,
									  [SETTING_DURATION] = text_parse_duration,
									  [SETTING_SIZE] = text_parse_size,
									  [SETTING_RATE] = text_parse_rate};
	const struct setting *setting = source->setting;

	*out = 0;
	if (find_word(setting, source->text, strlen(source->text)) != NOT_A_WORD)
		return 0;
	if (readers[setting->type](source->text, out) < 0)
		return -EINVAL;
	return *out >= setting->min && *out <= setting->max ? 0 : -EINVAL;
}

static int parse_count(const struct source *source, void *member)
{
	uint64_t value;

	if (read_amount(source, &value) < 0)
		return -EINVAL;
	*(unsigned *)member = (unsigned)value;
	return 0;
}

static int parse_amount(const struct source *source, void *member)
{
	uint64_t value;

	if (read_amount(source, &value) < 0)
		return -EINVAL;
	*(uint64_t *)member = value;
	return 0;
}

static int parse_word(const struct source *source, void *member)
{
	int word = find_word(source->setting, source->text, strlen(source->text));

	if (word == NOT_A_WORD)
		return -EINVAL;
	*(unsigned *)member = (unsigned)word; /* the enums of struct config have this type */
	return 0;
}

/* Takes `value`, malloc'd or NULL. */
static void put_string(void *member, char *value)
{
	char **string = member;

	free(*string);
	*string = value;
}

static bool means_unset(const struct source *source)
{
	return source->setting->unset && strcmp(source->text, source->setting->unset) == 0;
}

/* Does the row's own check let it pass? */
static int check(const struct setting *setting, const char *text, int most, char *reason)
{
	if (strlen(text) > (size_t)most) {
		snprintf(reason, SETTING_REASON_MAX, "longer than %d octets", most);
		return -EINVAL;
	}
	return !setting->check || setting->check(text, reason, SETTING_REASON_MAX) ? 0 : -EINVAL;
}

static int parse_string(const struct source *source, void *member)
{
	char *copy = NULL;

	if (!means_unset(source)) {
		if (source->text[0] == '\0' || check(source->setting, source->text, STRING_MAX, source->reason) < 0)
			return -EINVAL;
		copy = strdup(source->text);
		if (!copy)
			return -ENOMEM;
	}
	put_string(member, copy);
	return 0;
}

/* The absolute name, malloc'd; else as setting_parse. */
static int resolve_path(const char *directory, const char *text, char **out, char *reason)
{
	if (text[0] == '\0')
		return -EINVAL;
	if (strcmp(text, "off") == 0) {
		snprintf(reason, SETTING_REASON_MAX, "cannot be turned off (write './off' for a file of that name)");
		return -EINVAL;
	}
	*out = path_resolve(directory, text);
	if (!*out)
		return -ENOMEM;
	if (strlen(*out) < PATH_MAX)
		return 0;
	free(*out);
	snprintf(reason, SETTING_REASON_MAX, "longer than a path can be (%d octets)", PATH_MAX - 1);
	return -EINVAL;
}

static int parse_path(const struct source *source, void *member)
{
	char *path;
	int rc;

	if (means_unset(source) || find_word(source->setting, source->text, strlen(source->text)) != NOT_A_WORD)
		return parse_string(source, member);
	rc = resolve_path(source->directory, source->text, &path, source->reason);
	if (rc == 0)
		put_string(member, path);
	return rc;
}

/* It goes into a request line as it is: visible ASCII only. */
static int parse_target(const struct source *source, void *member)
{
	if (means_unset(source))
		return parse_string(source, member);
	if (source->text[0] != '/')
		return -EINVAL;
	for (const char *at = source->text; *at; at++) {
		if (*at <= ' ' || *at >= 0x7f || *at == '#')
			return -EINVAL;
	}
	return parse_string(source, member);
}

static int parse_listen(const struct source *source, void *member)
{
	(void)member; /* two of them: the list and its length */
	return config_listen_set(source->home, source->text, source->directory, source->reason, SETTING_REASON_MAX);
}

static int add_path(const struct setting *setting, const char *text, const char *directory, struct config_list *list,
		    char *reason)
{
	char *path;
	int rc;

	if (find_word(setting, text, strlen(text)) != NOT_A_WORD)
		return config_list_add(list, text);
	rc = resolve_path(directory, text, &path, reason);
	if (rc < 0)
		return rc;
	rc = config_list_add(list, path);
	free(path);
	return rc;
}

static int add_to_list(const struct setting *setting, const char *text, const char *directory, struct config_list *list,
		       char *reason)
{
	int rc;

	if (setting->type == SETTING_PATHS)
		return add_path(setting, text, directory, list, reason);
	rc = check(setting, text, LIST_TEXT_MAX, reason);
	return rc < 0 ? rc : config_list_add(list, text);
}

static int parse_list(const struct source *source, void *member)
{
	struct config_list fresh = {0}, *list = member;
	char *copy = strdup(source->text), *rest = copy, *text;
	int rc = copy ? 0 : -ENOMEM;

	if (rc == 0 && copy[strspn(copy, " ")] == '\0')
		rest = NULL;
	while (rc == 0 && (text = config_list_next(&rest)) != NULL)
		rc = add_to_list(source->setting, text, source->directory, &fresh, source->reason);
	free(copy);
	if (rc < 0) {
		config_list_free(&fresh);
		return rc;
	}
	config_list_free(list);
	*list = fresh;
	return 0;
}

static int parse_networks(const struct source *source, void *member)
{
	return networks_parse(member, source->text, source->reason, SETTING_REASON_MAX);
}

static int parse_fault(const struct source *source, void *member)
{
	const struct setting *workers = setting_find("workers");
	const char *colon = strchrnul(source->text, ':');
	int word = find_word(source->setting, source->text, (size_t)(colon - source->text));
	struct config_fault fault = {.slot = -1};
	uint64_t slot;

	if (word == NOT_A_WORD)
		return -EINVAL;
	fault.kind = (enum fault_kind)word;
	if (*colon) {
		if (fault.kind == FAULT_OFF || text_parse_u64(colon + 1, &slot) < 0)
			return -EINVAL;
		if (slot >= workers->max) {
			snprintf(source->reason, SETTING_REASON_MAX, "slots are numbered from 0 to %" PRIu64,
				 workers->max - 1);
			return -EINVAL;
		}
		fault.slot = (int)slot;
	}
	*(struct config_fault *)member = fault;
	return 0;
}

typedef int parser(const struct source *source, void *member);

static parser *const parsers[] = {
	[SETTING_BOOL] = parse_bool,       [SETTING_COUNT] = parse_count,       [SETTING_WORD] = parse_word,
	[SETTING_DURATION] = parse_amount, [SETTING_RATE] = parse_amount,       [SETTING_SIZE] = parse_amount,
	[SETTING_STRING] = parse_string,   [SETTING_PATH] = parse_path,         [SETTING_TARGET] = parse_target,
	[SETTING_LISTEN] = parse_listen,   [SETTING_NETWORKS] = parse_networks, [SETTING_FAULT] = parse_fault,
	[SETTING_LIST] = parse_list,       [SETTING_PATHS] = parse_list,
};

int setting_parse(const struct setting *setting, const char *text, const char *directory, void *home, bool quoted,
		  char reason[SETTING_REASON_MAX])
{
	struct source source = {setting, text, directory, home, reason};
	int rc;

	reason[0] = '\0';
	rc = parsers[setting->type](&source, (char *)home + setting->offset);
	if (rc == -EINVAL && reason[0] == '\0')
		setting_want(setting, quoted, reason);
	return rc;
}

int setting_add(const struct setting *setting, const char *text, const char *directory, void *home,
		char reason[SETTING_REASON_MAX])
{
	void *member = (char *)home + setting->offset;
	int rc;

	reason[0] = '\0';
	if (setting->type == SETTING_NETWORKS)
		rc = networks_add(member, text, reason, SETTING_REASON_MAX);
	else
		rc = add_to_list(setting, text, directory, member, reason);
	if (rc == -EINVAL && reason[0] == '\0')
		setting_want(setting, true, reason);
	return rc;
}

void *setting_home(const struct setting *setting, struct config *config)
{
	switch (setting->scope) {
	case SCOPE_SITE:
		return &config->site;
	case SCOPE_LOCATION:
		return &config->site.location;
	case SCOPE_SERVER:
		break;
	}
	return config;
}
