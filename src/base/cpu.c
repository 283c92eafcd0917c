/* SPDX-License-Identifier: MIT
 *
 * How many CPUs are really ours: affinity mask and cgroup quotas. Read once, at start.
 *
 * A process is in one group of each mounted hierarchy: /proc/self/cgroup names the groups,
 * /proc/self/mountinfo says where the hierarchies can be seen. In a container the mount often shows
 * only a part of the tree: its root (mountinfo's fourth field) is then taken off the group's name.
 */
#include "base/cpu.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CPUS_MAX = 1 << 20 };

/* cpu_set_t ends at 1024; the kernel says EINVAL to a mask that is shorter than its own. */
static unsigned count_affinity(void)
{
	for (size_t cpus = CPU_SETSIZE; cpus <= CPUS_MAX; cpus *= 2) {
		cpu_set_t *set = CPU_ALLOC(cpus);
		size_t size = CPU_ALLOC_SIZE(cpus);
		int count = 0, error = 0;

		if (!set)
			break;
		if (sched_getaffinity(0, size, set) == 0)
			count = CPU_COUNT_S(size, set);
		else
			error = errno;
		CPU_FREE(set);
		if (count > 0)
			return (unsigned)count;
		if (error != EINVAL)
			break;
	}
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online > 0 ? (unsigned)online : 1;
}

/* The smaller of two limits, 0 meaning none. */
static unsigned tighter(unsigned a, unsigned b)
{
	return a != 0 && (b == 0 || a < b) ? a : b;
}

static bool read_line(const char *directory, const char *name, char *line, size_t room)
{
	char path[PATH_MAX];
	FILE *file;
	bool ok;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = fgets(line, (int)room, file) != NULL;
	fclose(file);
	return ok;
}

/* "max 100000" and -1 mean no limit, as does whatever cannot be read as two positive numbers. */
static unsigned read_quota(const char *directory, bool v2)
{
	char line[128];
	long long quota = 0, period = 0;

	if (v2) {
		if (!read_line(directory, "cpu.max", line, sizeof(line)) ||
		    sscanf(line, "%lld %lld", &quota, &period) != 2)
			return 0;
	} else {
		if (!read_line(directory, "cpu.cfs_quota_us", line, sizeof(line)) ||
		    sscanf(line, "%lld", &quota) != 1 ||
		    !read_line(directory, "cpu.cfs_period_us", line, sizeof(line)) ||
		    sscanf(line, "%lld", &period) != 1)
			return 0;
	}
	if (quota <= 0 || period <= 0 || quota / period >= CPUS_MAX)
		return 0;
	return (unsigned)((quota + period - 1) / period);
}

/* What is left of the group's name below the mount's root: "" or "/...". NULL: outside of it. */
static const char *below_root(const char *group, const char *root)
{
	size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

	if (strncmp(group, root, length) != 0 || (group[length] != '/' && group[length] != '\0'))
		return NULL;
	/* A group outside of our cgroup namespace is shown as "/..": nothing of it is visible. */
	if (strncmp(group + length, "/..", 3) == 0)
		return NULL;
	return strcmp(group + length, "/") == 0 ? "" : group + length;
}

/* The group and its ancestors up to the mount point. The group itself may be invisible in a
 * container that was shown another part of the tree: then the mount point alone is asked. */
static unsigned walk_up(const char *prefix, const char *mount, const char *below, bool v2)
{
	char directory[PATH_MAX];
	int length = snprintf(directory, sizeof(directory), "%s%s%s", prefix, mount, below ? below : "");
	size_t top = strlen(prefix) + strlen(mount);
	unsigned quota = 0;

	if (length < 0 || (size_t)length >= sizeof(directory))
		return 0;
	for (;;) {
		char *slash;

		quota = tighter(quota, read_quota(directory, v2));
		slash = strrchr(directory, '/');
		if (!slash || (size_t)(slash - directory) < top)
			return quota;
		*slash = '\0';
	}
}

/* mountinfo writes space, tab, newline and backslash as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned code;

		if (*from == '\\' && sscanf(from + 1, "%3o", &code) == 1 && strlen(from) >= 4) {
			*to = (char)code;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool list_has(char *list, const char *word)
{
	char *rest = NULL;

	for (char *item = strtok_r(list, ",\n", &rest); item; item = strtok_r(NULL, ",\n", &rest))
		if (strcmp(item, word) == 0)
			return true;
	return false;
}

struct mount {
	char *root, *point;
	bool v2;
};

/* Takes a line of mountinfo apart; true when it is a hierarchy that can limit CPUs:
 *     36 35 98:0 /root /point rw,noatime master:1 - type source options */
static bool parse_mount(char *line, struct mount *out)
{
	char *rest = NULL, *dash = strstr(line, " - "), *type, *options;

	if (!dash)
		return false;
	*dash = '\0';
	type = strtok_r(dash + 3, " \n", &rest);
	(void)strtok_r(NULL, " \n", &rest);
	options = strtok_r(NULL, " \n", &rest);
	if (!type || !options)
		return false;
	out->v2 = strcmp(type, "cgroup2") == 0;
	if (!out->v2 && (strcmp(type, "cgroup") != 0 || !list_has(options, "cpu")))
		return false;
	rest = NULL;
	for (int field = 1; field <= 3; field++)
		if (!strtok_r(field == 1 ? line : NULL, " ", &rest))
			return false;
	out->root = strtok_r(NULL, " ", &rest);
	out->point = strtok_r(NULL, " ", &rest);
	if (!out->root || !out->point)
		return false;
	unescape(out->root);
	unescape(out->point);
	return true;
}

/* The quota of one line of /proc/self/cgroup: "0::/group" (v2) or "4:cpu,cpuacct:/group" (v1). */
static unsigned quota_of_group(char *line, const char *proc_mountinfo, const char *prefix)
{
	char *controllers = strchr(line, ':'), *group, *text = NULL;
	struct mount mount;
	unsigned quota = 0;
	size_t room = 0;
	FILE *mounts;
	bool v2;

	group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return 0;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	v2 = controllers[1] == '\0';
	if (!v2 && !list_has(controllers + 1, "cpu"))
		return 0;
	mounts = fopen(proc_mountinfo, "re");
	if (!mounts)
		return 0;
	while (getline(&text, &room, mounts) >= 0)
		if (parse_mount(text, &mount) && mount.v2 == v2)
			quota = tighter(quota, walk_up(prefix, mount.point, below_root(group, mount.root), v2));
	free(text);
	fclose(mounts);
	return quota;
}

/* The part that reads files, below other roots for tests: `proc_cgroup` like /proc/self/cgroup,
 * `proc_mountinfo` like /proc/self/mountinfo, `prefix` put before the mount points found there.
 * Returns the quota in CPUs rounded up, or 0 for no limit. */
static unsigned cpu_quota_from(const char *proc_cgroup, const char *proc_mountinfo, const char *prefix)
{
	FILE *groups = fopen(proc_cgroup, "re");
	unsigned quota = 0;
	char *line = NULL;
	size_t room = 0;

	if (!groups)
		return 0;
	while (getline(&line, &room, groups) >= 0)
		quota = tighter(quota, quota_of_group(line, proc_mountinfo, prefix));
	free(line);
	fclose(groups);
	return quota;
}

unsigned cpu_count_usable(void)
{
	return tighter(count_affinity(), cpu_quota_from("/proc/self/cgroup", "/proc/self/mountinfo", ""));
}
