/* SPDX-License-Identifier: MIT
 *
 * A listing as the answer to a request: the form by Accept, conditions by its tag. */
#ifndef BROOD_HTTP_FILES_LISTING_ANSWER_H
#define BROOD_HTTP_FILES_LISTING_ANSWER_H

struct answering;
struct listings;

/* Of the directory that the path names. 0, or -errno when there is no answer yet. */
int listing_answer(struct listings *listings, const struct answering *at) __attribute__((warn_unused_result));

#endif
