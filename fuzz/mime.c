/* SPDX-License-Identifier: MIT
 *
 * A file of content types. */
#include "fuzz.h"

#include "http/http.h"
#include "http/site/mime.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_table *table;
	char path[64];
	int fd = memfd_create("types", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	table = mime_table_new(path);
	FUZZ_CHECK(table);
	FUZZ_CHECK(mime_type(table, SLICE("a/b.HTML")).len > 0);
	FUZZ_CHECK(mime_type(table, SLICE("x.a")).len > 0);
	for (size_t i = 0; i < size; i += 7) {
		char *name = fuzz_copy(data + i, size - i);

		FUZZ_CHECK(mime_type(table, (struct slice){name, size - i}).len > 0);
		free(name);
	}
	mime_table_free(table);
	close(fd);
	return 0;
}
