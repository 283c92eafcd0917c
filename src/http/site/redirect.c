/* SPDX-License-Identifier: MIT
 *
 * See redirect.h. */
#include "http/site/redirect.h"

#include "http/message/authority.h"
#include "http/message/head.h"
#include "http/message/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RULE_MAX = 4096 };

/* --- reading --- */

/* Takes the text up to the next blank. */
static struct slice next_word(const char **at)
{
	struct slice word;

	*at += strspn(*at, " \t");
	word = (struct slice){*at, strcspn(*at, " \t")};
	*at += word.len;
	return word;
}

static bool ends_with_star(struct slice text)
{
	return text.len > 0 && text.ptr[text.len - 1] == '*';
}

/* Reads FROM; its decoded form is written to `room`. NULL, or what is wrong. */
static const char *read_from(struct slice text, char *room, struct redirect *out)
{
	struct path path;

	if (text.len == 0 || text.ptr[0] != '/')
		return "want \"FROM TO [STATUS]\", FROM being a path, as in \"/old /new 301\"";
	if (memchr(text.ptr, '?', text.len) || memchr(text.ptr, '#', text.len))
		return "a query in FROM is never looked at";
	out->prefix = ends_with_star(text);
	if (out->prefix)
		text.len--;
	if (out->prefix && text.ptr[text.len - 1] != '/')
		return "a \"*\" stands for whole segments: it comes behind a slash";
	if (path_parse(text, room, &path) != 0)
		return "no such path is ever asked for (it is hidden, or not encoded as in a URL)";
	memmove(room, path.name.ptr, path.name.len);
	out->from = (struct slice){room, path.name.len};
	return NULL;
}

/* The octets of a URL (RFC 3986), all of them visible ASCII. */
static bool is_url_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || strchr("\"<>\\^`{|}", text.ptr[i]))
			return false;
	}
	return true;
}

/* The length of "http://host", 0 for what has none. */
static size_t origin_length(struct slice text)
{
	static const char *const schemes[] = {"http://", "https://"};
	struct authority authority;

	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(schemes[i]), end = length;

		if (text.len <= length || !slice_equal_nocase((struct slice){text.ptr, length}, slice_of(schemes[i])))
			continue;
		while (end < text.len && !strchr("/?#", text.ptr[end]))
			end++;
		if (authority_parse((struct slice){text.ptr + length, end - length}, &authority))
			return end;
	}
	return 0;
}

static const char *read_to(struct slice text, struct redirect *out)
{
	bool star = ends_with_star(text);
	size_t origin = origin_length(text);

	if (text.len == 0 || (text.ptr[0] != '/' && origin == 0) || !is_url_text(text))
		return "want a path or an http or https URL as TO, encoded as in a URL";
	if (text.len > 1 && text.ptr[0] == '/' && text.ptr[1] == '/')
		return "TO begins with two slashes: write https:// and the host";
	if (star && !out->prefix)
		return "TO ends with \"*\", but FROM does not";
	out->rest = star;
	if (star)
		text.len--;
	if (star && (text.ptr[text.len - 1] != '/' || text.len <= origin))
		return "a \"*\" stands for whole segments: it comes behind a slash";
	if (star && memchr(text.ptr, '?', text.len))
		return "a \"*\" cannot be in a query";
	if (memchr(text.ptr, '#', text.len) && star)
		return "a \"*\" cannot be in a fragment";
	out->to = text;
	return NULL;
}

static const char *read_status(struct slice text, struct redirect *out)
{
	static const unsigned statuses[] = {301, 302, 303, 307, 308};

	out->status = 301;
	if (text.len == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		char digits[8];

		snprintf(digits, sizeof(digits), "%u", statuses[i]);
		out->status = statuses[i];
		if (slice_equal(text, slice_of(digits)))
			return NULL;
	}
	return "want 301, 302, 303, 307 or 308 as STATUS";
}

/* Does it lead to itself, at once or after some more? */
static bool is_loop(const struct redirect *redirect)
{
	char room[RULE_MAX];
	struct path path;

	if (redirect->to.ptr[0] != '/' || redirect->to.len > sizeof(room) || path_parse(redirect->to, room, &path) != 0)
		return false;
	if (!redirect->prefix)
		return slice_equal(path.name, redirect->from);
	return path.name.len >= redirect->from.len &&
	       memcmp(path.name.ptr, redirect->from.ptr, redirect->from.len) == 0;
}

