/* SPDX-License-Identifier: MIT
 *
 * A listing as the answer to a request: the form by Accept, conditions by its tag. */
#ifndef BROOD_HTTP_FILES_LISTING_ANSWER_H
#define BROOD_HTTP_FILES_LISTING_ANSWER_H

#include "base/slice.h"

#include <stdint.h>

struct http_location;
struct listings;
struct request;
struct response;
struct response_maker;

/* Of the directory `name`, as for listings_get. 0, or -errno when there is no answer yet. */
int listing_answer(struct listings *listings, const struct http_location *location, struct slice name, uint64_t now_ms,
		   const struct request *request, struct response_maker *maker, struct response *response)
	__attribute__((warn_unused_result));

#endif
