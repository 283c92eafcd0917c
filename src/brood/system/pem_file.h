/* SPDX-License-Identifier: MIT
 *
 * Certificates and keys as files, of which the master knows no more than that they are octets. It
 * keeps a copy of each in memory: what has been checked is what is used from then on, whatever
 * happens to the file. Master only. */
#ifndef BROOD_BROOD_SYSTEM_PEM_FILE_H
#define BROOD_BROOD_SYSTEM_PEM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEM_FILE_MAX = 1 << 20 /* octets */ };

/* By what a file, or the one that a link leads to, is seen to be another one. All-zero: there is none. */
struct pem_stamp {
	uint64_t device, inode, size;
	int64_t modified_ns, changed_ns;
};

/* Never waits for a FIFO. Returns an fd, or -errno and in *why in words what is wrong. */
int pem_file_open(const char *path, const char **why) __attribute__((warn_unused_result));

/* A copy that nobody can change any more, as a descriptor; or -errno and in *why in words what is wrong.
 * `stamp`: of the file that was copied. */
int pem_file_copy(const char *path, struct pem_stamp *stamp, const char **why) __attribute__((warn_unused_result));

void pem_file_stamp(const char *path, struct pem_stamp *out);
bool pem_stamp_equal(const struct pem_stamp *a, const struct pem_stamp *b);

#endif