/* `room`: for strlen(rule) octets. NULL, or what is wrong. */
static const char *read_rule(const char *rule, char *room, struct redirect *out)
{
	struct slice from = next_word(&rule), to = next_word(&rule), status = next_word(&rule);
	const char *wrong = next_word(&rule).len > 0 ? "want \"FROM TO [STATUS]\" and no more" : NULL;

	if (!wrong)
		wrong = read_from(from, room, out);
	if (!wrong)
		wrong = read_to(to, out);
	if (!wrong)
		wrong = read_status(status, out);
	if (!wrong && is_loop(out))
		wrong = "it leads back to itself";
	return wrong;
}

bool redirect_is_valid(const char *rule, char *reason, size_t room)
{
	struct redirect redirect;
	char decoded[RULE_MAX];
	const char *wrong = "longer than 4096 octets";

	if (strlen(rule) <= sizeof(decoded))
		wrong = read_rule(rule, decoded, &redirect);
	if (wrong)
		snprintf(reason, room, "%s", wrong);
	return !wrong;
}

/* --- the set --- */

static int compare_text(struct slice a, struct slice b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int compare_exact(const void *a, const void *b)
{
	return compare_text(((const struct redirect *)a)->from, ((const struct redirect *)b)->from);
}

/* The longest first; of two that are equal, the one that was read later. */
static int compare_prefixes(const void *a, const void *b)
{
	const struct redirect *one = a, *other = b;

	if (one->from.len != other->from.len)
		return one->from.len < other->from.len ? 1 : -1;
	return one->from.ptr < other->from.ptr ? 1 : -1;
}

/* Of those with the same FROM, leaves the one that was read last. */
static void drop_doubles(struct redirects *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->exact_count; i++) {
		struct redirect *last = kept > 0 ? &set->exact[kept - 1] : NULL;

		if (!last || compare_exact(last, &set->exact[i]) != 0)
			set->exact[kept++] = set->exact[i];
		else if (last->from.ptr < set->exact[i].from.ptr)
			*last = set->exact[i];
	}
	set->exact_count = kept;
}

int redirects_make(struct redirects *out, const char *const *rules, size_t count)
{
	size_t size = 0;
	char *room;

	for (size_t i = 0; i < count; i++)
		size += strlen(rules[i]);
	*out = (struct redirects){
		.exact = calloc(count + 1, sizeof(*out->exact)),
		.prefixes = calloc(count + 1, sizeof(*out->prefixes)),
		.room = malloc(size + 1),
	};
	if (!out->exact || !out->prefixes || !out->room) {
		redirects_free(out);
		return -ENOMEM;
	}
	room = out->room;
	for (size_t i = 0; i < count; i++) {
		struct redirect redirect;

		if (read_rule(rules[i], room, &redirect))
			continue;
		room += strlen(rules[i]);
		if (redirect.prefix)
			out->prefixes[out->prefix_count++] = redirect;
		else
			out->exact[out->exact_count++] = redirect;
	}
	qsort(out->exact, out->exact_count, sizeof(*out->exact), compare_exact);
	drop_doubles(out);
	qsort(out->prefixes, out->prefix_count, sizeof(*out->prefixes), compare_prefixes);
	return 0;
}

void redirects_free(struct redirects *redirects)
{
	free(redirects->exact);
	free(redirects->prefixes);
	free(redirects->room);
	*redirects = (struct redirects){0};
}

const struct redirect *redirects_find(const struct redirects *set, const struct path *path)
{
	struct redirect key = {.from = path->name}, *found;

	found = bsearch(&key, set->exact, set->exact_count, sizeof(key), compare_exact);
	for (size_t i = 0; !found && i < set->prefix_count; i++) {
		struct slice from = set->prefixes[i].from;

		if (path->name.len >= from.len && memcmp(path->name.ptr, from.ptr, from.len) == 0)
			found = &set->prefixes[i];
	}
	return found;
}

bool redirect_write(const struct redirect *redirect, const struct path *path, struct head *out)
{
	struct slice to = redirect->to, query = path->query;
	const char *fragment = memchr(to.ptr, '#', to.len);
	size_t length = fragment ? (size_t)(fragment - to.ptr) : to.len, from = redirect->from.len;

	head_put(out, (struct slice){to.ptr, length});
	if (redirect->rest)
		path_put_name(out, (struct slice){path->name.ptr + from, path->name.len - from});
	if (query.len > 0 && memchr(to.ptr, '?', length)) {
		head_put(out, query.len > 1 ? SLICE("&") : SLICE(""));
		query = (struct slice){query.ptr + 1, query.len - 1};
	}
	path_put_query(out, query);
	head_put(out, (struct slice){to.ptr + length, to.len - length});
	return !out->full;
}
