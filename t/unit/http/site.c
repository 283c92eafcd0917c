/* SPDX-License-Identifier: MIT
 *
 * See site.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "http/files/file.h"
#include "http/files/static.h"
#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int site_setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	root_make(&fixture->root);
	fixture->options.epochs = fixture->epochs = epochs_new();
	fixture->options.root_fd = fixture->root.fd;
	fixture->options.cache_body_max = BODY_MAX;
	fixture->options.cache_fds = FDS_MAX;
	fixture->builder = response_builder_new(NULL);
	fixture->site = static_site_new(&fixture->options, fixture->builder);
	if (!fixture->epochs || !fixture->site || !fixture->builder)
		return -1;
	*state = fixture;
	return 0;
}

int site_teardown(void **state)
{
	struct fixture *fixture = *state;

	file_release(fixture->response.file);
	static_site_free(fixture->site);
	response_builder_free(fixture->builder);
	epochs_free(fixture->epochs);
	root_remove(&fixture->root);
	free(fixture);
	return 0;
}

unsigned ask_with(struct fixture *fixture, const struct request *request)
{
	file_release(fixture->response.file);
	static_answer(fixture->site, request, &fixture->response);
	return fixture->response.status;
}

unsigned ask(struct fixture *fixture, const char *target)
{
	struct request request = asking(METHOD_GET, target);

	return ask_with(fixture, &request);
}

unsigned ask_field(struct fixture *fixture, const char *target, enum field_id id, const char *value)
{
	struct request request = asking(METHOD_GET, target);

	asking_field(&request, id, value);
	return ask_with(fixture, &request);
}

const char *field_of(const struct response *response, const char *name)
{
	static char value[512];
	const char *at = response->head.ptr, *end = at + response->head.len;
	size_t size = strlen(name), found = 0;

	value[0] = '\0';
	while (at < end) {
		const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);

		assert_non_null(line_end);
		if ((size_t)(line_end - at) > size + 2 && memcmp(at, name, size) == 0 &&
		    memcmp(at + size, ": ", 2) == 0) {
			found++;
			snprintf(value, sizeof(value), "%.*s", (int)(line_end - at - (int)size - 2), at + size + 2);
		}
		at = line_end + 2;
	}
	assert_true(found <= 1);
	return value;
}

void assert_field(struct fixture *fixture, const char *name, const char *wanted)
{
	assert_string_equal(field_of(&fixture->response, name), wanted);
}

const char *body_of(const struct response *response)
{
	static char body[4096];
	size_t size = response->body.len;

	if (response->file_fd != -1) {
		size = (size_t)response->file_length;
		assert_true(size < sizeof(body));
		assert_int_equal(pread(response->file_fd, body, size, (off_t)response->file_offset), size);
	} else {
		assert_true(size < sizeof(body));
		if (size > 0)
			memcpy(body, response->body.ptr, size);
	}
	body[size] = '\0';
	return body;
}

void assert_body(struct fixture *fixture, const char *wanted)
{
	assert_string_equal(body_of(&fixture->response), wanted);
}

void pass_ms(struct fixture *fixture, unsigned ms)
{
	fixture->now_ms += ms;
	static_site_tick(fixture->site, fixture->now_ms);
}
