/* SPDX-License-Identifier: MIT
 *
 * How many CPUs this process may really use: what `workers = "auto"` means. */
#ifndef BROOD_BASE_CPU_H
#define BROOD_BASE_CPU_H

/* The smaller of the CPUs in the affinity mask and the cgroup CPU quota rounded up (cgroup v2
 * cpu.max and v1 cpu.cfs_quota_us, of this process's group and all its ancestors; absent files mean
 * no limit). At least 1. */
unsigned cpu_count_usable(void);

#endif
