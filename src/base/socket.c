/* SPDX-License-Identifier: MIT
 *
 * Making listening sockets. Master only. */
#include "base/socket.h"

#include "base/fd.h"
#include "base/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int open_stream(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* "*" takes both families; "[::]" by its letter only IPv6, so that 0.0.0.0 can stand beside it. */
static int set_tcp_options(int fd, const struct address *address, bool join_group)
{
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&address->storage;
	int rc = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (rc == 0 && address->storage.ss_family == AF_INET6)
		rc = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY,
				!address->wildcard && !IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr));
	if (rc == 0 && join_group)
		rc = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	/* A client that says nothing costs no wake-up; after the given seconds (rounded up to a
	 * retransmission) accept returns it even so, and the timeout for the head begins (tcp(7)).
	 */
	if (rc == 0)
		rc = set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	if (rc == 0)
		rc = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	return rc;
}

static int listen_tcp(struct address *address, const struct socket_options *options)
{
	struct sockaddr_storage bound = {0}; /* all of it: it is left to other versions as it is */
	socklen_t size = sizeof(bound);
	int rc, fd = open_stream(address->storage.ss_family);

	if (fd < 0)
		return fd;
	rc = set_tcp_options(fd, address, options->sharing == SOCKET_GROUP_FURTHER);
	if (rc < 0)
		goto fail;
	if (bind(fd, (const struct sockaddr *)&address->storage, address->size) < 0) {
		rc = -errno;
		goto fail;
	}
	if (options->sharing == SOCKET_GROUP_FIRST) {
		rc = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
		if (rc < 0)
			goto fail;
	}
	/* With SO_REUSEADDR two sockets may be bound to one address until one of them listens: the
	 * loser learns of it here. */
	if ((!options->quiet && listen(fd, options->backlog) < 0) ||
	    getsockname(fd, (struct sockaddr *)&bound, &size) < 0) {
		rc = -errno;
		goto fail;
	}
	address->storage = bound;
	address->size = size;
	address_set_port(address, address_port(address));
	return fd;
fail:
	fd_close(&fd);
	return rc;
}

static int listen_wildcard(struct address *address, const struct socket_options *options)
{
	struct sockaddr_in ipv4 = {
		.sin_family = AF_INET, .sin_port = htons(address_port(address)), .sin_addr.s_addr = htonl(INADDR_ANY)};
	struct address fallback = {.size = sizeof(ipv4)};
	int fd = listen_tcp(address, options);

	if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
		return fd;
	memcpy(&fallback.storage, &ipv4, sizeof(ipv4));
	fd = listen_tcp(&fallback, options);
	if (fd >= 0)
		*address = fallback;
	return fd;
}

int socket_connect_unix(const struct address *address)
{
	int rc, fd = open_stream(AF_UNIX);

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address->storage, address->size) == 0)
		return fd;
	rc = -errno;
	fd_close(&fd);
	return rc;
}

/* The address by which the kernel finds the path's very folder. Where nobody else can change the way there it is
 * the path itself, which is what ss and getsockname show then. */
static int address_of_place(struct address *out, const struct address *address, const struct trusted_path *place)
{
	struct sockaddr_un *name = (struct sockaddr_un *)&out->storage;
	int length;

	*out = *address;
	if (place->steady)
		return 0;
	length = snprintf(name->sun_path, sizeof(name->sun_path), "/proc/self/fd/%d/%s", place->folder, place->name);
	if (length >= (int)sizeof(name->sun_path))
		return -ENAMETOOLONG;
	out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length + 1);
	return 0;
}

/* Makes the path free where that robs nobody: only a socket file that refuses connections is
 * removed. What answers, and what cannot be asked, is in use. */
