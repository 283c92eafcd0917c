/* SPDX-License-Identifier: MIT
 *
 * What all targets share. A target is a file with LLVMFuzzerTestOneInput: it reads its input as
 * somebody outside would send it, and ends the process when something promised does not hold.
 *
 * With clang and --enable-fuzz they are linked to libFuzzer, which looks for inputs that reach new
 * code. Otherwise driver.c runs them, on the corpus and on changes of it from a fixed seed. */
#ifndef BROOD_FUZZ_FUZZ_H
#define BROOD_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(promise)                                                                   \
	do {                                                                                  \
		if (!(promise)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #promise); \
			abort();                                                              \
		}                                                                             \
	} while (0)

/* What is left of an input. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline unsigned fuzz_octet(struct fuzz_input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

/* At most `size` octets; *out is how many. */
static inline const uint8_t *fuzz_take(struct fuzz_input *input, size_t size, size_t *out)
{
	const uint8_t *at = input->at;

	*out = size < input->left ? size : input->left;
	input->at += *out;
	input->left -= *out;
	return at;
}

/* Into *out, as far as there is something left. */
static inline void fuzz_read(struct fuzz_input *input, void *out, size_t size)
{
	size_t got;
	const uint8_t *at = fuzz_take(input, size, &got);

	if (got > 0)
		memcpy(out, at, got);
}

/* A copy without an octet behind it, so that the sanitizer sees whoever reads one. Never NULL. */
static inline void *fuzz_copy(const void *data, size_t size)
{
	void *copy = calloc(1, size > 0 ? size : 1);

	FUZZ_CHECK(copy);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* The same as a text, NUL behind it. */
static inline char *fuzz_text(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_CHECK(text);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
