/* SPDX-License-Identifier: MIT
 *
 * Files by the path they are asked for ("docs/" and "docs/index.html" are two entries). Only files
 * that exist get in, so that inventing names fills nothing. Bounded in entries, octets and
 * descriptors: the least recently used goes first. What is being sent of an entry that is dropped lives
 * on until that is over. */
#ifndef BROOD_HTTP_FILES_FILE_CACHE_H
#define BROOD_HTTP_FILES_FILE_CACHE_H

#include "base/list.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_entry;
struct http_location;
struct http_site;

struct file_cache_limits {
	size_t entries;
	size_t bytes; /* of files held in memory, with their heads and names */
	size_t fds;
};

/* Private but for what is used. */
struct file_cache {
	struct file_entry **buckets;
	uint64_t mask; /* number of buckets - 1 */
	uint64_t seed;
	struct list in_memory, open;           /* least recently used first */
	struct file_cache_limits limits, used; /* the latter now */
};

/* NULL: no memory. */
struct file_cache *file_cache_new(const struct file_cache_limits *limits);

/* Frees its entries as well. */
void file_cache_free(struct file_cache *cache);

/* The entry, now the most recently used one; NULL for none. */
struct file_entry *file_cache_find(struct file_cache *cache, const struct http_location *location, struct slice key);

/* Takes the entry over, or does nothing when it is larger than the cache may be. There must be no other one of that
 * location and key. */
void file_cache_insert(struct file_cache *cache, struct file_entry *entry);

/* An entry in it is to have so many octets more: others make room. False: it cannot be, or the entry is
 * not in it. */
bool file_cache_grow(struct file_cache *cache, struct file_entry *entry, size_t by) __attribute__((warn_unused_result));

/* Frees the entry. */
void file_cache_remove(struct file_cache *cache, struct file_entry *entry);

/* Drops all files of a site. */
void file_cache_forget(struct file_cache *cache, const struct http_site *site);

/* Drops the least recently used open file, so that its descriptor can be used for something else.
 * False: there is none. */
bool file_cache_shed(struct file_cache *cache);

#endif
