/* SPDX-License-Identifier: MIT
 *
 * The default control socket (place.h). */
#include "control/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool control_place(char out[CONTROL_PLACE_MAX])
{
	const char *folder = geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
	int size;

	if (!folder || folder[0] != '/')
		return false;
	size = snprintf(out, CONTROL_PLACE_MAX, "%s/brood/control.sock", folder);
	return size > 0 && size < CONTROL_PLACE_MAX;
}
