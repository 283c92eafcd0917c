/* SPDX-License-Identifier: MIT
 *
 * A line of the access log, from fields that a client has sent. */
#include "fuzz.h"

#include "brood/log/access_log_format.h"
#include "http/http.h"

static struct slice part(struct fuzz_input *input, void **keep)
{
	size_t size = fuzz_octet(input) * 16u, got;
	const uint8_t *at = fuzz_take(input, size, &got);

	*keep = fuzz_copy(at, got);
	return (struct slice){got ? *keep : NULL, got};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	static access_line_format *const formats[] = {access_line_combined, access_line_json};
	struct access_line_cache caches[2] = {{0}};
	struct sockaddr_storage names[2];
	struct http_log_entry entry = {0};
	char *out = malloc(ACCESS_LINE_MAX);
	void *keep[5];
	size_t length;

	FUZZ_CHECK(out);
	for (unsigned i = 0; i < 2; i++) {
		static const sa_family_t families[] = {AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC};
		unsigned family = fuzz_octet(&input);

		memset(&names[i], 0, sizeof(names[i]));
		fuzz_read(&input, (char *)&names[i] + 2, 26);
		names[i].ss_family = families[family % 4];
	}
	entry.client = (struct sockaddr *)&names[0];
	entry.peer = (struct sockaddr *)&names[1];
	/* A clock's, not a client's: as far as it may go wrong. */
	fuzz_read(&input, &entry.time, 8);
	entry.time %= INT64_C(253402300800);
	entry.https = fuzz_octet(&input) & 1;
	entry.status = fuzz_octet(&input) * 5;
	entry.body_bytes = entry.duration_us = UINT64_MAX - fuzz_octet(&input);
	entry.request_line = part(&input, &keep[0]);
	entry.host = part(&input, &keep[1]);
	entry.referer = part(&input, &keep[2]);
	entry.user_agent = part(&input, &keep[3]);
	entry.request_id = part(&input, &keep[4]);
	for (unsigned i = 0; i < 6; i++) { /* also from what the cache keeps */
		length = formats[i % 2](&caches[i % 2], out, &entry);
		FUZZ_CHECK(length > 0 && length <= ACCESS_LINE_MAX && out[length - 1] == '\n');
		for (size_t k = 0; k + 1 < length; k++)
			FUZZ_CHECK((unsigned char)out[k] >= ' ' && (unsigned char)out[k] < 0x7f);
		if (i % 2)
			entry.client = entry.peer;
	}
	for (unsigned i = 0; i < 5; i++)
		free(keep[i]);
	free(out);
	return 0;
}
