/* SPDX-License-Identifier: MIT
 *
 * File names as people type them, made independent of the working directory. */
#ifndef BROOD_BROOD_SYSTEM_ABSOLUTE_PATH_H
#define BROOD_BROOD_SYSTEM_ABSOLUTE_PATH_H

#include <stdbool.h>

/* The same file's absolute name, `directory` being where a relative one begins. By text only:
 * nothing is looked up, links and ".." stay as they are. Malloc'd; NULL: no memory. */
char *path_resolve(const char *directory, const char *path) __attribute__((warn_unused_result));

/* The working directory, with the links by which a shell has come here if it says so truly: what is found there later
 * is found by them, whatever they lead to by then. Malloc'd; NULL: errno tells why. */
char *path_working_directory(void) __attribute__((warn_unused_result));

/* Is it the same file as the other one? */
bool path_is_same(const char *path, const char *other);

/* The folder that a file is in, of an absolute name. Malloc'd; NULL: no memory. */
char *path_folder(const char *path) __attribute__((warn_unused_result));

#endif
