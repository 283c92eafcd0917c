/* SPDX-License-Identifier: MIT
 *
 * File names as people type them, made independent of the working directory. */
#ifndef BROOD_BROOD_PATH_H
#define BROOD_BROOD_PATH_H

/* The same file's absolute name, `directory` being where a relative one begins. By text only:
 * nothing is looked up, links and ".." stay as they are. Malloc'd; NULL: no memory. */
char *path_resolve(const char *directory, const char *path) __attribute__((warn_unused_result));

/* The folder that a file is in, of an absolute name. Malloc'd; NULL: no memory. */
char *path_folder(const char *path) __attribute__((warn_unused_result));

#endif
