/* SPDX-License-Identifier: MIT
 *
 * Finding out who has an address that is taken (socket_holder.h). Master only. */
#include "base/socket_holder.h"

#include "base/ending.h"
#include "base/fd.h"
#include "base/socket.h"

#include <dirent.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

uint64_t socket_inode(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/* --- the kernel's tables --- */

enum line { NO_LINE, LISTENING, LATER };

struct entry {
	uint64_t inode;
	uid_t user;
};

/* A line of /proc/net/tcp or tcp6. Addresses there are words in the machine's own order, as in memory
 * (proc_pid_net(5)). Those that listen come first. */
static enum line read_line(const char *line, struct address *address, struct entry *entry)
{
	enum { STATE_LISTEN = 0x0a, IPV4_DIGITS = 8, IPV6_DIGITS = 32 };
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&address->storage;
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&address->storage;
	char local[IPV6_DIGITS + 1];
	unsigned port, state;
	uint32_t words[4];

	if (sscanf(line, " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %u %*u %" SCNu64, local, &port,
		   &state, &entry->user, &entry->inode) != 5)
		return NO_LINE;
	*address = (struct address){.size = 0};
	for (size_t i = 0; 8 * i < strlen(local); i++)
		if (sscanf(local + 8 * i, "%8" SCNx32, &words[i]) != 1)
			return NO_LINE;
	if (strlen(local) == IPV4_DIGITS) {
		ipv4->sin_family = AF_INET;
		memcpy(&ipv4->sin_addr, words, sizeof(ipv4->sin_addr));
		ipv4->sin_port = htons((uint16_t)port);
	} else {
		ipv6->sin6_family = AF_INET6;
		memcpy(&ipv6->sin6_addr, words, sizeof(ipv6->sin6_addr));
		ipv6->sin6_port = htons((uint16_t)port);
	}
	return state == STATE_LISTEN ? LISTENING : LATER;
}

/* The first socket that takes what the address does. Whether one of "::" takes IPv4, too, is not to be seen there:
 * `wide` takes it to be so. */
static bool find_in(const char *table, const struct address *wanted, const struct socket_own *own, bool wide,
		    struct entry *entry)
{
	FILE *file = fopen(table, "re");
	enum line kind = NO_LINE;
	struct address address;
	bool found = false;
	char line[512];

	if (!file)
		return false;
	while (!found && kind != LATER && fgets(line, sizeof(line), file)) {
		kind = read_line(line, &address, entry);
		if (kind != LISTENING || entry->inode == 0)
			continue;
		address.wildcard = wide && address.storage.ss_family == AF_INET6 &&
				   IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&address.storage)->sin6_addr);
		found = address_overlaps(&address, wanted) && !(own && own->has(own->context, entry->inode));
	}
	fclose(file);
	return found;
}

static bool find_entry(const struct address *address, const struct socket_own *own, bool wide, struct entry *entry)
{
	return find_in("/proc/net/tcp", address, own, wide, entry) ||
	       find_in("/proc/net/tcp6", address, own, wide, entry);
}

bool socket_is_shared(const struct address *address, const struct socket_own *own)
{
	struct entry entry;

	return find_entry(address, own, false, &entry);
}

/* --- processes --- */

static bool process_has(const char *pid, const char *link_wanted)
{
	char path[64], link[64];
	DIR *directory;
	struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	directory = opendir(path);
	if (!directory)
		return false;
	while (!found && (entry = readdir(directory))) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1);

		if (length < 0)
			continue;
		link[length] = '\0';
		found = strcmp(link, link_wanted) == 0;
	}
	closedir(directory);
	return found;
}

/* Calls `look` for all who have that socket, until it wants no more. */
static void each_holder(uint64_t inode, bool (*look)(void *context, pid_t pid), void *context)
{
	char link_wanted[48];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	bool more = true;

	if (!proc)
		return;
	snprintf(link_wanted, sizeof(link_wanted), "socket:[%" PRIu64 "]", inode);
	while (more && (entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);

		if (pid > 0 && process_has(entry->d_name, link_wanted))
			more = look(context, (pid_t)pid);
	}
	closedir(proc);
}

/* Of several holders the one with the lowest pid: the oldest, most often, and so the parent. */
static bool keep_lowest(void *context, pid_t pid)
{
	pid_t *lowest = context;

	if (*lowest == 0 || pid < *lowest)
		*lowest = pid;
	return true;
}

/* Who called listen(2): the kernel tells any client (unix(7), SO_PEERCRED). */
static pid_t find_unix_holder(const struct address *address)
{
	struct ucred holder = {0};
	socklen_t size = sizeof(holder);
	int fd = socket_connect_unix(address);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &holder, &size) < 0)
		holder.pid = 0;
	fd_close(&fd);
	return holder.pid;
}

static void read_program(pid_t pid, char *out, size_t room)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	snprintf(out, room, "?");
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(out, (int)room, file))
		out[strcspn(out, "\n")] = '\0';
	fclose(file);
	/* A process may give itself any name; this one is shown to people. */
	for (char *at = out; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

bool socket_holder(const struct address *address, const struct socket_own *own, char *out, size_t room)
{
	char program[32];
	struct entry entry;
	pid_t pid = 0;

	if (address_is_unix(address))
		pid = find_unix_holder(address);
	else if (find_entry(address, own, true, &entry))
		each_holder(entry.inode, keep_lowest, &pid);
	if (pid <= 0)
		return false;
	read_program(pid, program, sizeof(program));
	snprintf(out, room, "pid %d (%s)", (int)pid, program);
	return true;
}

struct family {
	const char *children;
	unsigned members;
	bool all; /* of them are children, or at their end */
};

static bool is_of_family(void *context, pid_t pid)
{
	struct family *family = context;
	char program[32];

	read_program(pid, program, sizeof(program));
	family->members++;
	family->all = strncmp(program, family->children, strlen(family->children)) == 0 || ending_is_near(pid);
	return family->all;
}

enum socket_prospect socket_prospect(const struct address *address, const char *children)
{
	struct family family = {.children = children, .all = true};
	struct entry entry;
	pid_t pid;

	if (address_is_unix(address)) {
		pid = find_unix_holder(address);
		return pid <= 0 ? SOCKET_FREE : ending_is_near(pid) ? SOCKET_LEFT : SOCKET_TAKEN;
	}
	if (!find_entry(address, NULL, true, &entry))
		return SOCKET_FREE;
	each_holder(entry.inode, is_of_family, &family);
	/* One of our own that nobody has is being closed; of others we may not see who has it. */
	if (family.members == 0)
		return entry.user == geteuid() ? SOCKET_LEFT : SOCKET_TAKEN;
	return family.all ? SOCKET_LEFT : SOCKET_TAKEN;
}
