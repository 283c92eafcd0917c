/* SPDX-License-Identifier: MIT
 *
 * See variants.h. */
#include "http/files/variants.h"

#include "http/files/file_cache.h"
#include "http/files/file_entry.h"
#include "http/files/file_make.h"
#include "http/files/gzip.h"
#include "http/message/request.h"

#include <stdlib.h>

enum { FIELD_COST = sizeof("Content-Encoding: gzip\r\n") };

/* NULL: not smaller, or no memory. */
static struct file *compress(const struct variants_maker *by, const struct file_entry *entry)
{
	const struct file *file = entry->file;
	struct file_facts facts = {
		.location = entry->location,
		.name = slice_of(entry->name),
		.type = file->type,
		.stamp = file->stamp,
		.settled = true,
		.coding = CODING_GZIP,
		.varies = true,
		.distinct = true,
		.in_memory = true,
	};
	char *octets = malloc(file->body.len);
	struct file *variant = NULL;

	if (!octets)
		return NULL;
	/* The field that says so counts, too. */
	if (file->body.len > FIELD_COST)
		facts.stamp.size = gzip_compress(file->body, octets, file->body.len - FIELD_COST);
	else
		facts.stamp.size = 0;
	if (facts.stamp.size > 0 && file_make(&facts, by->builder, &variant) == 0) {
		memcpy((char *)variant->body.ptr, octets, variant->body.len);
		file_make_distinct(variant, file_make_digest(variant->body));
		variant->kept = true;
	}
	free(octets);
	return variant;
}

/* Once for each file that stays in the cache. NULL: not now, or never. */
static struct file *made_gzip(struct variants_maker *by, struct file_entry *entry)
{
	struct variants *variants = entry->variants;
	size_t length = entry->file->body.len;
	struct file *variant;

	if (variants->no_gain || !entry->list || length > by->budget)
		return NULL;
	by->budget -= length;
	variant = compress(by, entry);
	if (variant && file_cache_grow(by->cache, entry, variant->allocated)) {
		variants->files[CODING_GZIP] = variant;
		return variant;
	}
	variants->no_gain = true;
	file_release(variant);
	return NULL;
}

static unsigned available(const struct file_entry *entry, bool whole)
{
	unsigned codings = 0;

	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++)
		codings |= entry->variants->files[coding] ? 1u << coding : 0;
	if (entry->file->makes_gzip)
		codings = whole ? codings | 1u << CODING_GZIP : codings & ~(1u << CODING_GZIP);
	return codings;
}

/* NULL: the file as it is. */
static struct file *choose(struct variants_maker *by, struct file_entry *entry, const struct request *request)
{
	bool whole = request->method != METHOD_GET || !request_has(request, FIELD_RANGE);
	enum coding coding = coding_choose(&by->last, request, available(entry, whole));
	struct file *variant;

	if (coding == CODING_IDENTITY)
		return NULL;
	variant = entry->variants->files[coding];
	if (!variant)
		variant = made_gzip(by, entry);
	if (variant && variant->fd != -1 && !file_is_intact(variant)) {
		/* Its head would not be true; that of the file as it is is. */
		file_entry_doubt(entry);
		return NULL;
	}
	return variant;
}

struct file *variants_take(struct variants_maker *by, struct file_entry *entry, const struct request *request)
{
	struct file *variant = choose(by, entry, request);

	return file_entry_take(entry, variant ? variant : entry->file);
}
