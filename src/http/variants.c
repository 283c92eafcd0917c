/* SPDX-License-Identifier: MIT
 *
 * See variants.h. */
#include "http/variants.h"

#include "http/lookup.h"
#include "http/static.h"

#include <errno.h>
#include <stdlib.h>

static unsigned available(const struct variants *variants)
{
	unsigned codings = 0;

	for (unsigned coding = 0; coding < CODING_IDENTITY; coding++)
		codings |= variants->files[coding] ? 1u << coding : 0;
	return codings;
}

static bool passes(int error)
{
	return error == -ESTALE || error == -EMFILE || error == -ENFILE || error == -ENOMEM ||
	       error == -EAGAIN;
}

/* What cannot be read now and will not be soon is as good as not there. */
static int load(const struct file_source *source, const struct response_maker *maker,
		struct file *file, enum coding coding)
{
	struct variants *variants = file->variants;
	struct file *variant;
	int error = file_load_sibling(source, maker, file, coding,
				      &variants->siblings.seen[coding], &variant);

	if (error != 0)
		return passes(error) ? error : 0;
	variant->kept = true;
	file->settled = file->settled && variant->settled;
	variants->files[coding] = variant;
	return 0;
}

int variants_load(const struct file_source *source, const struct response_maker *maker,
		  struct file *file, const struct siblings *siblings)
{
	static const struct siblings none;
	unsigned usable = siblings_usable(siblings, &file->stamp);
	int error = 0;

	if (siblings_equal(siblings, &none))
		return 0;
	file->variants = calloc(1, sizeof(*file->variants));
	if (!file->variants)
		return -ENOMEM;
	file->variants->siblings = *siblings;
	for (unsigned coding = 0; coding < CODING_IDENTITY && error == 0; coding++) {
		if (usable & 1u << coding)
			error = load(source, maker, file, (enum coding)coding);
	}
	return error;
}

struct file *variants_choose(struct file *file, const struct request *request)
{
	enum coding coding = coding_choose(request, available(file->variants));
	struct file *variant;

	if (coding == CODING_IDENTITY)
		return file;
	variant = file->variants->files[coding];
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
