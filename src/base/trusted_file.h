/* SPDX-License-Identifier: MIT
 *
 * Files that root creates, writes to or removes, wherever they lie: by trusted_path.h, and with a look at what is
 * there. In a folder where others may write they can lay, under the name that is expected, a second name of any file (a
 * hard link), a FIFO, or another folder; root writes there only to a regular file with one name. In a folder with the
 * sticky bit that file is root's or the folder's owner's.
 *
 * Errors are -errno, with a reason in words; -EPERM: refused, by these rules or those of trusted_path.h. For a process
 * that is not root these are the plain calls. Master only; paths are absolute. */
#ifndef BROOD_BASE_TRUSTED_FILE_H
#define BROOD_BASE_TRUSTED_FILE_H

#include "base/trusted_path.h"

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Opens a file to write to, or creates it with `mode`. `flags`: O_WRONLY or O_RDWR, and O_APPEND, O_NOFOLLOW (a link in
 * the last place is -ELOOP, whosever it is). Does not wait for the reader of a FIFO (-ENXIO without one). Returns the
 * descriptor (close-on-exec). */
int trusted_file_open(const char *path, int flags, mode_t mode, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* Whether that would be refused, as far as can be seen without opening anything: 0, -EPERM, or -ELOOP; other
 * errors are 0. `flags`: O_NOFOLLOW or 0. */
int trusted_file_check(const char *path, int flags, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* Opens a folder (O_PATH, close-on-exec), having made it if it is missing, but not those above it. */
int trusted_file_folder(const char *path, mode_t mode, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* What is there, a link itself. 0 or -errno. */
int trusted_file_look(const char *path, struct stat *out) __attribute__((warn_unused_result));

/* Sets the permissions of the file of that name, if it is still the one that `same` tells of (device and inode). 0 or
 * -errno (-ESTALE: it is another). */
int trusted_file_set_mode(const char *path, const struct stat *same, mode_t mode) __attribute__((warn_unused_result));

/* Removes the file of that name, if it is still the one that `same` tells of (device and inode), or, with NULL, if it
 * is a socket. Silent: what cannot be removed stays. */
void trusted_file_remove(const char *path, const struct stat *same);

#endif
