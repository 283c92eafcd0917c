/* SPDX-License-Identifier: MIT
 *
 * Which brood this is: the package's version and what ./configure --with-version-suffix put behind
 * it. */
#include "brood/version.h"

#include <config.h>

const char *brood_version(void)
{
	return PACKAGE_VERSION BROOD_VERSION_SUFFIX;
}
