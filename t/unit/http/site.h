/* SPDX-License-Identifier: MIT
 *
 * For tests: a site of static files on a directory that is thrown away, asked without a connection.
 */
#ifndef BROOD_UNIT_HTTP_SITE_H
#define BROOD_UNIT_HTTP_SITE_H

#include "http/site/epochs.h"
#include "http/http.h"
#include "http/message/request.h"
#include "http/files/response.h"
#include "root.h"

struct response_builder;
struct static_site;

enum { LONG_AGO = 1000000000, BODY_MAX = 1000, FDS_MAX = 4 };
#define LONG_AGO_DATE "Sun, 09 Sep 2001 01:46:40 GMT"

struct fixture {
	struct root root;
	struct http_options options; /* files above BODY_MAX are open ones, FDS_MAX of them are kept */
	struct epochs *epochs;
	struct static_site *site;
	struct response_builder *builder;
	struct response response; /* the last one; its file is released by the next ask */
	uint64_t now_ms;
};

/* For cmocka: *state is a struct fixture. */
int site_setup(void **state);
int site_teardown(void **state);

void pass_ms(struct fixture *fixture, unsigned ms);

/* Each returns the status. */
unsigned ask(struct fixture *fixture, const char *target);
unsigned ask_with(struct fixture *fixture, const struct request *request);
unsigned ask_field(struct fixture *fixture, const char *target, enum field_id id, const char *value);

/* The value of a field that must be there at most once; "" when it is not. Valid until the next
 * call. */
const char *field_of(const struct response *response, const char *name);

/* The octets of the body, wherever they are; as a string, for small ones. */
const char *body_of(const struct response *response);

void assert_field(struct fixture *fixture, const char *name, const char *wanted);
void assert_body(struct fixture *fixture, const char *wanted);

#endif