static int clear_unix_path(const struct address *address, const struct trusted_path *place)
{
	struct stat status;
	int fd;

	if (fstatat(place->folder, place->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket_connect_unix(address);
	if (fd == -ENOENT)
		return 0;
	if (fd != -ECONNREFUSED) {
		if (fd >= 0)
			close(fd);
		return -EADDRINUSE;
	}
	return unlinkat(place->folder, place->name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Through a descriptor of the very file, so that somebody who may write to the directory cannot
 * have another file given away by swapping names. */
static int set_unix_owner(const struct trusted_path *place, uid_t owner, gid_t group)
{
	struct stat status;
	int rc = 0, file;

	if (owner == (uid_t)-1 && group == (gid_t)-1)
		return 0;
	file = openat(place->folder, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0 || fstat(file, &status) < 0)
		rc = -errno;
	else if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid())
		rc = -EPERM;
	else if (fchownat(file, "", owner, group, AT_EMPTY_PATH) < 0)
		rc = -errno;
	fd_close(&file);
	return rc;
}

/* The mode is right from the first moment by the umask, and nobody can connect before listen: so no
 * temporary name is needed. */
static int listen_in(const struct trusted_path *place, const struct address *address,
		     const struct socket_options *options)
{
	mode_t mask;
	int rc = clear_unix_path(address, place), fd;

	if (rc < 0)
		return rc;
	fd = open_stream(AF_UNIX);
	if (fd < 0)
		return fd;
	mask = umask(0777 & ~options->unix_mode);
	rc = bind(fd, (const struct sockaddr *)&address->storage, address->size) < 0 ? -errno : 0;
	umask(mask);
	if (rc < 0)
		goto fail;
	rc = set_unix_owner(place, options->unix_owner, options->unix_group);
	if (rc == 0 && !options->quiet && listen(fd, options->backlog) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	unlinkat(place->folder, place->name, 0);
fail:
	fd_close(&fd);
	return rc;
}

static int listen_unix(const struct address *address, const struct socket_options *options)
{
	const char *path = address_unix_path(address);
	char reason[TRUSTED_REASON_MAX];
	struct trusted_path place;
	struct address found;
	int rc;

	if (!path)
		return -EINVAL;
	rc = trusted_path_find(&place, path, TRUSTED_NO_FOLLOW, reason, sizeof(reason));
	if (rc < 0)
		return rc;
	rc = address_of_place(&found, address, &place);
	if (rc == 0)
		rc = listen_in(&place, &found, options);
	trusted_path_close(&place);
	return rc;
}

int socket_listen(struct address *address, const struct socket_options *options)
{
	if (address_is_unix(address))
		return listen_unix(address, options);
	return address->wildcard ? listen_wildcard(address, options) : listen_tcp(address, options);
}

int socket_begin(int fd, int backlog)
{
	return listen(fd, backlog) < 0 ? -errno : 0;
}

bool socket_has_role(int fd, enum socket_role role)
{
	int type = -1, listens = -1;
	socklen_t size = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return false;
	size = sizeof(listens);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0)
		return false;
	return type == (role == SOCKET_CHANNEL ? SOCK_SEQPACKET : SOCK_STREAM) && listens == (role == SOCKET_LISTENING);
}

void socket_close_promptly(int fd)
{
	static const struct linger off = {0};

	(void)!setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	fd_close(&fd);
}

static int option_of(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

bool socket_is_connection(int fd)
{
	int family = option_of(fd, SO_DOMAIN), protocol = option_of(fd, SO_PROTOCOL);

	if (!socket_has_role(fd, SOCKET_CONNECTION))
		return false;
	if (family == AF_UNIX)
		return true;
	return (family == AF_INET || family == AF_INET6) && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP);
}

/* The kernel asks nobody whether there is such an interface. What a connection is bound to was decided when its
 * handshake began. */
int socket_step_aside(int fd)
{
	return set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, INT_MAX);
}

int socket_close_door(int fd)
{
	enum { FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };
	/* What a filter of a TCP socket sees begins with the TCP header. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),   BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return -errno;
	/* Others have copies of the socket: none of them opens the door again. */
	return set_option(fd, SOL_SOCKET, SO_LOCK_FILTER, 1);
}
