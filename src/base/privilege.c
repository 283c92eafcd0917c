/* SPDX-License-Identifier: MIT
 *
 * Becoming the workers' user, for good (worker) or for the opening of one directory (master). */
#include "base/privilege.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* By name, else by number, as in chown(1). NULL with errno 0: there is none. */
static const struct passwd *find_user(const char *text)
{
	const struct passwd *found;
	uint64_t number;

	errno = 0;
	found = getpwnam(text);
	if (!found && text_parse_u64(text, &number) == 0 && number < (uid_t)-1)
		found = getpwuid((uid_t)number);
	return found;
}

static const struct group *find_group(const char *text)
{
	const struct group *found;
	uint64_t number;

	errno = 0;
	found = getgrnam(text);
	if (!found && text_parse_u64(text, &number) == 0 && number < (gid_t)-1)
		found = getgrgid((gid_t)number);
	return found;
}

static bool is_given(const char *name)
{
	return name && name[0] != '\0';
}

static bool has_run_out(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* After a look-up that found nothing: 0, or what kept it from looking. errno alone does not tell: of several sources
 * the last one has set it. */
static int not_looked(void)
{
	int error = errno, fd = has_run_out(error) ? -1 : open("/", O_PATH | O_CLOEXEC);

	if (fd < 0)
		return has_run_out(error) ? error : has_run_out(errno) ? errno : 0;
	close(fd);
	return 0;
}

static int not_found(const char *kind, const char *name, int error, char *reason, size_t room)
{
	if (error == 0)
		snprintf(reason, room, "there is no %s %s", kind, name);
	else
		snprintf(reason, room, "cannot look up %s %s: %s", kind, name, strerror(error));
	return error == 0 ? -ENOENT : -error;
}

static int take_user(const char *user, struct privilege *out, char *reason, size_t room)
{
	const struct passwd *found;

	if (is_given(user)) {
		found = find_user(user);
	} else {
		found = find_user("www-data");
		if (!found && not_looked() == 0)
			found = find_user("nobody");
		user = "www-data or nobody";
	}
	if (!found)
		return not_found("user", user, not_looked(), reason, room);
	snprintf(out->user, sizeof(out->user), "%s", found->pw_name);
	out->uid = found->pw_uid;
	out->gid = found->pw_gid;
	return 0;
}

static int take_group(const char *group, struct privilege *out, char *reason, size_t room)
{
	const struct group *found = find_group(group);

	if (!found)
		return not_found("group", group, not_looked(), reason, room);
	out->gid = found->gr_gid;
	out->groups[0] = found->gr_gid;
	out->group_count = 1;
	return 0;
}

static int take_groups_of_user(struct privilege *out, char *reason, size_t room)
{
	int count = PRIVILEGE_GROUPS_MAX;

	if (getgrouplist(out->user, out->gid, out->groups, &count) < 0) {
		snprintf(reason, room, "user %s is in more than %d groups", out->user, PRIVILEGE_GROUPS_MAX);
		return -E2BIG;
	}
	out->group_count = (size_t)count;
	return 0;
}

/* Who is not root stays who he is; asking for that by name is no error. */
static int stay(const char *user, const char *group, struct privilege *out, char *reason, size_t room)
{
	const struct passwd *self = getpwuid(geteuid());
	const struct passwd *wanted;
	const struct group *wanted_group;
	int error;

	out->uid = geteuid();
	out->gid = getegid();
	if (self)
		snprintf(out->user, sizeof(out->user), "%s", self->pw_name);
	else
		snprintf(out->user, sizeof(out->user), "%u", (unsigned)out->uid);
	if (is_given(user)) {
		wanted = find_user(user);
		error = wanted ? 0 : not_looked();
		if (error)
			return not_found("user", user, error, reason, room);
		if (!wanted || wanted->pw_uid != out->uid) {
			snprintf(reason, room, "only root can change to user %s", user);
			return -EPERM;
		}
	}
	if (is_given(group)) {
		wanted_group = find_group(group);
		error = wanted_group ? 0 : not_looked();
		if (error)
			return not_found("group", group, error, reason, room);
		if (!wanted_group || wanted_group->gr_gid != out->gid) {
			snprintf(reason, room, "only root can change to group %s", group);
			return -EPERM;
		}
	}
	return 0;
}

int privilege_lookup(const char *user, const char *group, struct privilege *out, char *reason, size_t reason_room)
{
	int rc;

	memset(out, 0, sizeof(*out));
	if (geteuid() != 0)
		return stay(user, group, out, reason, reason_room);
	out->change = true;
	rc = take_user(user, out, reason, reason_room);
	if (rc < 0)
		return rc;
	return is_given(group) ? take_group(group, out, reason, reason_room)
			       : take_groups_of_user(out, reason, reason_room);
}

/* Trusts nothing: an id that was kept somewhere is a way back. */
static bool is_for_good(const struct privilege *privilege)
{
	uid_t real, effective, kept;
	gid_t real_group, effective_group, kept_group;

	if (getresuid(&real, &effective, &kept) < 0 || getresgid(&real_group, &effective_group, &kept_group) < 0)
		return false;
	if (real != privilege->uid || effective != privilege->uid || kept != privilege->uid)
		return false;
	if (real_group != privilege->gid || effective_group != privilege->gid || kept_group != privilege->gid)
		return false;
	return privilege->uid == 0 || setresuid((uid_t)-1, 0, (uid_t)-1) < 0;
}

/* Then setgroups(2), which also root may be without the right to, is not needed. Order means nothing. */
static bool has_groups(const struct privilege *privilege)
{
	gid_t now[PRIVILEGE_GROUPS_MAX];
	int count = getgroups(PRIVILEGE_GROUPS_MAX, now);

	if (count < 0 || (size_t)count != privilege->group_count)
		return false;
	for (int i = 0; i < count; i++) {
		size_t k = 0;

		while (k < privilege->group_count && privilege->groups[k] != now[i])
			k++;
		if (k == privilege->group_count)
			return false;
	}
	return true;
}

static int change_groups(const struct privilege *privilege)
{
	return has_groups(privilege) ? 0 : setgroups(privilege->group_count, privilege->groups);
}

int privilege_drop(const struct privilege *privilege)
{
	if (privilege->change) {
		if (change_groups(privilege) < 0 || setresgid(privilege->gid, privilege->gid, privilege->gid) < 0 ||
		    setresuid(privilege->uid, privilege->uid, privilege->uid) < 0)
			return -errno;
		if (!is_for_good(privilege))
			return -EPERM;
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned */
	int group_count;
	bool groups_changed;
	int dumpable;
};

static int remember(struct identity *out)
{
	out->uid = geteuid();
	out->gid = getegid();
	out->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	out->group_count = getgroups(0, NULL);
	if (out->group_count < 0)
		return -errno;
	out->groups = calloc((size_t)out->group_count + 1, sizeof(gid_t));
	if (!out->groups)
		return -ENOMEM;
	if (getgroups(out->group_count, out->groups) < 0) {
		free(out->groups);
		return -errno;
	}
	return 0;
}

/* Whatever of it was changed. A master that is half another user cannot go on: it would fork
 * workers, open logs and answer signals with rights nobody chose, and no error path could be
 * trusted to run as root. There is no sane answer to this but to end, loudly. */
static void restore(struct identity *self)
{
	if (seteuid(self->uid) < 0 || setegid(self->gid) < 0)
		abort();
	if (self->groups_changed && setgroups((size_t)self->group_count, self->groups) < 0)
		abort();
	/* Changing ids makes a process undumpable: it would leave no core file when it crashes. 2
	 * is the administrator's setting, which only the kernel may choose (prctl(2)). */
	if (self->dumpable == 1)
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	free(self->groups);
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* NULL, or the call that is refused, with errno. */
static const char *become_for_now(struct identity *self, const struct privilege *privilege)
{
	/* The user id last: without root's the others could not be changed any more. */
	if (!has_groups(privilege)) {
		if (setgroups(privilege->group_count, privilege->groups) < 0)
			return "setgroups";
		self->groups_changed = true;
	}
	if (setegid(privilege->gid) < 0)
		return "setegid";
	return seteuid(privilege->uid) < 0 ? "seteuid" : NULL;
}

int privilege_try(const struct privilege *privilege, char *reason, size_t room)
{
	struct identity self = {0};
	const char *refused;
	int rc;

	if (!privilege->change)
		return 0;
	rc = remember(&self);
	if (rc < 0) {
		snprintf(reason, room, "cannot become user %s: %s", privilege->user, strerror(-rc));
		return rc;
	}
	refused = become_for_now(&self, privilege);
	rc = refused ? -errno : 0;
	restore(&self);
	if (rc < 0)
		snprintf(reason, room,
			 "cannot become user %s: %s: %s; give it the capability %s, or start it as the user "
			 "that it is to be",
			 privilege->user, refused, strerror(-rc),
			 strcmp(refused, "seteuid") == 0 ? "CAP_SETUID" : "CAP_SETGID");
	return rc;
}

int privilege_open_directory(const struct privilege *privilege, const char *path)
{
	struct identity self = {0};
	int fd;

	if (!privilege->change)
		return open_directory(path);
	fd = remember(&self);
	if (fd < 0)
		return fd;
	if (become_for_now(&self, privilege))
		fd = -errno;
	else
		fd = open_directory(path);
	restore(&self);
	return fd;
}
