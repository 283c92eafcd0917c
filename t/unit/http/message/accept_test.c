/* SPDX-License-Identifier: MIT
 *
 * What a client would like: media types by Accept, pages by navigating. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asking.h"
#include "http/message/accept.h"

static void add(struct request *request, const char *name, const char *value)
{
	request->fields[request->field_count++] =
		(struct request_field){.name = slice_of(name), .value = slice_of(value)};
}

static unsigned quality(const char *accept, const char *type)
{
	struct request request = asking(METHOD_GET, "/");

	if (accept)
		add(&request, "accept", accept);
	return accept_quality(&request, slice_of(type), true);
}

static void the_closest_range_tells_the_quality(void **state)
{
	static const struct {
		const char *accept, *type;
		unsigned quality;
	} wanted[] = {
		{NULL, "text/html", 1000},
		{"*/*", "text/html", 1000},
		{"text/*", "text/html", 1000},
		{"text/*", "application/json", 0},
		{"text/html;q=0.5, */*;q=0.1", "text/html", 500},
		{"text/html;q=0.5, */*;q=0.1", "application/json", 100},
		{"*/*, text/*;q=0.3, text/html;q=0", "text/html", 0},
		{"text/html;level=1;q=0.7", "text/html", 700},
		{"TEXT/HTML;Q=0.25", "text/html", 250},
		{" , ,application/json ; q=1.000", "application/json", 1000},
		{"application/json;q=2", "application/json", 0},
		{"application/json;q=0.1234", "application/json", 0},
		{"application/json;q=", "application/json", 1000},
		{"application/jsonx", "application/json", 0},
		{"", "text/html", 0},
		{"/", "text/html", 0},
		{"*", "text/html", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (quality(wanted[i].accept, wanted[i].type) != wanted[i].quality)
			fail_msg("%s for %s: %u", wanted[i].type, wanted[i].accept,
				 quality(wanted[i].accept, wanted[i].type));
	}
}

static void several_lines_are_one_list(void **state)
{
	struct request request = asking(METHOD_GET, "/");

	(void)state;
	add(&request, "Accept", "text/*;q=0.2");
	add(&request, "X-Other", "text/html");
	add(&request, "ACCEPT", "text/html;q=0.9");
	assert_int_equal(accept_quality(&request, SLICE("text/html"), true), 900);
	assert_int_equal(accept_quality(&request, SLICE("text/plain"), true), 200);
	assert_int_equal(accept_quality(&request, SLICE("text/plain"), false), 0);
}

static void browsers_that_go_to_a_page_navigate(void **state)
{
	static const struct {
		const char *accept, *mode;
		bool navigates;
	} wanted[] = {
		{"text/html,application/xhtml+xml,*/*;q=0.8", NULL, true},
		{"text/html,application/xhtml+xml,*/*;q=0.8", "navigate", true},
		{"*/*", "navigate", true},
		{"*/*", NULL, false},
		{NULL, NULL, false},
		{"text/html;q=0", NULL, false},
		{"text/*", NULL, false},
		{"text/html", "cors", false},
		{"text/html", "no-cors", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct request request = asking(METHOD_GET, "/");

		if (wanted[i].accept)
			add(&request, "Accept", wanted[i].accept);
		if (wanted[i].mode)
			add(&request, "Sec-Fetch-Mode", wanted[i].mode);
		assert_int_equal(accept_is_navigation(&request), wanted[i].navigates);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_closest_range_tells_the_quality),
		cmocka_unit_test(several_lines_are_one_list),
		cmocka_unit_test(browsers_that_go_to_a_page_navigate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
