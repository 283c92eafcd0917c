/* SPDX-License-Identifier: MIT
 *
 * See header_rules.h. */
#include "http/site/header_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum operation { SET, ADD, REMOVE };

struct rule {
	enum operation operation;
	struct slice name, value;
	bool gone; /* a later one has taken it away */
};

static const struct {
	const char *word;
	enum operation operation;
} operations[] = {{"set ", SET}, {"add ", ADD}, {"remove ", REMOVE}};

/* What frames a message, or tells about what is sent, is made for each response. */
static const char *const own_fields[] = {
	"Accept-Ranges",
	"Age",
	"Allow",
	"Connection",
	"Content-Encoding",
	"Content-Length",
	"Content-Range",
	"Content-Type",
	"Date",
	"ETag",
	"Keep-Alive",
	"Last-Modified",
	"Location",
	"Proxy-Authenticate",
	"Proxy-Connection",
	"Retry-After",
	"TE",
	"Trailer",
	"Transfer-Encoding",
	"Upgrade",
	"X-Brood-Worker",
};

static bool is_token_octet(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool header_value_is_valid(const char *value)
{
	for (; *value; value++) {
		if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
			return false;
	}
	return true;
}

/* NULL, or what is wrong. */
static const char *parse(const char *text, struct rule *out)
{
	size_t length = 0;

	*out = (struct rule){0};
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]) && length == 0; i++) {
		if (strncmp(text, operations[i].word, strlen(operations[i].word)) != 0)
			continue;
		out->operation = operations[i].operation;
		length = strlen(operations[i].word);
	}
	if (length == 0)
		return "want \"set NAME: VALUE\", \"add NAME: VALUE\" or \"remove NAME\"";
	text += length + strspn(text + length, " ");
	for (length = 0; is_token_octet(text[length]); length++)
		continue;
	out->name = (struct slice){text, length};
	text += length;
	if (length == 0)
		return "want a field's name after it";
	if (out->operation == REMOVE)
		return text[strspn(text, " ")] == '\0' ? NULL : "want a field's name alone after \"remove\"";
	if (*text != ':')
		return "want \"NAME: VALUE\"";
	out->value = slice_trim(slice_of(text + 1));
	return header_value_is_valid(text) ? NULL : "a field's value has no control characters in it";
}

bool header_rule_is_valid(const char *text, char *reason, size_t room)
{
	struct rule rule;
	const char *wrong = parse(text, &rule);

	if (wrong) {
		snprintf(reason, room, "%s", wrong);
		return false;
	}
	for (size_t i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); i++) {
		if (!slice_equal_nocase(rule.name, slice_of(own_fields[i])))
			continue;
		snprintf(reason, room, "%s is brood's own to make", own_fields[i]);
		return false;
	}
	if (rule.operation != ADD && slice_equal_nocase(rule.name, SLICE("Vary"))) {
		snprintf(reason, room, "Vary can be added to only: brood's own part must stay");
		return false;
	}
	return true;
}

static void take_away(struct rule *rules, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal_nocase(rules[i].name, name))
			rules[i].gone = true;
	}
}

static size_t line_length(const struct rule *rule)
{
	return rule->gone ? 0 : rule->name.len + 2 + rule->value.len + 2;
}

static char *put(char *at, struct slice octets)
{
	if (octets.len > 0)
		memcpy(at, octets.ptr, octets.len);
	return at + octets.len;
}

static int write_lines(const struct rule *rules, size_t count, struct slice *out)
{
	size_t length = 0;
	char *lines, *at;

	for (size_t i = 0; i < count; i++)
		length += line_length(&rules[i]);
	if (length > HEADER_LINES_MAX)
		return -E2BIG;
	lines = at = malloc(length + 1);
	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (rules[i].gone)
			continue;
		at = put(at, rules[i].name);
		at = put(at, SLICE(": "));
		at = put(at, rules[i].value);
		at = put(at, SLICE("\r\n"));
	}
	*out = (struct slice){lines, length};
	return 0;
}

int header_rules_make(const char *const *texts, size_t count, struct slice *out)
{
	struct rule *rules = calloc(count + 1, sizeof(*rules));
	int rc;

	if (!rules)
		return -ENOMEM;
	rules[0] = (struct rule){ADD, SLICE("Server"), SLICE(HEADER_SERVER), false};
	for (size_t i = 1; i <= count; i++) {
		if (parse(texts[i - 1], &rules[i]))
			rules[i].gone = true; /* not valid */
		else if (rules[i].operation != ADD)
			take_away(rules, i, rules[i].name);
		rules[i].gone = rules[i].gone || rules[i].operation == REMOVE;
	}
	rc = write_lines(rules, count + 1, out);
	free(rules);
	return rc;
}

bool header_lines_have(struct slice lines, struct slice name)
{
	const char *at = lines.ptr, *end = lines.ptr + lines.len;

	while (at < end) {
		struct slice line = {at, (size_t)(end - at)};

		if (line.len > name.len && line.ptr[name.len] == ':' &&
		    slice_equal_nocase((struct slice){at, name.len}, name))
			return true;
		at = memchr(at, '\n', line.len);
		at = at ? at + 1 : end;
	}
	return false;
}
