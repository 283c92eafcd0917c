/* SPDX-License-Identifier: MIT
 *
 * The first octet chooses what reads the rest: targets, fields and addresses, as pure functions. */
#include "fuzz.h"

#include "base/address.h"
#include "base/network.h"
#include "base/text.h"
#include "http/message/authority.h"
#include "http/message/body.h"
#include "http/message/coding.h"
#include "http/message/cond.h"
#include "http/message/date.h"
#include "http/message/etag.h"
#include "http/client/forwarded.h"
#include "http/message/head.h"
#include "http/site/mime.h"
#include "http/message/path.h"
#include "http/client/proxy_protocol.h"
#include "http/message/range.h"
#include "http/message/request.h"

static void try_path(struct slice text)
{
	char *room = malloc(text.len + 1), location[512];
	struct path path;

	if (text.len > 0 && path_parse(text, room, &path) == 0) {
		FUZZ_CHECK(path.name.len <= text.len);
		FUZZ_CHECK(path.name.len == 0 || path.name.ptr[0] != '/');
		FUZZ_CHECK(path.name.len == 0 || !memchr(path.name.ptr, '\0', path.name.len));
		FUZZ_CHECK(path.name.len == 0 || !memmem(path.name.ptr, path.name.len, "/../", 4));
		FUZZ_CHECK(path.name.len < 2 || memcmp(path.name.ptr, "..", 2) != 0);
		struct head out = {location, location, location + sizeof(location), false};

		path_put_location(&out, &path, true);
		size_t length = out.full ? 0 : head_written(&out).len;

		FUZZ_CHECK(length <= sizeof(location));
		FUZZ_CHECK(length < 2 || (location[0] == '/' && location[1] != '/'));
		for (size_t i = 0; i < length; i++)
			FUZZ_CHECK((unsigned char)location[i] > ' ' && (unsigned char)location[i] < 0x7f);
	}
	free(room);
}

static void try_range(struct slice text)
{
	static const uint64_t sizes[] = {0, 1, 10, 100000, UINT64_MAX / 2, UINT64_MAX};
	struct range_set set;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(&set, 0, sizeof(set));
		if (range_parse(text, sizes[i], &set) != RANGE_SATISFIABLE)
			continue;
		FUZZ_CHECK(set.count > 0 && set.count <= RANGE_COUNT_MAX);
		for (size_t k = 0; k < set.count; k++) {
			FUZZ_CHECK(set.ranges[k].length > 0);
			FUZZ_CHECK(set.ranges[k].first < sizes[i]);
			FUZZ_CHECK(set.ranges[k].length <= sizes[i] - set.ranges[k].first);
		}
		range_join(&set, sizes[i] / 100);
		FUZZ_CHECK(set.count > 0);
		for (size_t k = 1; k < set.count; k++) {
			uint64_t end = set.ranges[k - 1].first + set.ranges[k - 1].length;

			FUZZ_CHECK(set.ranges[k].first > end);
			FUZZ_CHECK(set.ranges[k].first - end > sizes[i] / 100);
		}
	}
}

static void try_date(struct slice text)
{
	char out[DATE_LENGTH];
	int64_t seconds, again;

	if (!date_parse(text, 1800000000, &seconds))
		return;
	date_format(out, seconds);
	FUZZ_CHECK(date_parse((struct slice){out, sizeof(out)}, 1800000000, &again));
	FUZZ_CHECK(again == seconds);
}

/* Fields of one request, one per line. */
static void try_conditions(struct slice text)
{
	static const enum field_id ids[] = {FIELD_IF_MATCH,          FIELD_IF_NONE_MATCH,
					    FIELD_IF_MODIFIED_SINCE, FIELD_IF_UNMODIFIED_SINCE,
					    FIELD_IF_RANGE,          FIELD_RANGE};
	static struct request request;
	struct validators current = {
		.etag = SLICE("\"a-1\""),
		.last_modified = 1000000000,
		.now = 1800000000,
	};

	memset(&request, 0, sizeof(request));
	while (text.len > 0 && request.field_count < 16) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t size = end ? (size_t)(end - text.ptr) : text.len;
		enum field_id id = ids[(unsigned char)text.ptr[0] % 6];

		request.present |= 1u << id;
		request.fields[request.field_count++] =
			(struct request_field){.id = id, .value = slice_trim((struct slice){text.ptr, size})};
		text.ptr += size + (end != NULL);
		text.len -= size + (end != NULL);
	}
	(void)cond_check(&request, &current);
	(void)cond_range_applies(&request, &current);
}

/* Twice the same, and nothing that is not there. */
static void try_coding(struct slice text)
{
	static struct request request;
	struct coding_memory memory = {0};

	memset(&request, 0, sizeof(request));
	request.present = 1u << FIELD_ACCEPT_ENCODING;
	request.field_count = 1;
	request.fields[0] = (struct request_field){.id = FIELD_ACCEPT_ENCODING, .value = text};
	for (unsigned available = 0; available < 1u << CODING_IDENTITY; available++) {
		enum coding coding = coding_choose(&(struct coding_memory){0}, &request, available);

		FUZZ_CHECK(coding == CODING_IDENTITY || (available & 1u << coding) != 0);
		FUZZ_CHECK(coding_choose(&memory, &request, available) == coding);
		FUZZ_CHECK(coding_choose(&memory, &request, available) == coding);
	}
}

