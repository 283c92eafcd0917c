/* SPDX-License-Identifier: MIT
 *
 * For tests: requests as the parser would hand them on. */
#ifndef BROOD_UNIT_HTTP_ASKING_H
#define BROOD_UNIT_HTTP_ASKING_H

#include "http/message/request.h"

#include <assert.h>

static inline struct request asking(enum request_method method, const char *target)
{
	return (struct request){.method = method, .target = slice_of(target), .minor_version = 1, .keep_alive = true};
}

static inline void asking_field(struct request *request, enum field_id id, const char *value)
{
	assert(request->field_count < REQUEST_FIELDS_MAX);
	request->fields[request->field_count++] = (struct request_field){.id = id, .value = slice_of(value)};
	request->present |= 1u << id;
}

#endif
