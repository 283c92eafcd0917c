/* SPDX-License-Identifier: MIT
 *
 * What all workers together have seen last: a table in shared memory, of a fixed size, made by the master before it
 * forks. Each worker's cache holds files as they were when it looked at them last. Whoever has seen another version
 * tells so here, before the first octet of it is sent; whoever is about to send what it has looks here first, which is
 * one load, and at the disk when something was told. So nobody who has got a version gets one from before it, from
 * whichever worker.
 *
 * A name has a word, with a count and part of a number that stands for the version that was told last. Names that
 * share a word by accident cost each other looks at the disk, nothing else; so does a worker that was taken over and
 * writes here what it likes: at worst each answer is looked up on disk, or a change is noticed as late as it would be
 * without the table. There are no locks, and no moment at which a death would leave anything undone. */
#ifndef BROOD_HTTP_SITE_EPOCHS_H
#define BROOD_HTTP_SITE_EPOCHS_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct epochs;

/* In a memory file that can neither grow nor shrink; memory that is not used is not taken: 2 MiB when all of it is.
 * NULL and errno. */
struct epochs *epochs_new(void);
void epochs_free(struct epochs *epochs); /* NULL is allowed */

/* What another image of this process needs to have the same table: its descriptor, which stays the table's, and the
 * seed of its hash. */
int epochs_fd(const struct epochs *epochs);
uint64_t epochs_seed(const struct epochs *epochs);

/* In a child, which has the memory, and in which the descriptor is closed. */
void epochs_in_child(struct epochs *epochs);

/* The table of that image; takes fd. NULL and errno, and the fd is still the caller's: it is no table as this version
 * makes them. */
struct epochs *epochs_take(int fd, uint64_t seed);

/* What a name is looked at for. */
enum epoch_kind {
	EPOCH_FILE,    /* what is there under the name itself */
	EPOCH_PATH,    /* which file answers for it */
	EPOCH_LISTING, /* what is in it */
	EPOCH_ROOT,    /* which folder a root's path leads to; these share no word with the others */
};

/* What one has seen, and the word that says whether that still holds. */
struct epoch {
	uint64_t *word;
	uint64_t value;
};

/* To be called before one looks at the disk. `whose`: a number for the root (http_site.identity). */
struct epoch epoch_begin(const struct epochs *epochs, uint64_t whose, enum epoch_kind kind, struct slice name);

/* The same for what has been looked at before. */
struct epoch epoch_again(const struct epoch *epoch);

/* Was that version the last one that was told, when this was seen? */
bool epoch_is_of(const struct epoch *epoch, uint64_t version);

/* To be called once one has looked, and before anything of it is sent. `version`: equal only for what is the same.
 * *epoch holds from here on, unless somebody else has seen something else meanwhile. */
void epoch_tell(struct epoch *epoch, uint64_t version);

/* Has nobody seen anything else since? */
static inline bool epoch_holds(const struct epoch *epoch)
{
	return __atomic_load_n(epoch->word, __ATOMIC_ACQUIRE) == epoch->value;
}

/* --- numbers for versions --- */

uint64_t version_add(uint64_t version, uint64_t more);
uint64_t version_add_octets(uint64_t version, struct slice octets);

#endif
