/* SPDX-License-Identifier: MIT
 *
 * Becoming another program image without becoming another process. Master only. */
#ifndef BROOD_PROC_EXECUTE_H
#define BROOD_PROC_EXECUTE_H

#include <stddef.h>

/* Executes the file that `binary` is open on, with our environment and `name`=`value` in it. The
 * descriptors in `fds` outlive it. Returns only when that fails: -errno, everything as it was. */
int process_execute(int binary, char **argv, const char *name, const char *value, const int *fds,
		    size_t count);

#endif
