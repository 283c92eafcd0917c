/* SPDX-License-Identifier: MIT
 *
 * Where server and broodctl meet when nobody says where. */
#ifndef BROOD_CONTROL_PLACE_H
#define BROOD_CONTROL_PLACE_H

#include <stdbool.h>

enum { CONTROL_PLACE_MAX = 4096 };

/* /run/brood/control.sock for root, else $XDG_RUNTIME_DIR/brood/control.sock. False: that variable is
 * not set to an absolute path that has room. */
bool control_place(char out[CONTROL_PLACE_MAX]) __attribute__((warn_unused_result));

#endif
