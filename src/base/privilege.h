/* SPDX-License-Identifier: MIT
 *
 * Whom a worker runs as. */
#ifndef BROOD_BASE_PRIVILEGE_H
#define BROOD_BASE_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PRIVILEGE_GROUPS_MAX = 64, PRIVILEGE_NAME_MAX = 64 };

/* All that is needed to become a user, looked up once by the master (no lookup in a worker). */
struct privilege {
	bool change; /* false: stay who we are (not started as root) */
	char user[PRIVILEGE_NAME_MAX];
	uid_t uid;
	gid_t gid;
	gid_t groups[PRIVILEGE_GROUPS_MAX];
	size_t group_count;
};

/* For a process that is root: `user` (name or number), else www-data, else nobody; `group` alone,
 * else the user's own and its further ones. NULL or "" for the defaults. For others: no change, and
 * naming somebody else is an error. 0, or -errno with a reason in words; -ENOENT only where there is no
 * such user, others where that cannot be found out (no descriptors left). */
int privilege_lookup(const char *user, const char *group, struct privilege *out, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* Whether the caller may become that user at all: for a moment, and himself again at return, or aborts. 0, or -errno
 * with a reason that names the call and the capability. -EPERM in containers that root has few capabilities in. Not for
 * processes with threads. */
int privilege_try(const struct privilege *privilege, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* Becomes that user for good: groups, gid, uid (real, effective, saved), then checks that there is
 * no way back, and sets no_new_privs. 0 or -errno; after an error the process must exit. */
int privilege_drop(const struct privilege *privilege) __attribute__((warn_unused_result));

/* Opens a directory with that user's rights (O_RDONLY|O_DIRECTORY|O_CLOEXEC), the caller being
 * himself again at return. Returns an fd or -errno (EACCES: that user cannot read or enter it).
 * Aborts when the caller's own rights cannot be restored. Not for processes with threads. */
int privilege_open_directory(const struct privilege *privilege, const char *path) __attribute__((warn_unused_result));

#endif
