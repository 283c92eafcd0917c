/* SPDX-License-Identifier: MIT
 *
 * The lock of a process without privileges: what it can never do again, whoever has taken it over.
 */
#ifndef BROOD_BASE_SANDBOX_H
#define BROOD_BASE_SANDBOX_H

/* For good, for this process, once it has its privileges dropped (no_new_privs is needed) and all
 * that it wants but cannot have later: from now on the kernel refuses it (EPERM)
 *   - to fork, to start threads, to execute a program, to enter other namespaces: nothing that it
 * makes outlives it;
 *   - signals to others, their memory, their descriptors, their limits and their share of the CPU;
 *   - sockets of its own, but for those that it accepts or is given;
 *   - what acts on a socket that it shares with others, or would stay with that socket: to shut it
 * down, to make it block, to connect it anew, options and filters. Calls of other ABIs of the same
 * machine do not exist for it (ENOSYS).
 *
 * 0, or -errno where the kernel or this machine has no such filter. Then, too, it can have no more
 * processes, unless it is root (RLIMIT_NPROC). */
int sandbox_enter(void) __attribute__((warn_unused_result));

#endif
