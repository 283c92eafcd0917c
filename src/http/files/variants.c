/* SPDX-License-Identifier: MIT
 *
 * See variants.h. */
#include "http/files/variants.h"

#include "http/files/file_cache.h"
#include "http/files/file_make.h"
#include "http/files/gzip.h"
#include "http/files/lookup.h"
#include "http/message/request.h"
#include "http/site/site.h"
#include "http/files/static.h"

#include <errno.h>
#include <stdlib.h>

enum { FIELD_COST = sizeof("Content-Encoding: gzip\r\n") };

static bool passes(int error)
{
	return error == -ESTALE || error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EAGAIN;
}

/* What cannot be read now and will not be soon is as good as not there. */
static int load(const struct file_source *source, const struct response_maker *maker, struct file *file,
		enum coding coding)
{
	struct variants *variants = file->variants;
	struct file *variant;
	int error = file_load_sibling(source, maker, file, coding, &variants->siblings.seen[coding], &variant);

	if (error != 0)
		return passes(error) ? error : 0;
	variant->kept = true;
	file->settled = file->settled && variant->settled;
	variants->files[coding] = variant;
	return 0;
}

int variants_load(const struct file_source *source, const struct response_maker *maker, struct file *file,
		  const struct siblings *siblings, bool makes_gzip)
{
	static const struct siblings none;
	unsigned usable = siblings_usable(siblings, &file->stamp);
	int error = 0;

	if (!makes_gzip && siblings_equal(siblings, &none))
		return 0;
	file->variants = calloc(1, sizeof(*file->variants));
	if (!file->variants)
		return -ENOMEM;
	file->variants->siblings = *siblings;
	for (unsigned coding = 0; coding < CODING_IDENTITY && error == 0; coding++) {
		if (usable & 1u << coding)
			error = load(source, maker, file, (enum coding)coding);
	}
	file->variants->makes_gzip = makes_gzip && !file->variants->files[CODING_GZIP];
	return error;
}

bool variants_want_gzip(const struct http_location *location, struct slice type, uint64_t size)
{
	const char *end = type.len > 0 ? memchr(type.ptr, ';', type.len) : NULL;

	if (!location->gzip_types || size < location->gzip_min_size)
		return false;
	if (end)
		type.len = (size_t)(end - type.ptr);
	for (const char *const *at = location->gzip_types; *at; at++) {
		if (slice_equal_nocase(slice_of(*at), type))
			return true;
	}
	return false;
}

/* NULL: not smaller, or no memory. */
static struct file *compress(const struct variants_maker *by, const struct file *file)
{
	struct file_facts facts = {
		.location = file->location,
		.name = slice_of(file->name),
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
	if (facts.stamp.size > 0 && file_make(&facts, by->maker, &variant) == 0) {
		memcpy((char *)variant->body.ptr, octets, variant->body.len);
		file_make_distinct(variant, file_make_digest(variant->body));
		variant->kept = true;
	}
	free(octets);
	return variant;
}

/* Once for each file that stays in the cache. NULL: not now, or never. */
static struct file *made_gzip(struct variants_maker *by, struct file *file)
{
	struct variants *variants = file->variants;
	struct file *variant;

	if (variants->no_gain || !file->kept || file->body.len > by->budget)
		return NULL;
	by->budget -= file->body.len;
	variant = compress(by, file);
	if (variant && file_cache_grow(by->cache, file, file_bytes(variant))) {
		variants->files[CODING_GZIP] = variant;
		return variant;
	}
	variants->no_gain = true;
	file_release(variant);
	return NULL;
}

static unsigned available(const struct variants *variants, bool whole)
{
	unsigned codings = 0;

	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++)
		codings |= variants->files[coding] ? 1u << coding : 0;
	if (variants->makes_gzip)
		codings = whole ? codings | 1u << CODING_GZIP : codings & ~(1u << CODING_GZIP);
	return codings;
}

struct file *variants_choose(struct variants_maker *by, struct file *file, const struct request *request)
{
	bool whole = request->method != METHOD_GET || !request_has(request, FIELD_RANGE);
	enum coding coding = coding_choose_again(&by->last, request, available(file->variants, whole));
	struct file *variant = file;

	if (coding != CODING_IDENTITY)
		variant = file->variants->files[coding];
	if (!variant)
		variant = made_gzip(by, file);
	if (!variant || variant == file)
		return file;
	if (variant->fd != -1 && !file_is_intact(variant)) {
		/* Its head would not be true; that of the file as it is is. */
		lookup_doubt(file);
		return file;
	}
	file_keep(variant);
	file_release(file);
	return variant;
}

void variants_free(struct variants *variants)
{
	if (!variants)
		return;
	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++)
		file_release(variants->files[coding]);
	free(variants);
}
