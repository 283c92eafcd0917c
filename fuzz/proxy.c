/* SPDX-License-Identifier: MIT
 *
 * The header of the PROXY protocol, whole and cut at each octet. */
#include "fuzz.h"

#include "http/client/proxy_protocol.h"

static enum proxy_protocol_verdict read_piece(const uint8_t *data, size_t size, struct proxy_header *out)
{
	char *copy = fuzz_copy(data, size);
	enum proxy_protocol_verdict verdict = proxy_protocol_read(copy, size, out);

	free(copy);
	return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, piece;
	enum proxy_protocol_verdict verdict = read_piece(data, size, &whole), early;

	if (verdict == PROXY_PROTOCOL_COMPLETE) {
		FUZZ_CHECK(whole.size > 0 && whole.size <= size && whole.size <= PROXY_PROTOCOL_MAX);
		FUZZ_CHECK(!whole.told || whole.source.any.sa_family == AF_INET ||
			   whole.source.any.sa_family == AF_INET6 || whole.source.any.sa_family == AF_UNIX);
	}
	FUZZ_CHECK((verdict == PROXY_PROTOCOL_REFUSED) == (whole.why != NULL));
	for (size_t cut = 0; cut < size && cut < 300; cut++) {
		early = read_piece(data, cut, &piece);
		/* However it comes, it ends in the same way. */
		if (early == PROXY_PROTOCOL_COMPLETE)
			FUZZ_CHECK(verdict == PROXY_PROTOCOL_COMPLETE && piece.size == whole.size);
		else if (early == PROXY_PROTOCOL_REFUSED)
			FUZZ_CHECK(verdict == PROXY_PROTOCOL_REFUSED);
	}
	return 0;
}
