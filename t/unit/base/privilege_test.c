/* SPDX-License-Identifier: MIT
 *
 * Changing the user. As root all of it, in children; else what others see of it. */
#include "base/privilege.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_default_user_is_an_unprivileged_one(void **state)
{
	struct privilege privilege;
	char reason[128];

	(void)state;
	assert_int_equal(privilege_lookup(NULL, "", &privilege, reason, sizeof(reason)), 0);
	assert_true(privilege.change);
	assert_int_not_equal(privilege.uid, 0);
	assert_non_null(getpwnam(privilege.user));
	assert_true(privilege.group_count >= 1);
	assert_int_equal(privilege_lookup("65534", NULL, &privilege, reason, sizeof(reason)), 0);
	assert_int_equal(privilege.uid, 65534);
}

static void an_unknown_user_or_group_is_named(void **state)
{
	struct privilege privilege;
	char reason[128];

	(void)state;
	assert_int_equal(privilege_lookup("nosuchuser", NULL, &privilege, reason, sizeof(reason)), -ENOENT);
	assert_string_equal(reason, "there is no user nosuchuser");
	assert_int_equal(privilege_lookup(NULL, "nosuchgroup", &privilege, reason, sizeof(reason)), -ENOENT);
	assert_string_equal(reason, "there is no group nosuchgroup");
}

static int look_up_without_descriptors(void)
{
	const struct rlimit none = {3, 3};
	struct privilege privilege;
	char reason[128];

	if (setrlimit(RLIMIT_NOFILE, &none) < 0)
		return 1;
	close_range(3, ~0U, 0);
	if (privilege_lookup("daemon", NULL, &privilege, reason, sizeof(reason)) != -EMFILE ||
	    !strstr(reason, "cannot look up user daemon: Too many open files"))
		return 2;
	if (privilege_lookup(NULL, NULL, &privilege, reason, sizeof(reason)) != -EMFILE)
		return 3;
	return strstr(reason, "cannot look up user www-data or nobody") ? 0 : 4;
}

static void a_user_that_cannot_be_looked_up_is_not_called_unknown(void **state)
{
	(void)state;
	assert_int_equal(in_child(look_up_without_descriptors), 0);
}

static void a_named_group_is_the_only_one(void **state)
{
	struct privilege privilege;
	char reason[128];
	struct group *daemon_group = getgrnam("daemon");

	(void)state;
	assert_non_null(daemon_group);
	assert_int_equal(privilege_lookup("nobody", "daemon", &privilege, reason, sizeof(reason)), 0);
	assert_int_equal(privilege.gid, daemon_group->gr_gid);
	assert_int_equal(privilege.group_count, 1);
	assert_int_equal(privilege.groups[0], daemon_group->gr_gid);
}

static int drop(void)
{
	const struct privilege privilege = {
		.change = true, .uid = 65534, .gid = 65533, .groups = {65533, 4242}, .group_count = 2};
	gid_t groups[8];

	if (privilege_drop(&privilege) != 0)
		return 1;
	if (getuid() != 65534 || geteuid() != 65534 || getgid() != 65533 || getegid() != 65533)
		return 2;
	if (getgroups(8, groups) != 2)
		return 3;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return 4;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 5;
}

static void dropping_has_no_way_back(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop), 0);
}

static int drop_when_not_allowed(void)
{
	const struct privilege other = {.change = true, .uid = 1, .gid = 1, .groups = {1}, .group_count = 1};

	if (setresuid(65534, 65534, 65534) < 0)
		return 1;
	return privilege_drop(&other) == -EPERM ? 0 : 2;
}

static void a_change_that_fails_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop_when_not_allowed), 0);
}

/* Back as we were: ids, groups, and able to leave a core file. */
static bool unchanged(void)
{
	gid_t groups[8];

	return geteuid() == 0 && getegid() == 0 && getgroups(8, groups) == 2 && (groups[0] == 7 || groups[1] == 7) &&
	       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
}

static int open_as_other(void)
{
	static const gid_t mine[] = {0, 7};
	const struct privilege nobody = {
		.change = true, .uid = 65534, .gid = 65534, .groups = {65534}, .group_count = 1};
	const struct privilege with_group = {
		.change = true, .uid = 65534, .gid = 65534, .groups = {65534, 4242}, .group_count = 2};
	char path[] = "/tmp/privilege_test.XXXXXX";
	int fd, rc = 0;

	if (setgroups(2, mine) < 0 || !mkdtemp(path))
		return 1;
	if (privilege_open_directory(&nobody, path) != -EACCES || !unchanged())
		rc = 2; /* 0700 and root's: closed to nobody */
	if (chown(path, 0, 4242) < 0 || chmod(path, 0750) < 0)
		rc = 3;
	if (privilege_open_directory(&nobody, path) != -EACCES)
		rc = 4;
	fd = privilege_open_directory(&with_group, path);
	if (fd < 0 || !unchanged())
		rc = 5; /* a further group opens it */
	if (privilege_open_directory(&nobody, "/nonexistent") != -ENOENT || !unchanged())
		rc = 6;
	if (privilege_open_directory(&nobody, "/etc/passwd") != -ENOTDIR || !unchanged())
		rc = 7;
	rmdir(path);
	return rc;
}

static void a_directory_is_opened_with_the_others_rights(void **state)
{
	(void)state;
	assert_int_equal(in_child(open_as_other), 0);
}

static int lookup_as_nobody(void)
{
	struct privilege privilege;
	char reason[128];

	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
		return 1;
	if (privilege_lookup(NULL, NULL, &privilege, reason, sizeof(reason)) != 0 || privilege.change ||
	    privilege.uid != geteuid() || privilege.gid != getegid())
		return 2;
	if (privilege_lookup(privilege.user, NULL, &privilege, reason, sizeof(reason)) != 0)
		return 3;
	if (privilege_lookup("root", NULL, &privilege, reason, sizeof(reason)) != -EPERM ||
	    strcmp(reason, "only root can change to user root") != 0)
		return 4;
	if (privilege_lookup(NULL, "root", &privilege, reason, sizeof(reason)) != -EPERM)
		return 5;
	if (privilege_drop(&(struct privilege){.change = false}) != 0)
		return 6;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 7;
}

static void who_is_not_root_stays_who_he_is(void **state)
{
	(void)state;
	assert_int_equal(in_child(lookup_as_nobody), 0);
}

int main(void)
{
	const struct CMUnitTest as_anybody[] = {
		cmocka_unit_test(who_is_not_root_stays_who_he_is),
	};
	const struct CMUnitTest as_root[] = {
		cmocka_unit_test(who_is_not_root_stays_who_he_is),
		cmocka_unit_test(the_default_user_is_an_unprivileged_one),
		cmocka_unit_test(an_unknown_user_or_group_is_named),
		cmocka_unit_test(a_user_that_cannot_be_looked_up_is_not_called_unknown),
		cmocka_unit_test(a_named_group_is_the_only_one),
		cmocka_unit_test(dropping_has_no_way_back),
		cmocka_unit_test(a_change_that_fails_is_an_error),
		cmocka_unit_test(a_directory_is_opened_with_the_others_rights),
	};

	if (geteuid() == 0)
		return cmocka_run_group_tests(as_root, NULL, NULL);
	return cmocka_run_group_tests(as_anybody, NULL, NULL);
}
