/* SPDX-License-Identifier: MIT
 *
 * brood prove reads an answer that comes in pieces. The first octet is the length of a piece, the second
 * one that of the body that is expected. */
#include "fuzz.h"

#include "prove/prove_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	size_t step = fuzz_octet(&input) + 1, body = fuzz_octet(&input), used;
	char content[256];
	struct answer answer;

	memset(content, 'x', sizeof(content));
	answer_expect(&answer, content, body);
	while (input.left > 0) {
		size_t part;
		const uint8_t *at = fuzz_take(&input, step, &part);
		char *copy = fuzz_copy(at, part);
		enum answer_step result = answer_take(&answer, copy, part, &used);

		FUZZ_CHECK(used <= part);
		FUZZ_CHECK((result == ANSWER_WRONG) == (answer.problem != NULL));
		free(copy);
		if (result == ANSWER_WRONG)
			break;
		if (result == ANSWER_DONE) {
			FUZZ_CHECK(answer.worker.pid > 1);
			answer_expect(&answer, content, body);
		}
	}
	return 0;
}
