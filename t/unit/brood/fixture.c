/* SPDX-License-Identifier: MIT
 *
 * What the tests of options and configuration share. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fixture_set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char www[FIXTURE_PATH_MAX];

	assert_non_null(fixture);
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/brood-config-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	/* Workers of a server that root starts are somebody else. */
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	snprintf(www, sizeof(www), "%s/www", fixture->folder);
	assert_int_equal(mkdir(www, 0755), 0);
	assert_int_equal(chmod(www, 0755), 0);
	*state = fixture;
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
	(void)info;
	(void)type;
	(void)place;
	return remove(path);
}

int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;

	config_free(fixture->config);
	buffer_free(&fixture->reason);
	nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(fixture);
	return 0;
}

void fixture_write(struct fixture *fixture, const char *name, const char *text)
{
	FILE *file;

	snprintf(fixture->path, sizeof(fixture->path), "%s/%s", fixture->folder, name);
	file = fopen(fixture->path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

int fixture_load(struct fixture *fixture, const char *file, struct options options)
{
	char path[FIXTURE_PATH_MAX];
	int rc;

	config_free(fixture->config);
	buffer_free(&fixture->reason);
	snprintf(path, sizeof(path), "%s/%s", fixture->folder, file ? file : "");
	options.file = file ? path : NULL;
	options.directory = fixture->folder;
	rc = config_load(&fixture->config, &options, &fixture->reason);
	assert_true(rc == 0 ? fixture->reason.used == 0 : fixture->config == NULL);
	assert_int_equal(buffer_append(&fixture->reason, "", 1), 0);
	return rc;
}

void fixture_assert_line(const struct fixture *fixture, const char *line)
{
	char wanted[2048] = "\n", *got;
	size_t used = 1;

	for (; *line; line++) {
		assert_true(used + sizeof(fixture->folder) < sizeof(wanted));
		if (*line == '$')
			used += (size_t)sprintf(wanted + used, "%s", fixture->folder);
		else
			wanted[used++] = *line;
	}
	memcpy(wanted + used, "\n", 2);
	assert_true(asprintf(&got, "\n%s", fixture->reason.data) > 0);
	if (!strstr(got, wanted))
		fail_msg("wanted the line:%sgot:%s", wanted, got);
	free(got);
}

void fixture_assert_lines(const struct fixture *fixture, size_t count)
{
	size_t lines = 0;

	for (const char *at = fixture->reason.data; *at; at++)
		lines += *at == '\n';
	if (lines != count)
		fail_msg("wanted %zu lines, got %zu:\n%s", count, lines, fixture->reason.data);
}

char *fixture_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (!file)
		fail_msg("cannot open %s", path);
	if (getdelim(&text, &room, '\0', file) < 0) { /* an empty file */
		free(text);
		text = strdup("");
	}
	fclose(file);
	assert_non_null(text);
	return text;
}

char *fixture_read_source(const char *name)
{
	const char *source = getenv("BROOD_SRC");
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", source ? source : SOURCE_FOLDER, name);
	return fixture_read(path);
}
