/* SPDX-License-Identifier: MIT
 *
 * Which brood this is. */
#ifndef BROOD_VERSION_H
#define BROOD_VERSION_H

/* "0.1.0", with the suffix that ./configure --with-version-suffix was given. */
const char *brood_version(void);

#endif
