/* SPDX-License-Identifier: MIT
 *
 * See requirements.h. */
#include "brood/system/requirements.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	DESCRIPTORS_MIN = 24, /* that a master with one worker comes by with */
	NULL_MAJOR = 1,
	NULL_MINOR = 3,
};

static const char null_device[] = "/dev/null", own_descriptors[] = "/proc/self/fd";

/* Each of these: 0, or -1 with a reason. */

static int check_descriptors(char reason[REQUIREMENTS_REASON_MAX])
{
	int fds[DESCRIPTORS_MIN], count = 0, error = 0;
	size_t allowed = fd_raise_limit();

	/* They are counted as they are: what else is open takes its part. The root is there in any case. */
	while (count < DESCRIPTORS_MIN - 3 && (fds[count] = open("/", O_PATH | O_CLOEXEC)) >= 0)
		count++;
	if (count < DESCRIPTORS_MIN - 3)
		error = errno;
	for (int i = 0; i < count; i++)
		fd_close(&fds[i]);
	if (error == 0)
		return 0;
	if (error == EMFILE)
		snprintf(reason, REQUIREMENTS_REASON_MAX,
			 "too few open files are allowed, %zu (ulimit -n): %d are needed at least", allowed,
			 DESCRIPTORS_MIN);
	else
		snprintf(reason, REQUIREMENTS_REASON_MAX, "cannot open files: %s", strerror(error));
	return -1;
}

static int check_null(char reason[REQUIREMENTS_REASON_MAX])
{
	int fd = open(null_device, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	int rc = 0;

	if (fd < 0) {
		snprintf(reason, REQUIREMENTS_REASON_MAX, "%s is needed, and cannot be opened: %s", null_device,
			 strerror(errno));
		return -1;
	}
	if (fstat(fd, &status) < 0 || !S_ISCHR(status.st_mode) || status.st_rdev != makedev(NULL_MAJOR, NULL_MINOR)) {
		snprintf(reason, REQUIREMENTS_REASON_MAX, "%s is needed, and what has that name is something else",
			 null_device);
		rc = -1;
	}
	fd_close(&fd);
	return rc;
}

static int check_proc(char reason[REQUIREMENTS_REASON_MAX])
{
	int fd = open(own_descriptors, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		snprintf(reason, REQUIREMENTS_REASON_MAX,
			 "/proc is needed, and %s cannot be opened: %s; mount it (mount -t proc proc /proc)",
			 own_descriptors, strerror(errno));
		return -1;
	}
	fd_close(&fd);
	return 0;
}

int requirements_check(void (*tell)(bool error, const char *text))
{
	static int (*const checks[])(char reason[REQUIREMENTS_REASON_MAX]) = {check_descriptors, check_null,
									      check_proc};
	char reason[REQUIREMENTS_REASON_MAX];
	int rc = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (checks[i](reason) < 0) {
			tell(true, reason);
			rc = -1;
		}
		/* The others could not be told from it. */
		if (rc < 0 && i == 0)
			break;
	}
	return rc;
}
