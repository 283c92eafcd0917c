/* SPDX-License-Identifier: MIT
 *
 * CPU quotas read from trees of files made for the purpose. */
#include "base/cpu.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char v2_mount[] = "31 23 0:28 / /cg rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
static const char v1_mount[] = "31 23 0:28 / /cg/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
			       "32 23 0:29 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n";

/* A directory that each test fills anew, and leaves behind for the next to remove. */
static char tree[] = "/tmp/cpu_test.XXXXXX";

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	assert_int_equal(system(command), 0);
}

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *file;

	run("mkdir -p \"$(dirname '%s/%s')\"", tree, path);
	snprintf(full, sizeof(full), "%s/%s", tree, path);
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static unsigned quota(const char *groups, const char *mounts)
{
	char groups_path[64], mounts_path[64];

	put("groups", groups);
	put("mounts", mounts);
	snprintf(groups_path, sizeof(groups_path), "%s/groups", tree);
	snprintf(mounts_path, sizeof(mounts_path), "%s/mounts", tree);
	return cpu_quota_from(groups_path, mounts_path, tree);
}

static void without_files_there_is_no_limit(void **state)
{
	(void)state;
	assert_int_equal(cpu_quota_from("/nonexistent", "/nonexistent", ""), 0);
	assert_int_equal(quota("0::/a/b\n", v2_mount), 0);
	assert_int_equal(quota("4:cpu,cpuacct:/a\n", v1_mount), 0);
	assert_int_equal(quota("", ""), 0);
	assert_int_equal(quota("nonsense\n:\n::\n", "also nonsense\n - \n - x\na - cgroup2 b c\n"), 0);
}

static void v2_takes_the_tightest_of_all_ancestors_rounded_up(void **state)
{
	(void)state;
	put("cg/a/b/cpu.max", "max 100000\n");
	put("cg/a/cpu.max", "250000 100000\n");
	assert_int_equal(quota("0::/a/b\n", v2_mount), 3);
	put("cg/a/b/cpu.max", "150000 100000\n");
	assert_int_equal(quota("0::/a/b\n", v2_mount), 2);
	put("cg/cpu.max", "10000 100000\n");
	assert_int_equal(quota("0::/a/b\n", v2_mount), 1);
	assert_int_equal(quota("0::/\n", v2_mount), 1);
	assert_int_equal(quota("0::/elsewhere\n", v2_mount), 1);
}

static void a_group_of_a_like_name_is_not_an_ancestor(void **state)
{
	(void)state;
	put("cg/ab/cpu.max", "100000 100000\n");
	assert_int_equal(quota("0::/a\n", v2_mount), 0);
	/* The mount shows /ab only; our group /abc is not below it. */
	put("cg/c/cpu.max", "100000 100000\n");
	assert_int_equal(quota("0::/abc\n", "1 1 0:1 /ab /cg rw - cgroup2 x rw\n"), 0);
}

static void v1_reads_quota_and_period_of_the_cpu_hierarchy_only(void **state)
{
	(void)state;
	put("cg/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
	put("cg/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota("4:cpu,cpuacct:/a\n3:cpuset:/a\n", v1_mount), 0);
	put("cg/cpu,cpuacct/cpu.cfs_quota_us", "400000\n");
	put("cg/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	put("cg/cpuset/cpu.cfs_quota_us", "100000\n"); /* no such thing there; must not be read */
	put("cg/cpuset/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota("4:cpu,cpuacct:/a\n3:cpuset:/a\n", v1_mount), 4);
}

static void hybrid_takes_the_tighter_of_both(void **state)
{
	char mounts[512];

	(void)state;
	snprintf(mounts, sizeof(mounts), "%s33 23 0:30 / /cg/unified rw - cgroup2 cgroup2 rw\n", v1_mount);
	put("cg/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n");
	put("cg/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota("1:cpu,cpuacct:/a\n0::/a\n", mounts), 3);
	put("cg/unified/a/cpu.max", "200000 100000\n");
	assert_int_equal(quota("1:cpu,cpuacct:/a\n0::/a\n", mounts), 2);
}

static void a_container_sees_its_group_as_the_mount(void **state)
{
	(void)state;
	put("cg/cpu.max", "200000 100000\n");
	put("cg/sub/cpu.max", "100000 100000\n");
	/* The host's name of the group, the mount beginning at it or above it. */
	assert_int_equal(quota("0::/docker/x\n", "1 1 0:1 /docker/x /cg rw - cgroup2 c rw\n"), 2);
	assert_int_equal(quota("0::/docker/x/sub\n", "1 1 0:1 /docker/x /cg rw - cgroup2 c rw\n"), 1);
	/* Outside of what can be seen: the mount point alone. */
	assert_int_equal(quota("0::/../../y/sub\n", v2_mount), 2);
	assert_int_equal(quota("0::/other/sub\n", "1 1 0:1 /docker/x /cg rw - cgroup2 c rw\n"), 2);
}

static void odd_mount_points_and_values_are_survived(void **state)
{
	char line[5000];

	(void)state;
	put("c g/cpu.max", "100000 100000\n");
	assert_int_equal(quota("0::/\n", "1 1 0:1 / /c\\040g rw - cgroup2 c rw\n"), 1);
	put("cg/cpu.max", "0 100000\n");
	assert_int_equal(quota("0::/\n", v2_mount), 0);
	put("cg/cpu.max", "100000 0\n");
	assert_int_equal(quota("0::/\n", v2_mount), 0);
	put("cg/cpu.max", "-5\n");
	assert_int_equal(quota("0::/\n", v2_mount), 0);
	put("cg/cpu.max", "9223372036854775807 1\n");
	assert_int_equal(quota("0::/\n", v2_mount), 0);
	memset(line, 'x', sizeof(line));
	memcpy(line, "0::/", 4);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(quota(line, v2_mount), 0);
}

static void usable_cpus_are_within_the_affinity_mask(void **state)
{
	cpu_set_t set;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_in_range(cpu_count_usable(), 1, CPU_COUNT(&set));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
		assert_int_equal(cpu_count_usable(), 1);
		return;
	}
}

static int make_tree(void **state)
{
	(void)state;
	memcpy(tree + strlen(tree) - 6, "XXXXXX", 6);
	return mkdtemp(tree) ? 0 : -1;
}

static int remove_tree(void **state)
{
	(void)state;
	run("rm -rf '%s'", tree);
	return 0;
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TREE(without_files_there_is_no_limit),
		WITH_TREE(v2_takes_the_tightest_of_all_ancestors_rounded_up),
		WITH_TREE(a_group_of_a_like_name_is_not_an_ancestor),
		WITH_TREE(v1_reads_quota_and_period_of_the_cpu_hierarchy_only),
		WITH_TREE(hybrid_takes_the_tighter_of_both),
		WITH_TREE(a_container_sees_its_group_as_the_mount),
		WITH_TREE(odd_mount_points_and_values_are_survived),
		cmocka_unit_test(usable_cpus_are_within_the_affinity_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
