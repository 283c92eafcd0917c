/* SPDX-License-Identifier: MIT
 *
 * A request on its way to its answer: what has been found out about it, for those who make the answer. */
#ifndef BROOD_HTTP_FILES_ANSWERING_H
#define BROOD_HTTP_FILES_ANSWERING_H

#include "http/message/path.h"

struct http_location;
struct lookup;
struct request;
struct response;
struct response_builder;
struct static_site;

struct answering {
	struct static_site *site; /* static.c's own */
	struct lookup *lookup;
	const struct http_location *location; /* NULL: the request is for none */
	const struct request *request;
	struct response_builder *builder;
	struct response *response;
	struct path path;
};

#endif
