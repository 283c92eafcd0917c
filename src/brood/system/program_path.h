/* SPDX-License-Identifier: MIT
 *
 * By which path this program was started. Upgrades follow it, as a person would: where a link on the way leads to
 * another release by now, that one is meant. */
#ifndef BROOD_BROOD_SYSTEM_PROGRAM_PATH_H
#define BROOD_BROOD_SYSTEM_PROGRAM_PATH_H

/* Absolute, with its links, owned by the caller: what the kernel was told to execute, else argv0 as a shell would
 * find it, else the file itself. NULL: not known. To be asked before the working directory changes. */
char *program_path_find(const char *argv0) __attribute__((warn_unused_result));

#endif
