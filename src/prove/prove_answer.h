/* SPDX-License-Identifier: MIT
 *
 * Reading one answer, strictly, as it comes in pieces: nothing that differs from what was asked for
 * in status, length or any octet is forgiven. Pure. RFC 9112 sections 4 to 6. */
#ifndef BROOD_PROVE_PROVE_ANSWER_H
#define BROOD_PROVE_PROVE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { ANSWER_HEAD_MAX = 1024 };

/* Who answered, by X-Brood-Worker. pid 0: nobody yet. */
struct answer_worker {
	unsigned slot, generation;
	pid_t pid;
};

struct answer {
	const char *content; /* what the body is to be; borrowed */
	size_t size;
	size_t body_read;
	bool in_body;
	bool says_close; /* Connection: close */
	struct answer_worker worker;
	const char *problem; /* in words, after ANSWER_WRONG */
	size_t head_size;
	char head[ANSWER_HEAD_MAX];
};

enum answer_step { ANSWER_MORE, ANSWER_DONE, ANSWER_WRONG };

/* Gets ready for the answer to a GET whose body must be these octets. */
void answer_expect(struct answer *answer, const char *content, size_t size);

/* Takes what has come; *used says how much of it belongs to this answer. */
enum answer_step answer_take(struct answer *answer, const char *data, size_t size, size_t *used);

#endif
