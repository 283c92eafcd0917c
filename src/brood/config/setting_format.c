/* SPDX-License-Identifier: MIT
 *
 * From values to text, by the setting's type; comparing and freeing them. The way in is in
 * setting_value.c. */
#include "brood/config/setting_value.h"

#include "base/network.h"
#include "base/text.h"
#include "brood/config/config_listen.h"
#include "brood/system/config_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT_TEXT_MAX = 32 };

static const void *member_of(const struct setting *setting, const void *home)
{
	return (const char *)home + setting->offset;
}

static const char *string_of(const struct setting *setting, const void *home)
{
	return *(char *const *)member_of(setting, home);
}

static unsigned count_of(const struct setting *setting, const void *home)
{
	return *(const unsigned *)member_of(setting, home);
}

typedef void amount_format(char *out, size_t room, uint64_t amount);

static void format_count(char *out, size_t room, uint64_t count)
{
	snprintf(out, room, "%" PRIu64, count);
}

/* What may be written, and, of amounts, how they are. */
static const struct {
	const char *what;
	amount_format *format;
	const char *examples;
} values[] = {
	[SETTING_BOOL] = {.what = "true or false"},
	[SETTING_COUNT] = {"a number", format_count, ""},
	[SETTING_WORD] = {.what = ""}, /* words only */
	[SETTING_DURATION] = {"a duration", text_format_duration, " (500ms, 10s, 5m)"},
	[SETTING_SIZE] = {"a size", text_format_size, " (512, 64k, 10m)"},
	[SETTING_RATE] = {"a rate", text_format_rate, " (100/s, 30/m, 5/h)"},
	[SETTING_STRING] = {.what = "a text"},
	[SETTING_LIST] = {.what = "texts"},
	[SETTING_PATH] = {.what = "a path"},
	[SETTING_PATHS] = {.what = "paths"},
	[SETTING_TARGET] = {.what = "the path of a URL, from the / on"},
	[SETTING_LISTEN] = {.what = "ADDRESS:PORT, a port, or unix:/path, with tls: in front for TLS"},
	[SETTING_NETWORKS] = {.what = "networks (10.0.0.0/8, 192.0.2.7, 2001:db8::/32, unix, all)"},
	[SETTING_FAULT] = {.what = ""},
};

static int quote_amount(struct buffer *out, const struct setting *setting, uint64_t amount)
{
	char text[UNIT_TEXT_MAX];

	if (amount == 0 && setting->words)
		return report_quote(out, setting->words[0]);
	values[setting->type].format(text, sizeof(text), amount);
	return report_quote(out, text);
}

static int format_fault(const struct setting *setting, const struct config_fault *fault, struct buffer *out)
{
	if (fault->slot < 0)
		return report_quote(out, setting->words[fault->kind]);
	return buffer_printf(out, "\"%s:%d\"", setting->words[fault->kind], fault->slot);
}

/* "[]", or one string as it is, or an array. */
static int format_networks(const struct networks *set, struct buffer *out)
{
	char text[NETWORK_TEXT_MAX];
	int rc = set->count == 1 ? 0 : buffer_printf(out, "[");

	for (size_t i = 0; rc == 0 && i < set->count; i++) {
		network_format(&set->list[i], text);
		if (i > 0)
			rc = buffer_printf(out, ", ");
		if (rc == 0)
			rc = report_quote(out, text);
	}
	if (rc == 0 && set->count != 1)
		rc = buffer_printf(out, "]");
	return rc;
}

int setting_format(const struct setting *setting, const void *home, struct buffer *out)
{
	const void *member = member_of(setting, home);
	const char *text;

	switch (setting->type) {
	case SETTING_BOOL:
		return buffer_printf(out, "%s", *(const bool *)member ? "true" : "false");
	case SETTING_COUNT:
		if (count_of(setting, home) == 0 && setting->words)
			return report_quote(out, setting->words[0]);
		return buffer_printf(out, "%u", count_of(setting, home));
	case SETTING_WORD:
		return report_quote(out, setting->words[count_of(setting, home)]);
	case SETTING_DURATION:
	case SETTING_SIZE:
	case SETTING_RATE:
		return quote_amount(out, setting, *(const uint64_t *)member);
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_TARGET:
		text = string_of(setting, home);
		return report_quote(out, text ? text : setting->unset);
	case SETTING_LISTEN:
		return config_listen_format(home, out);
	case SETTING_LIST:
	case SETTING_PATHS:
		return config_list_format(member, out);
	case SETTING_NETWORKS:
		return format_networks(member, out);
	case SETTING_FAULT:
		return format_fault(setting, member, out);
	}
	return 0;
}

static bool string_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool setting_equal(const struct setting *setting, const void *a, const void *b)
{
	switch (setting->type) {
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_TARGET:
		return string_equal(string_of(setting, a), string_of(setting, b));
	case SETTING_LISTEN:
		return config_listen_equal(a, b);
	case SETTING_LIST:
	case SETTING_PATHS:
		return config_list_equal(member_of(setting, a), member_of(setting, b));
	case SETTING_NETWORKS:
		return networks_equal(member_of(setting, a), member_of(setting, b));
	default: /* without pointers and without gaps */
		return memcmp(member_of(setting, a), member_of(setting, b), setting->size) == 0;
	}
}

void setting_clear(const struct setting *setting, void *home)
{
	void *member = (char *)home + setting->offset;
	struct config *config = home;
	char **string = member;

	switch (setting->type) {
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_TARGET:
		free(*string);
		*string = NULL;
		break;
	case SETTING_LISTEN:
		free(config->listen);
		config->listen = NULL;
		config->listen_count = 0;
		break;
	case SETTING_LIST:
	case SETTING_PATHS:
		config_list_free(member);
		break;
	case SETTING_NETWORKS:
		networks_free(member);
		break;
	default:
		break;
	}
}

void setting_borrow(const struct setting *setting, void *home, const void *from)
{
	/* The two members of listeners are the server's alone. */
	memcpy((char *)home + setting->offset, member_of(setting, from), setting->size);
}

/* The rest of what may be written. */
static void want_value(const struct setting *setting, char *out, size_t room)
{
	char least[UNIT_TEXT_MAX], most[UNIT_TEXT_MAX];
	amount_format *format = values[setting->type].format;

	if (!format) {
		snprintf(out, room, "%s", values[setting->type].what);
		return;
	}
	format(least, sizeof(least), setting->min);
	format(most, sizeof(most), setting->max);
	snprintf(out, room, "%s from %s to %s%s", values[setting->type].what, least, most,
		 values[setting->type].examples);
}

void setting_want(const struct setting *setting, bool quoted, char reason[SETTING_REASON_MAX])
{
	const char *quote = quoted ? "\"" : "", *const *words = setting->words;
	size_t used;

	if (setting->want) {
		snprintf(reason, SETTING_REASON_MAX, "%s", setting->want);
		return;
	}
	snprintf(reason, SETTING_REASON_MAX, "want ");
	used = strlen(reason);
	want_value(setting, reason + used, SETTING_REASON_MAX - used);
	for (size_t i = 0; words && words[i]; i++) {
		const char *joint = words[i + 1] ? ", " : i > 0 ? " or " : ", or ";

		used = strlen(reason);
		if (i == 0 && setting->type == SETTING_WORD)
			joint = "";
		snprintf(reason + used, SETTING_REASON_MAX - used, "%s%s%s%s", joint, quote, words[i], quote);
	}
}
