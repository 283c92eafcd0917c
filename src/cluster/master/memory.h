/* SPDX-License-Identifier: MIT
 *
 * How much memory a process costs. Master only. */
#ifndef BROOD_CLUSTER_MASTER_MEMORY_H
#define BROOD_CLUSTER_MASTER_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/* Octets: the proportional set size, in which memory that is shared counts in parts; or, where the
 * kernel does not tell us that of another user's process, what is resident and belongs to no file.
 * 0: it has none, or is gone. The kernel has to look at all its pages: a millisecond or so for some
 * hundred MiB. */
uint64_t memory_of_process(pid_t pid);

#endif
