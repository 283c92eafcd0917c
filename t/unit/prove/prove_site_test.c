/* SPDX-License-Identifier: MIT
 *
 * Where the private server's files are made: by TMPDIR, but not where somebody else could put others in their place. */
#include "prove/prove_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOMEBODY = 65533 };

static char base[32];

static int set_up(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/site_test.XXXXXX");
	return mkdtemp(base) && setenv("TMPDIR", base, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(base);
}

static void assert_made_in(const char *folder)
{
	struct site site;
	struct stat status;

	assert_int_equal(site_make(&site), 0);
	assert_int_equal(strncmp(site.folder, folder, strlen(folder)), 0);
	assert_int_equal(site.folder[strlen(folder)], '/');
	assert_null(strchr(site.folder + strlen(folder) + 1, '/'));
	assert_int_equal(stat(site.root, &status), 0);
	assert_int_equal(status.st_mode, S_IFDIR | 0755);
	site_remove(&site);
	assert_int_equal(stat(site.root, &status), -1);
}

static void files_are_made_in_the_folder_for_such(void **state)
{
	(void)state;
	assert_made_in(base);
}

static void root_makes_none_in_a_folder_of_somebody_else(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(base, SOMEBODY, SOMEBODY), 0);
	assert_made_in("/tmp");
	assert_int_equal(chown(base, 0, 0), 0);
	assert_int_equal(chmod(base, 0777), 0);
	assert_made_in("/tmp");
	assert_int_equal(chmod(base, 01777), 0);
	assert_made_in(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_made_in_the_folder_for_such, set_up, tear_down),
		cmocka_unit_test_setup_teardown(root_makes_none_in_a_folder_of_somebody_else, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
