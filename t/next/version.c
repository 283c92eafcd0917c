/* SPDX-License-Identifier: MIT
 *
 * As src/base/version.c in a build with --with-version-suffix=-next. */
#include "brood/version.h"

#include <config.h>

const char *brood_version(void)
{
	return PACKAGE_VERSION "-next";
}
