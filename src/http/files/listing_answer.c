/* SPDX-License-Identifier: MIT
 *
 * See listing_answer.h. */
#include "http/files/listing_answer.h"

#include "http/message/accept.h"
#include "http/message/cond.h"
#include "http/site/fields.h"
#include "http/files/file.h"
#include "http/files/file_cache.h"
#include "http/files/listing.h"
#include "http/message/request.h"
#include "http/files/response.h"
#include "http/files/static.h"
#include "http/site/site.h"

/* Cache-Control is left out where the location itself has one. */
static struct slice own_fields(const struct http_location *location)
{
	struct slice all = SLICE("Vary: Accept\r\nCache-Control: no-cache\r\n");

	return fields_have(location->fields, SLICE("Cache-Control")) ? SLICE("Vary: Accept\r\n") : all;
}

/* It has a tag, but no time at which it changed: conditions on that are not looked at. */
static enum cond_verdict check_tag(const struct request *request, const struct file *listing,
				   const struct response_maker *maker)
{
	bool none_match = request_has(request, FIELD_IF_NONE_MATCH);
	struct validators current = {
		.etag = listing->etag,
		/* Whichever of the two that are left looks at it passes. */
		.last_modified = none_match ? INT64_MIN : INT64_MAX,
	};

	if (!none_match && !request_has(request, FIELD_IF_MATCH))
		return COND_GO_ON;
	response_date(maker, &current.now);
	return cond_check(request, &current);
}

static enum listing_form wanted_form(const struct request *request)
{
	unsigned html = accept_quality(request, SLICE("text/html"), true);
	unsigned json = accept_quality(request, SLICE("application/json"), true);

	return json > html ? LISTING_JSON : LISTING_HTML;
}

int listing_answer(struct listings *listings, const struct http_location *location, struct slice name, uint64_t now_ms,
		   const struct request *request, struct response_maker *maker, struct response *response)
{
	enum cond_verdict verdict;
	struct file *listing;
	int error = listings_get(listings, location, name, wanted_form(request), now_ms, &listing);

	if (error != 0)
		return error;
	verdict = check_tag(request, listing, maker);
	if (verdict == COND_FAILED) {
		file_release(listing);
		response_simple(maker, response, 412, SLICE(""));
		return 0;
	}
	response_begin(maker, response, verdict == COND_NOT_MODIFIED ? 304 : 200);
	response_field(maker, "ETag", listing->etag);
	response_lines(maker, own_fields(location));
	if (verdict == COND_GO_ON) {
		response_field(maker, "Content-Type", listing->type);
		response_field_u64(maker, "Content-Length", listing->body.len);
	}
	if (!response_finish(maker, response) || verdict == COND_NOT_MODIFIED) {
		file_release(listing);
		return 0;
	}
	response->body = listing->body;
	response->file = listing;
	return 0;
}
