/* SPDX-License-Identifier: MIT
 *
 * See listing_answer.h. */
#include "http/files/listing_answer.h"

#include "http/message/accept.h"
#include "http/files/answering.h"
#include "http/message/cond.h"
#include "http/site/header_rules.h"
#include "http/files/file.h"
#include "http/files/listing.h"
#include "http/files/lookup.h"
#include "http/message/request.h"
#include "http/files/response.h"
#include "http/site/site.h"
#include "http/files/status_answer.h"

/* Cache-Control is left out where the location itself has one. */
static struct slice own_fields(const struct http_location *location)
{
	struct slice all = SLICE("Vary: Accept\r\nCache-Control: no-cache\r\n");

	return header_lines_have(location->fields, SLICE("Cache-Control")) ? SLICE("Vary: Accept\r\n") : all;
}

/* It has a tag, but no time at which it changed: conditions on that are not looked at. */
static enum cond_verdict check_tag(const struct request *request, const struct file *listing,
				   const struct response_builder *builder)
{
	bool none_match = request_has(request, FIELD_IF_NONE_MATCH);
	struct validators current = {
		.etag = listing->etag,
		/* Whichever of the two that are left looks at it passes. */
		.last_modified = none_match ? INT64_MIN : INT64_MAX,
	};

	if (!none_match && !request_has(request, FIELD_IF_MATCH))
		return COND_GO_ON;
	response_date(builder, &current.now);
	return cond_check(request, &current);
}

static enum listing_form wanted_form(const struct request *request)
{
	unsigned html = accept_quality(request, SLICE("text/html"), true);
	unsigned json = accept_quality(request, SLICE("application/json"), true);

	return json > html ? LISTING_JSON : LISTING_HTML;
}

int listing_answer(struct listings *listings, const struct answering *at)
{
	enum cond_verdict verdict;
	struct file *listing;
	int error = listings_get(listings, at->location, at->path.name, wanted_form(at->request), at->lookup->now_ms,
				 &listing);

	if (error != 0)
		return error;
	verdict = check_tag(at->request, listing, at->builder);
	if (verdict == COND_FAILED) {
		file_release(listing);
		status_answer(at, 412, SLICE(""));
		return 0;
	}
	response_begin(at->builder, at->response, at->location, verdict == COND_NOT_MODIFIED ? 304 : 200);
	response_field(at->builder, "ETag", listing->etag);
	response_lines(at->builder, own_fields(at->location));
	if (verdict == COND_GO_ON) {
		response_field(at->builder, "Content-Type", listing->type);
		response_field_u64(at->builder, "Content-Length", listing->body.len);
	}
	if (!response_finish(at->builder, at->response) || verdict == COND_NOT_MODIFIED) {
		file_release(listing);
		return 0;
	}
	at->response->body = listing->body;
	at->response->file = listing;
	return 0;
}