static void try_forwarded(struct slice text, enum forwarded_syntax syntax)
{
	struct forwarded_hop hop;
	struct slice rest = text;

	do {
		size_t before = rest.len;

		forwarded_take_last(syntax, &rest, &hop);
		FUZZ_CHECK(rest.len < before || hop.node == FORWARDED_END);
	} while (hop.node != FORWARDED_END);
	rest = text;
	while (forwarded_take_last_word(&rest).len > 0)
		continue;
}

/* However it is cut, the first verdict that is one stays. */
static void try_proxy(struct slice text)
{
	struct proxy_header whole, cut;
	enum proxy_protocol_verdict verdict = proxy_protocol_read(text.ptr, text.len, &whole);

	if (verdict == PROXY_PROTOCOL_COMPLETE)
		FUZZ_CHECK(whole.size <= text.len && whole.size <= PROXY_PROTOCOL_MAX);
	for (size_t size = 0; size < text.len; size += size < 300 ? 1 : 97) {
		char *copy = fuzz_copy(text.ptr, size);
		enum proxy_protocol_verdict early = proxy_protocol_read(copy, size, &cut);

		free(copy);
		if (early != PROXY_PROTOCOL_MORE)
			FUZZ_CHECK(early == verdict && cut.size == whole.size);
	}
}

/* A chunked body: what is content, and where it ends. */
static enum body_verdict read_body(struct slice text, size_t step, uint64_t *content_size, size_t *used)
{
	static const struct body_limits limits = {1000, 40, 60, 4};
	static const struct request request = {.present = 1u << FIELD_TRANSFER_ENCODING};
	enum body_verdict verdict = BODY_MORE;
	struct body body;

	*content_size = *used = 0;
	FUZZ_CHECK(body_begin(&body, &limits, &request) == REFUSAL_NONE);
	while (*used < text.len && (verdict == BODY_MORE || verdict == BODY_CONTENT)) {
		size_t size = text.len - *used < step ? text.len - *used : step;
		char *copy = fuzz_copy(text.ptr + *used, size);
		struct slice input = {copy, size}, content;

		do {
			verdict = body_read(&body, &limits, &input, &content);
			FUZZ_CHECK((verdict == BODY_CONTENT) == (content.len > 0));
			*content_size += content.len;
		} while (verdict == BODY_CONTENT);
		*used += size - input.len;
		free(copy);
	}
	FUZZ_CHECK(*content_size <= limits.size_max);
	return verdict;
}

static void try_body(struct slice text)
{
	uint64_t size[2];
	size_t used[2];
	enum body_verdict whole = read_body(text, text.len, &size[0], &used[0]);

	for (size_t step = 1; step < 8; step += 2)
		FUZZ_CHECK(read_body(text, step, &size[1], &used[1]) == whole && size[0] == size[1] &&
			   used[0] == used[1]);
}

static void try_texts(const char *text)
{
	char reason[64], out[32];
	struct address address;
	struct networks networks = {0};
	uint64_t number, again;

	if (address_parse(text, &address, reason, sizeof(reason)) == 0) {
		char url[ADDRESS_TEXT_MAX + 16];

		address_url(&address, false, url, sizeof(url));
		FUZZ_CHECK(strnlen(address.text, sizeof(address.text)) < sizeof(address.text));
	}
	(void)!networks_parse(&networks, text, reason, sizeof(reason));
	for (size_t i = 0; i < networks.count; i++) {
		char form[NETWORK_TEXT_MAX];

		network_format(&networks.list[i], form);
	}
	networks_free(&networks);
	if (text_parse_duration(text, &number) == 0) {
		text_format_duration(out, sizeof(out), number);
		FUZZ_CHECK(text_parse_duration(out, &again) == 0 && again == number);
	}
	if (text_parse_size(text, &number) == 0) {
		text_format_size(out, sizeof(out), number);
		FUZZ_CHECK(text_parse_size(out, &again) == 0 && again == number);
	}
	for (const char *at = text; *at;) {
		size_t length = text_printable(at);

		FUZZ_CHECK(length <= strlen(at));
		at += length ? length : 1;
	}
	static const char *const words[] = {"workers", "listen", "accept", "root"};

	(void)text_nearest(text, words, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned which = fuzz_octet(&input);
	char *copy = fuzz_copy(input.at, input.left), *string = fuzz_text(input.at, input.left);
	struct slice text = {copy, input.left};
	struct authority authority;
	struct etag etag;

	switch (which % 12) {
	case 0:
		try_path(text);
		break;
	case 1:
		try_range(text);
		break;
	case 2:
		try_date(text);
		break;
	case 3:
		try_conditions(text);
		break;
	case 4:
		try_forwarded(text, FORWARDED_X_FOR);
		break;
	case 5:
		try_forwarded(text, FORWARDED_RFC7239);
		break;
	case 6:
		(void)!authority_parse(text, &authority);
		(void)!etag_parse(text, &etag);
		(void)etag_list_has(text, SLICE("\"a-1\""), false);
		(void)etag_list_has(text, SLICE("\"a-1\""), true);
		break;
	case 7:
		(void)mime_type(NULL, text);
		(void)mime_wants_charset(text);
		break;
	case 8:
		try_texts(string);
		break;
	case 9:
		try_coding(text);
		break;
	case 10:
		try_proxy(text);
		break;
	default:
		try_body(text);
		break;
	}
	free(copy);
	free(string);
	return 0;
}
