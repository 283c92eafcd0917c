/* SPDX-License-Identifier: MIT
 *
 * What `brood --help` says. */
#ifndef BROOD_BROOD_CONFIG_OPTIONS_HELP_H
#define BROOD_BROOD_CONFIG_OPTIONS_HELP_H

#include <stdio.h>

void options_help(FILE *out);

#endif
