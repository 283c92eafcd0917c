/* SPDX-License-Identifier: MIT
 *
 * `brood prove`: shows what clients see of a server whose workers are replaced, whose configuration
 * is reloaded, or that has a worker killed, by doing so to a private copy of it. */
#ifndef BROOD_PROVE_PROVE_H
#define BROOD_PROVE_PROVE_H

/* argv[0] is "prove". Returns the exit status: 0 when nothing was lost that should not be, 1 when
 * something was or the experiment failed, 2 for what cannot be understood or done by this version,
 * 128 + N when signal N interrupted it. */
int prove_main(int argc, char **argv);

#endif
