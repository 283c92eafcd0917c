/* SPDX-License-Identifier: MIT
 *
 * See file_cache.h. A hash table with chains, and two lists by use: files in memory and open ones,
 * as the two are bounded by different things. */
#include "http/files/file_cache.h"

#include "http/files/file_entry.h"
#include "http/site/site.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

enum { BUCKETS_MIN = 64, BUCKETS_MAX = 1 << 20 };

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

/* Eight octets a step: multiply, then fold the high half, which is the well mixed one, into the low
 * one. The last step may take octets for a second time, which is quicker than taking them one by
 * one. The seed keeps whoever can choose file names (uploads) from choosing buckets. */
static uint64_t hash_of(const struct file_cache *cache, const struct http_location *location, struct slice key)
{
	uint64_t hash = mix(cache->seed ^ (uintptr_t)location, key.len), word = 0;
	size_t at = 0;

	for (; at + 8 < key.len; at += 8) {
		memcpy(&word, key.ptr + at, 8);
		hash = mix(hash, word);
	}
	if (key.len >= 8) {
		memcpy(&word, key.ptr + key.len - 8, 8);
		return mix(hash, word);
	}
	word = 0;
	for (; at < key.len; at++)
		word = word << 8 | (unsigned char)key.ptr[at];
	return mix(hash, word);
}

struct file_cache *file_cache_new(const struct file_cache_limits *limits)
{
	struct file_cache *cache = calloc(1, sizeof(*cache));
	size_t count = BUCKETS_MIN;

	if (!cache)
		return NULL;
	while (count < limits->entries && count < BUCKETS_MAX)
		count *= 2;
	cache->buckets = calloc(count, sizeof(struct file_entry *));
	if (!cache->buckets) {
		free(cache);
		return NULL;
	}
	cache->mask = count - 1;
	/* Early in a machine's life there may be no randomness yet; an address will do. */
	if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) < 0)
		cache->seed = (uintptr_t)cache->buckets;
	list_init(&cache->in_memory);
	list_init(&cache->open);
	cache->limits = *limits;
	return cache;
}

static bool drop_oldest(struct file_cache *cache, struct list *list)
{
	if (list_empty(list))
		return false;
	file_cache_remove(cache, LIST_ENTRY(list->next, struct file_entry, by_use));
	return true;
}

/* The oldest of either kind: open files can have variants in memory. */
static bool drop_any(struct file_cache *cache)
{
	return drop_oldest(cache, &cache->in_memory) || drop_oldest(cache, &cache->open);
}

void file_cache_free(struct file_cache *cache)
{
	if (!cache)
		return;
	while (drop_any(cache))
		continue;
	free(cache->buckets);
	free(cache);
}

struct file_entry *file_cache_find(struct file_cache *cache, const struct http_location *location, struct slice key)
{
	uint64_t hash = hash_of(cache, location, key);
	struct file_entry *entry = cache->buckets[hash & cache->mask];

	while (entry && (entry->hash != hash || entry->location != location || !slice_equal(entry->key, key)))
		entry = entry->bucket_next;
	if (!entry)
		return NULL;
	if (entry->list->prev != &entry->by_use) {
		list_remove(&entry->by_use);
		list_append(entry->list, &entry->by_use);
	}
	return entry;
}

void file_cache_insert(struct file_cache *cache, struct file_entry *entry)
{
	const struct file_cache_limits *limits = &cache->limits;
	struct file_cache_limits *used = &cache->used;
	size_t bytes = file_entry_bytes(entry), fds = file_entry_fds(entry);
	struct file_entry **bucket;

	if (limits->entries == 0 || bytes > limits->bytes || fds > limits->fds)
		return;
	while (used->bytes + bytes > limits->bytes)
		drop_any(cache);
	while (used->fds + fds > limits->fds)
		drop_oldest(cache, &cache->open);
	while (used->entries + 1 > limits->entries)
		drop_any(cache);

	assert(!entry->list);
	entry->hash = hash_of(cache, entry->location, entry->key);
	bucket = &cache->buckets[entry->hash & cache->mask];
	entry->bucket_next = *bucket;
	*bucket = entry;
	entry->list = fds > 0 ? &cache->open : &cache->in_memory;
	list_append(entry->list, &entry->by_use);
	used->entries++;
	used->bytes += bytes;
	used->fds += fds;
}

void file_cache_remove(struct file_cache *cache, struct file_entry *entry)
{
	struct file_entry **link = &cache->buckets[entry->hash & cache->mask];

	assert(entry->list);
	while (*link != entry)
		link = &(*link)->bucket_next;
	*link = entry->bucket_next;
	list_remove(&entry->by_use);
	cache->used.entries--;
	cache->used.bytes -= file_entry_bytes(entry);
	cache->used.fds -= file_entry_fds(entry);
	file_entry_free(entry);
}

/* NULL: there is none but this one. */
static struct file_entry *oldest_but(const struct list *list, const struct file_entry *entry)
{
	struct list *at = list->next;

	if (at != list && LIST_ENTRY(at, struct file_entry, by_use) == entry)
		at = at->next;
	return at == list ? NULL : LIST_ENTRY(at, struct file_entry, by_use);
}

bool file_cache_grow(struct file_cache *cache, struct file_entry *entry, size_t by)
{
	struct file_cache_limits *used = &cache->used;

	if (!entry->list || file_entry_bytes(entry) + by > cache->limits.bytes)
		return false;
	while (used->bytes + by > cache->limits.bytes) {
		struct file_entry *victim = oldest_but(&cache->in_memory, entry);

		if (!victim)
			victim = oldest_but(&cache->open, entry);
		if (!victim)
			return false;
		file_cache_remove(cache, victim);
	}
	used->bytes += by;
	return true;
}

static void forget(struct file_cache *cache, struct list *list, const struct http_site *site)
{
	for (struct list *at = list->next, *next; at != list; at = next) {
		struct file_entry *entry = LIST_ENTRY(at, struct file_entry, by_use);

		next = at->next;
		if (entry->location->site == site)
			file_cache_remove(cache, entry);
	}
}

void file_cache_forget(struct file_cache *cache, const struct http_site *site)
{
	forget(cache, &cache->in_memory, site);
	forget(cache, &cache->open, site);
}

bool file_cache_shed(struct file_cache *cache)
{
	return drop_oldest(cache, &cache->open);
}
