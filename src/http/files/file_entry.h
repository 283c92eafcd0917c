/* SPDX-License-Identifier: MIT
 *
 * What the cache has under a key: a file, its other codings, and whether both are still what is on disk. The other
 * codings are files of their own, with heads and tags of their own, that are loaded and looked after together with the
 * one that they are codings of, their source.
 *
 * An entry is the cache's, or else its finder's. Who has found one takes a file out of it before anything else is
 * looked up, and is done with the entry then. */
#ifndef BROOD_HTTP_FILES_FILE_ENTRY_H
#define BROOD_HTTP_FILES_FILE_ENTRY_H

#include "base/list.h"
#include "http/files/file.h"
#include "http/files/siblings.h"
#include "http/site/epochs.h"

struct file_source;
struct http_location;

enum { FILE_ENTRY_FRESH_MS = 1000 }; /* from one look at the disk to the next */

struct variants {
	struct siblings siblings;            /* as they were when the source was loaded */
	struct file *files[CODING_IDENTITY]; /* a reference each; NULL: not there */
	bool no_gain;                        /* gzip of it would not be smaller, or there is no room for it */
};

struct file_entry {
	struct file *file;         /* as it is */
	struct variants *variants; /* NULL: none */

	/* The cache's. */
	struct list *list; /* one of its two; NULL: the entry is not in the cache */
	struct file_entry *bucket_next;
	uint64_t hash;
	struct list by_use;

	const struct http_location *location; /* that has the file */
	struct slice key;                     /* what the file is asked for as */
	const char *name;                     /* of the file below the root; begins with the key */

	uint64_t checked_ms; /* when the file was last seen to be what is on disk */
	struct epoch seen;   /* whether anybody has seen something else there since */
	struct epoch way;    /* the same for another file that answers for the key of a provisional one */
	uint64_t version;    /* of the file with its siblings, for epochs.h */
	bool provisional;    /* something that goes before the file may come into being under the key */
	bool doubtful;       /* whether there are variants could not be told: nothing was checked */
	bool settled;        /* false: not to be kept, since the file is not, or a variant */
};

/* Loads a file with its variants. `key_length`: how much of the name is its key. 0 or -errno, as for file_load. */
int file_entry_load(const struct file_source *source, const struct http_location *location, const char *name,
		    size_t key_length, struct file_entry **out) __attribute__((warn_unused_result));

void file_entry_free(struct file_entry *entry);

/* Takes a file of the entry: a reference for the caller, who is done with the entry. */
struct file *file_entry_take(struct file_entry *entry, struct file *file);

/* Nothing is taken: the finder is done with the entry all the same. */
static inline void file_entry_leave(struct file_entry *entry)
{
	if (!entry->list)
		file_entry_free(entry);
}

/* Is the name still that of the same, unchanged file, with the same siblings? 1 or 0; -errno when it cannot be told
 * because there are no descriptors or no memory left: what is here can be served, its successor cannot. */
int file_entry_is_current(const struct file_entry *entry) __attribute__((warn_unused_result));

/* Has the entry compared with what is on disk when it is found the next time. */
static inline void file_entry_doubt(struct file_entry *entry)
{
	entry->checked_ms -= FILE_ENTRY_FRESH_MS;
}

/* What an entry costs: octets held in memory in place of open files, and open files. */
size_t file_entry_bytes(const struct file_entry *entry);
size_t file_entry_fds(const struct file_entry *entry);

#endif
