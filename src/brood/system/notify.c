/* SPDX-License-Identifier: MIT
 *
 * Notification of readiness and state. The protocol of sd_notify(3) is so small that no library is
 * needed for it. Master only. */
#include "brood/system/notify.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/output.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 512,
	/* While busy: how long it may go on in all from now on, and how often that is said. */
	BUSY_US = 20 * 1000 * 1000,
	BUSY_EVERY_US = 5 * 1000 * 1000,
};

/* "@name" is an abstract socket: its address begins with NUL instead, and ends with its size. */
static int find_socket(const char *name, struct sockaddr_un *out, socklen_t *size)
{
	size_t length = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || name[1] == '\0')
		return -EAFNOSUPPORT;
	if (length >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->sun_path, name, length);
	if (name[0] == '@')
		out->sun_path[0] = '\0';
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return 0;
}

static int send_datagram(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to;
	socklen_t size;
	int rc, fd;

	if (!name || name[0] == '\0')
		return 0;
	rc = find_socket(name, &to, &size);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, size) < 0 ? -errno : 1;
	fd_close(&fd);
	return rc;
}

/* A line break would begin another assignment: the status ends there. */
static int send_state(const char *assignments, const char *status)
{
	char text[MESSAGE_MAX];

	if (status)
		snprintf(text, sizeof(text), "%sSTATUS=%.*s\n", assignments, (int)strcspn(status, "\r\n"), status);
	else
		snprintf(text, sizeof(text), "%s", assignments);
	return send_datagram(text);
}

int notify_ready(const char *status)
{
	char text[64];

	/* MAINPID: after daemon mode, or under a wrapper, we are not the process that was started.
	 */
	snprintf(text, sizeof(text), "READY=1\nMAINPID=%d\n", (int)getpid());
	return send_state(text, status);
}

int notify_reloading(const char *status)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n", clock_now_us());
	return send_state(text, status);
}

int notify_status(const char *status)
{
	return send_state("", status);
}

int notify_stopping(const char *status)
{
	return send_state("STOPPING=1\n", status);
}

static bool is_set(const char *text)
{
	return text && text[0] != '\0';
}

void notify_pulse_begin(struct notify_pulse *out)
{
	const char *usec = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
	uint64_t time, pid;

	*out = (struct notify_pulse){0};
	if (is_set(whose) && (text_parse_u64(whose, &pid) < 0 || pid != (uint64_t)getpid())) {
		unsetenv("WATCHDOG_USEC");
	} else if (is_set(usec)) {
		/* All ones is what systemd calls infinity. */
		if (text_parse_u64(usec, &time) == 0 && time > 1 && time != UINT64_MAX) {
			out->interval_us = time / 2;
		} else {
			log_warn("WATCHDOG_USEC=%s is no time; ignored", usec);
			unsetenv("WATCHDOG_USEC");
		}
	}
	unsetenv("WATCHDOG_PID");
}

int notify_pulse(struct notify_pulse *pulse, uint64_t now_us)
{
	bool beat = pulse->interval_us > 0 && now_us >= pulse->next_us, failed;
	bool busy = pulse->busy && now_us >= pulse->busy_next_us;
	char text[64];
	int rc;

	if (!beat && !busy)
		return 0;
	snprintf(text, sizeof(text), "%s", beat ? "WATCHDOG=1\n" : "");
	if (busy)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "EXTEND_TIMEOUT_USEC=%d\n", BUSY_US);
	rc = send_datagram(text);
	if (rc >= 0 && beat)
		pulse->next_us = now_us + pulse->interval_us;
	if (rc >= 0 && busy)
		pulse->busy_next_us = now_us + BUSY_EVERY_US;
	failed = pulse->failed;
	pulse->failed = rc < 0;
	return failed && rc < 0 ? 0 : rc;
}

/* A descriptor to write to, of our own: a standard one is copied, since closing it is not ours, and
 * daemon mode makes it something else. -1: it is none. */
static int own_fd(const char *text)
{
	uint64_t number;
	int fd, flags;

	if (text_parse_u64(text, &number) < 0 || number > INT_MAX)
		return -1;
	fd = (int)number;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return -1;
	if (fd <= STDERR_FILENO)
		return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return fd_set_cloexec(fd, true) < 0 ? -1 : fd;
}

int notify_take_ready_fd(void)
{
	const char *text = getenv("BROOD_READY_FD");
	int fd;

	if (!text)
		return -1;
	fd = own_fd(text);
	if (fd < 0)
		log_warn("BROOD_READY_FD=%s is not a descriptor to write to; ignored", text);
	unsetenv("BROOD_READY_FD");
	return fd;
}

bool notify_ready_line(int *fd, const char *line)
{
	struct output output = output_to(*fd);
	size_t length = strlen(line);
	bool whole;

	if (*fd < 0)
		return true;
	whole = output_write(&output, line, length) == (ssize_t)length;
	fd_close(fd);
	return whole;
}
