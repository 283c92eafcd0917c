/* SPDX-License-Identifier: MIT
 *
 * Where server and broodctl meet when nobody says where. */
#ifndef BROOD_CONTROL_CONTROL_PATH_H
#define BROOD_CONTROL_CONTROL_PATH_H

#include <stdbool.h>

enum { CONTROL_PATH_ROOM = 4096 };

/* /run/brood/control.sock for root, else $XDG_RUNTIME_DIR/brood/control.sock, or control.sock in the folder that
 * systemd has made for the service ($RUNTIME_DIRECTORY). False: neither variable is set to an absolute path that
 * has room. */
bool control_path(char out[CONTROL_PATH_ROOM]) __attribute__((warn_unused_result));

#endif
