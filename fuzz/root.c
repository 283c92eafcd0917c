/* SPDX-License-Identifier: MIT
 *
 * See root.h. */
#include "root.h"

#include "fuzz.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/brood-fuzz-XXXXXX";
static int root = -1;

static const char *const names[] = {"index.html",      "small.txt",     "big.bin",
				    "docs/index.html", "index.html.gz", "big.bin.br"};

static void remove_all(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(root, names[i], 0);
	unlinkat(root, "docs", AT_REMOVEDIR);
	rmdir(folder);
}

static void write_file(const char *name, size_t size)
{
	static const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	FUZZ_CHECK(fd >= 0);
	for (size_t i = 0; i < size; i += 10)
		FUZZ_CHECK(write(fd, "0123456789", 10) == 10);
	FUZZ_CHECK(futimens(fd, times) == 0);
	close(fd);
}

int fuzz_root(void)
{
	if (root >= 0)
		return root;
	FUZZ_CHECK(mkdtemp(folder));
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(root >= 0 && mkdirat(root, "docs", 0755) == 0);
	atexit(remove_all);
	write_file("index.html", 50);
	write_file("small.txt", 10);
	write_file("big.bin", 200000);
	write_file("docs/index.html", 50);
	write_file("index.html.gz", 20);
	write_file("big.bin.br", 100000);
	return root;
}
