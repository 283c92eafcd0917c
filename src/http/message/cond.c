/* SPDX-License-Identifier: MIT
 *
 * See cond.h. */
#include "http/message/cond.h"

#include "http/message/date.h"
#include "http/message/etag.h"
#include "http/message/request.h"

/* If-Match and If-None-Match: the tags of all their lines are one list, or "*" stands for whatever
 * there is, and there is something. */
static bool any_tag_matches(const struct request *request, enum field_id id, struct slice current, bool strongly)
{
	const struct request_field *field = NULL;

	while ((field = request_field(request, id, field)) != NULL) {
		if (slice_equal(field->value, SLICE("*")) || etag_list_has(field->value, current, strongly))
			return true;
	}
	return false;
}

/* The value of a field that must be there once; false with several lines. */
static bool only_value(const struct request *request, enum field_id id, struct slice *value)
{
	const struct request_field *field = request_field(request, id, NULL);

	if (!field || request_field(request, id, field) != NULL)
		return false;
	*value = field->value;
	return true;
}

/* A date that is no date, or one of several, is as good as none (sections 13.1.3 and 13.1.4). */
static bool date_of(const struct request *request, enum field_id id, int64_t now, int64_t *seconds)
{
	struct slice value;

	return only_value(request, id, &value) && date_parse(value, now, seconds);
}

enum cond_verdict cond_check(const struct request *request, const struct validators *current)
{
	int64_t date;

	if (request_has(request, FIELD_IF_MATCH)) {
		if (!any_tag_matches(request, FIELD_IF_MATCH, current->etag, true))
			return COND_FAILED;
	} else if (request_has(request, FIELD_IF_UNMODIFIED_SINCE) &&
		   date_of(request, FIELD_IF_UNMODIFIED_SINCE, current->now, &date)) {
		if (current->last_modified > date)
			return COND_FAILED;
	}

	if (request_has(request, FIELD_IF_NONE_MATCH)) {
		if (any_tag_matches(request, FIELD_IF_NONE_MATCH, current->etag, false))
			return COND_NOT_MODIFIED;
	} else if (request_has(request, FIELD_IF_MODIFIED_SINCE) &&
		   date_of(request, FIELD_IF_MODIFIED_SINCE, current->now, &date)) {
		if (current->last_modified <= date)
			return COND_NOT_MODIFIED;
	}
	return COND_GO_ON;
}

bool cond_range_applies(const struct request *request, const struct validators *current)
{
	struct slice value;
	struct etag tag;
	int64_t date;

	if (!request_has(request, FIELD_IF_RANGE))
		return true;
	if (!only_value(request, FIELD_IF_RANGE, &value))
		return false;
	if (etag_parse(value, &tag))
		return !tag.weak && slice_equal(tag.opaque, current->etag);

	/* Exactly the date, and only where it is a strong validator (8.8.2.2): within the second
	 * that it names the file may have changed again, and what has the same date in another
	 * coding is not the same. */
	return date_parse(value, current->now, &date) && date == current->last_modified && date < current->now &&
	       !current->of_another;
}
