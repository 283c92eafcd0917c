/* SPDX-License-Identifier: MIT
 *
 * See terminal.h. */
#include "base/terminal.h"

#include "base/fd.h"

#include <fcntl.h>

bool terminal_exists(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool exists = fd >= 0;

	fd_close(&fd);
	return exists;
}
