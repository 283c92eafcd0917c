/* SPDX-License-Identifier: MIT
 *
 * A folder with a few files to be served, for targets that have an HTTP server. */
#ifndef BROOD_FUZZ_ROOT_H
#define BROOD_FUZZ_ROOT_H

/* The descriptor of a folder with index.html, small.txt (10 octets), big.bin (200000) and docs/, made
 * once and removed when the process ends. */
int fuzz_root(void);

#endif
