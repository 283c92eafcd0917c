/* SPDX-License-Identifier: MIT
 *
 * Sites and locations in the configuration: read, inherited, printed, and what is wrong with them.
 */
#include "brood/config/config_sites.h"

#include "base/fd.h"
#include "brood/config/known_roots.h"
#include "brood/sites/sites.h"
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct options none;

static void assert_loads(struct fixture *fixture, const char *text)
{
	fixture_write(fixture, "a.conf", text);
	if (fixture_load(fixture, "a.conf", none) < 0)
		fail_msg("%s", fixture->reason.data);
}

static void assert_wrong(struct fixture *fixture, const char *text, const char *line)
{
	fixture_write(fixture, "a.conf", text);
	if (fixture_load(fixture, "a.conf", none) == 0)
		fail_msg("this is taken:\n%s", text);
	fixture_assert_line(fixture, line);
	fixture_assert_lines(fixture, 1);
}

static const char file[] = "root = \"www\";\n"
			   "index = [ \"a\", \"b\" ];\n"
			   "locations = ( { path = \"/deep/\"; index = \"deep\"; }, { path = \"/same\"; } );\n"
			   "sites = (\n"
			   "  { names = [ \"one.example\", \"*.one.example\" ]; symlinks = \"none\"; },\n"
			   "  { names = \"two.example\"; root = \"www/two\"; index = ( \"c\" );\n"
			   "    locations = ( { path = \"/deep\"; }, { path = \"/other\"; index = []; } ); }\n"
			   ");\n";

static void make_two(struct fixture *fixture)
{
	char folder[FIXTURE_PATH_MAX + 16];

	snprintf(folder, sizeof(folder), "%s/www/two", fixture->folder);
	assert_int_equal(mkdir(folder, 0755), 0);
}

static void assert_list(const char *const *list, const char *wanted)
{
	char text[256] = "";

	for (; *list; list++) {
		strcat(text, *list);
		strcat(text, " ");
	}
	assert_string_equal(text, wanted);
}

static const struct http_location *location_of(const struct sites *sites, const char *host, const char *path)
{
	const struct http_site *site = http_sites_find(&sites->http, slice_of(host));

	return http_site_location(site, slice_of(path));
}

static void inner_values_replace_outer_ones(void **state)
{
	struct fixture *fixture = *state;
	struct sites sites;
	char reason[256];
	static const struct {
		const char *host, *path, *index;
	} wanted[] = {
		{"x", "", "a b "},           {"x", "deep/x", "deep "},        {"x", "same", "a b "},
		{"one.example", "", "a b "}, {"one.example", "deep", "a b "}, /* a location is of its site alone */
		{"two.example", "", "c "},   {"two.example", "deep", "c "},   {"two.example", "other/x", ""},
	};

	make_two(fixture);
	assert_loads(fixture, file);
	assert_int_equal(sites_open(&sites, fixture->config, reason, sizeof(reason)), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_list(location_of(&sites, wanted[i].host, wanted[i].path)->index_names, wanted[i].index);
	assert_int_equal(sites.http.count, 3);
	assert_false(sites.http.list[0].root.no_links);
	assert_true(sites.http.list[1].root.no_links);
	assert_false(sites.http.list[2].root.no_links);
	sites_close(&sites);
}

static void codings_are_set_for_each_location(void **state)
{
	static const char text[] = "root = \"www\";\n"
				   "precompressed = false;\n"
				   "gzip_types = [ \"text/css\", \"image/svg+xml\" ];\n"
				   "locations = ( { path = \"/on\"; precompressed = true; gzip_min_size = \"2k\"; },\n"
				   "              { path = \"/off\"; gzip = false; },\n"
				   "              { path = \"/none\"; gzip_types = []; gzip_min_size = 0; } );\n";
	struct fixture *fixture = *state;
	const struct http_location *location;
	struct sites sites;
	char reason[256];

	make_two(fixture);
	assert_loads(fixture, text);
	assert_int_equal(sites_open(&sites, fixture->config, reason, sizeof(reason)), 0);
	location = location_of(&sites, "x", "");
	assert_false(location->precompressed);
	assert_list(location->gzip_types, "text/css image/svg+xml ");
	assert_int_equal(location->gzip_min_size, 1024);
	location = location_of(&sites, "x", "on/x");
	assert_true(location->precompressed);
	assert_list(location->gzip_types, "text/css image/svg+xml ");
	assert_int_equal(location->gzip_min_size, 2048);
	assert_null(location_of(&sites, "x", "off")->gzip_types);
	location = location_of(&sites, "x", "none");
	assert_list(location->gzip_types, "");
	assert_int_equal(location->gzip_min_size, 0);
	sites_close(&sites);
}

static void what_s_sets_holds_where_nothing_else_is_said(void **state)
{
	struct fixture *fixture = *state;
	const char *set[] = {"index=x,y", "symlinks=none"};
	struct sites sites;
	char reason[256];

	make_two(fixture);
	fixture_write(fixture, "a.conf", file);
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){.set = set, .set_count = 2}), 0);
	assert_int_equal(sites_open(&sites, fixture->config, reason, sizeof(reason)), 0);
	assert_list(location_of(&sites, "x", "")->index_names, "x y ");
	assert_list(location_of(&sites, "one.example", "")->index_names, "x y ");
	assert_list(location_of(&sites, "two.example", "")->index_names, "c ");
	assert_list(location_of(&sites, "x", "deep")->index_names, "deep ");
	assert_true(sites.http.list[2].root.no_links);
	sites_close(&sites);
}

static void without_a_root_at_the_top_the_first_site_is_the_default(void **state)
{
	struct fixture *fixture = *state;
	struct sites sites;
	char reason[256];

	assert_loads(fixture, "index = \"x\";\nsites = ( { names = \"a\"; root = \"www\"; },\n"
			      "{ names = \"b\"; root = \"www\"; index = \"y\"; } );");
	assert_null(fixture->config->site.root);
	assert_int_equal(sites_open(&sites, fixture->config, reason, sizeof(reason)), 0);
	assert_int_equal(sites.http.count, 2);
	assert_list(location_of(&sites, "c", "")->index_names, "x ");
	assert_list(location_of(&sites, "b", "")->index_names, "y ");
	sites_close(&sites);
}

static char *printed(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	config_print(config, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void what_is_printed_is_a_file_that_means_the_same(void **state)
{
	struct fixture *fixture = *state;
	char *once, *again;

	make_two(fixture);
	assert_loads(fixture, file);
	once = printed(fixture->config);
	assert_non_null(strstr(once, "\nsites = (\n"));
	assert_non_null(strstr(once, "\nlocations = (\n"));
	assert_non_null(strstr(once, "\t\tnames = [\"one.example\", \"*.one.example\"];\n"));
	assert_non_null(strstr(once, "path = \"/deep\";"));
	assert_loads(fixture, once);
	again = printed(fixture->config);
	assert_string_equal(once, again);
	free(once);
	free(again);

	assert_loads(fixture, "sites = ( { root = \"www\"; } );");
	once = printed(fixture->config);
	assert_loads(fixture, once);
	again = printed(fixture->config);
	assert_string_equal(once, again);
	free(once);
	free(again);
}

static void members_are_known_by_name_and_scope(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "sites = (\n{ root = \"www\";\nidnex = \"a\"; } );",
		     "$/a.conf:3: a site has no setting 'idnex' (did you mean 'index'?)");
	assert_wrong(fixture, "sites = (\n{ root = \"www\"; florp = 1; } );",
		     "$/a.conf:2: a site has no setting 'florp'");
	assert_wrong(fixture, "sites = ( { root = \"www\";\nworkers = 1; } );",
		     "$/a.conf:2: workers is for the whole server, not for a site");
	assert_wrong(fixture, "root = \"www\"; locations = ( { path = \"/a\";\nroot = \"x\"; } );",
		     "$/a.conf:2: root is for a site, not for a location");
	assert_wrong(fixture, "root = \"www\"; locations = ( { path = \"/a\";\ntls_key = \"x\"; } );",
		     "$/a.conf:2: tls_key is for a site, not for a location");
	assert_wrong(fixture, "root = \"www\";\nlocation = ();",
		     "$/a.conf:2: unknown setting 'location' (did you mean 'locations'?)");
	assert_wrong(fixture, "site = ();", "$/a.conf:1: unknown setting 'site' (did you mean 'sites'?)");
}

static void locations_have_paths_of_their_own(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *path, *why;
	} wrong[] = {
		{"\"a/\"", "want the path of a URL, from the / on, as in \"/assets/\""},
		{"\"\"", "want the path of a URL, from the / on, as in \"/assets/\""},
		{"1", "want the path of a URL, from the / on, as in \"/assets/\""},
		{"\"/\"", "the settings of the site are those for /"},
		{"\"/a%20b\"", "want it decoded: as the file is called, without %XX"},
		{"\"/a//b\"", "no such path is ever looked up: it has an empty or a hidden segment"},
		{"\"/a/../b\"", "no such path is ever looked up: it has an empty or a hidden segment"},
		{"\"/.git\"", "no such path is ever looked up: it has an empty or a hidden segment"},
		{"\"/x/\"", "there is a location of this path already"},
	};
	char text[256], line[256];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "root = \"www\"; locations = ( { path = \"/x\"; },\n{ path = %s; } );",
			 wrong[i].path);
		snprintf(line, sizeof(line), "$/a.conf:2: path = %s: %s", wrong[i].path, wrong[i].why);
		assert_wrong(fixture, text, line);
	}
	assert_wrong(fixture, "root = \"www\";\nlocations = ( { index = \"a\"; } );",
		     "$/a.conf:2: locations = { ... }: this location has no path");
	assert_wrong(fixture, "root = \"www\";\nlocations = ( \"/a\" );",
		     "$/a.conf:2: locations = \"/a\": want groups, as in ( { path = \"/assets/\"; } "
		     ")");
	assert_wrong(fixture, "root = \"www\";\nlocations = { path = \"/a\"; };",
		     "$/a.conf:2: locations = { ... }: want a list, as in ( { path = "
		     "\"/assets/\"; } )");
	assert_loads(fixture, "root = \"www\"; locations = ( { path = \"/.well-known/x\"; } );");
}

static void a_site_has_as_many_locations_as_there_may_be(void **state)
{
	struct fixture *fixture = *state;
	static const char end[] = " );", more[] = ", { path = \"/more\"; } );";
	struct buffer text = {0};

	assert_int_equal(buffer_printf(&text, "root = \"www\"; locations = ( { path = \"/0\"; }"), 0);
	for (unsigned i = 1; i < CONFIG_LOCATIONS_MAX; i++)
		assert_int_equal(buffer_printf(&text, ", { path = \"/%u\"; }", i), 0);
	assert_int_equal(buffer_append(&text, end, sizeof(end)), 0);
	assert_loads(fixture, text.data);
	assert_int_equal(fixture->config->site.location_count, CONFIG_LOCATIONS_MAX);
	text.used -= sizeof(end);
	assert_int_equal(buffer_append(&text, more, sizeof(more)), 0);
	assert_wrong(fixture, text.data, "$/a.conf:1: locations = ( ... ): 256 at most in a site");
	buffer_free(&text);
}

static void a_root_is_complained_of_where_it_is_set_only(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture,
		     "\nroot = \"gone\";\nsites = ( { names = \"a\"; }, { names = \"b\"; root = \"www\"; },\n"
		     "{ names = \"c\"; } );",
		     "$/a.conf:2: root '$/gone': no such folder");
}

static void sites_have_roots_and_names_of_their_own(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "sites = (\n{ names = \"a\"; } );",
		     "$/a.conf:2: this site has no root, and there is none at the top level");
	assert_wrong(fixture, "sites = ( { names = \"a\";\nroot = \"none\"; } );",
		     "$/a.conf:2: root '$/none': no such folder");
	assert_wrong(fixture,
		     "root = \"www\";\nsites = ( { names = \"a.b\"; },\n{ names = [ \"x\",\n"
		     "\"A.B\" ]; } );",
		     "$/a.conf:3: names: 'A.B' is there twice");
	assert_wrong(fixture, "root = \"www\";\nnames = [ \"a\", \"b c\" ];",
		     "$/a.conf:2: names = \"b c\": \"b c\" is no host's name (like example.org, "
		     "*.example.org or 192.0.2.7)");
	assert_wrong(fixture, "sites = ( { root = \"www\"; } );\nlocations = ( { path = \"/a\"; } );",
		     "locations and names at the top level are the default site's: it wants a root "
		     "there");
	assert_wrong(fixture, "root = \"www\";\nsites = { root = \"www\"; };",
		     "$/a.conf:2: sites = { ... }: want a list, as in ( { names = [ "
		     "\"example.org\" ]; } )");
	assert_wrong(fixture, "root = \"www\";\nsites = ( 1 );",
		     "$/a.conf:2: sites = 1: want groups, as in ( { names = [ \"example.org\" ]; } "
		     ")");
	assert_loads(fixture, "root = \"www\"; sites = ();");
}

static void lists_are_texts_or_arrays_or_lists_of_texts(void **state)
{
	struct fixture *fixture = *state;

	assert_loads(fixture, "index = \"a, b\";"); /* a comma is part of it */
	assert_int_equal(fixture->config->site.location.index.count, 1);
	assert_string_equal(fixture->config->site.location.index.items[0], "a, b");
	assert_loads(fixture, "index = ( \"a\", \"b\" );");
	assert_int_equal(fixture->config->site.location.index.count, 2);
	assert_loads(fixture, "index = [];");
	assert_int_equal(fixture->config->site.location.index.count, 0);
	assert_wrong(fixture, "index = 1;", "$/a.conf:1: index = 1: want texts");
	assert_wrong(fixture, "index = [ \"a\",\n\"b/c\" ];",
		     "$/a.conf:2: index = \"b/c\": \"b/c\" is no name of a file that can be served in "
		     "a folder");
	assert_wrong(fixture, "index = ( \"a\", 1 );", "$/a.conf:1: index = 1: want texts");
	assert_wrong(fixture, "gzip_types = [ \"text/html\", \"text\" ];",
		     "$/a.conf:1: gzip_types = \"text\": \"text\" is no type of files (like text/html)");
}

static void headers_of_all_levels_merge_and_have_one_limit(void **state)
{
	struct fixture *fixture = *state;
	struct sites sites;
	char reason[256], text[16384], value[2100];
	const char *first;
	const struct http_location *location;

	assert_loads(fixture, "root = \"www\"; headers = [\"set A: 1\", \"set B: 1\"];\n"
			      "locations = ( { path = \"/d\"; headers = [\"set A: 2\", \"set C: 2\"]; } );\n"
			      "sites = ( { names = \"s\"; headers = \"remove B\";\n"
			      "locations = ( { path = \"/d\"; headers = [\"add A: 3\"]; } ); } );");
	assert_int_equal(sites_open(&sites, fixture->config, reason, sizeof(reason)), 0);
	location = location_of(&sites, "x", "");
	assert_true(slice_equal(location->fields, SLICE("Server: brood\r\nA: 1\r\nB: 1\r\n")));
	location = location_of(&sites, "x", "d");
	assert_true(slice_equal(location->fields, SLICE("Server: brood\r\nB: 1\r\nA: 2\r\nC: 2\r\n")));
	location = location_of(&sites, "s", "");
	assert_true(slice_equal(location->fields, SLICE("Server: brood\r\nA: 1\r\n")));
	location = location_of(&sites, "s", "d");
	assert_true(slice_equal(location->fields, SLICE("Server: brood\r\nA: 1\r\nA: 3\r\n")));
	sites_close(&sites);

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	snprintf(text, sizeof(text),
		 "root = \"www\"; headers = [\"set A: %s\", \"set B: %s\"];\nlocations = (\n"
		 "{ path = \"/d\"; headers = [\"set C: %.1000s\"]; } );",
		 value, value, value);
	assert_loads(fixture, text);
	snprintf(text, sizeof(text),
		 "root = \"www\"; headers = [\"set A: %s\"];\nlocations = ( { path = \"/d\";\n"
		 "headers = [\"set B: %s%.1900s\", \"set C: %.1999s\"]; } );",
		 value, value, value, value);
	assert_loads(fixture, text);
	snprintf(text, sizeof(text),
		 "root = \"www\"; headers = [\"set A: %s\"];\nlocations = ( { path = \"/d\";\n"
		 "headers = [\"set B: %s%.1900s\", \"set C: %.2099s\"]; } );",
		 value, value, value, value);
	assert_wrong(fixture, text, "$/a.conf:3: headers: more than 8192 octets in all");

	/* A location that has none of its own has them from where they are set: both say so. */
	snprintf(text, sizeof(text),
		 "root = \"www\"; sites = ( { names = \"s\";\nheaders = [\"set A: %s\", \"set B: %s\",\n"
		 "\"set C: %s\", \"set D: %s\"];\nlocations = ( { path = \"/d\"; } ); } );",
		 value, value, value, value);
	fixture_write(fixture, "a.conf", text);
	assert_int_equal(fixture_load(fixture, "a.conf", none), -1);
	fixture_assert_lines(fixture, 2);
	first = strstr(fixture->reason.data, "/a.conf:2: headers: more than 8192 octets in all\n");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "/a.conf:2: headers: more than 8192 octets in all\n"));
}

static void only_a_file_has_sites(void **state)
{
	struct fixture *fixture = *state;
	const char *set[] = {"sites=a"};

	assert_int_equal(fixture_load(fixture, NULL, (struct options){.set = set, .set_count = 1}), -1);
	fixture_assert_line(fixture, "-s 'sites=a': sites: only a file can say");
}

/* What a running server knows of roots is not asked of the disk again. */
static void known_roots_are_what_they_are_known_to_be(void **state)
{
	struct fixture *fixture = *state;
	struct known_roots known = {0};
	struct stat one, other;
	struct sites sites;
	char reason[256], path[FIXTURE_PATH_MAX + 16];
	const struct http_site *list;

	snprintf(path, sizeof(path), "%s/gone", fixture->folder);
	known_roots_add(&known, path, false, -1, ENOENT);
	snprintf(path, sizeof(path), "%s/silent", fixture->folder);
	known_roots_add(&known, path, true, open(fixture->folder, O_PATH | O_DIRECTORY | O_CLOEXEC), 4711);
	snprintf(path, sizeof(path), "%s/lost", fixture->folder);
	known_roots_add(&known, path, true, -1, EIO);
	fixture_write(
		fixture, "a.conf",
		"root = \"www\"; sites = ( { names = \"a\"; root = \"gone\"; }, { names = \"b\"; root = \"silent\"; },"
		"{ names = \"c\"; root = \"lost\"; } );\n");
	assert_int_equal(fixture_load(fixture, "a.conf", none), -1);
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){.known_roots = &known}), 0);
	assert_int_equal(sites_open(&sites, fixture->config, reason, sizeof(reason)), 0);
	list = sites.http.list;
	assert_int_equal(list[0].follow.error, 0);
	assert_int_equal(list[1].follow.error, -ENOENT);
	assert_int_equal(list[1].root.fd, -1);
	assert_int_equal(list[2].follow.error, 0);
	assert_int_equal(list[2].follow.version, 4711);
	assert_int_equal(fstat(list[2].root.fd, &one), 0);
	assert_int_equal(stat(fixture->folder, &other), 0);
	assert_int_equal(one.st_ino, other.st_ino);
	assert_int_equal(list[3].follow.error, -EIO);
	assert_int_equal(list[3].follow.version, EIO);
	/* What is heard of one is for all sites that have it. */
	snprintf(path, sizeof(path), "%s/silent", fixture->folder);
	sites_give_root(&sites, path, -1, -ENOTDIR, ENOTDIR);
	assert_int_equal(list[2].follow.error, -ENOTDIR);
	assert_int_equal(list[2].root.fd, -1);
	sites_give_root(&sites, path, list[0].root.fd, 0, 5);
	assert_int_equal(list[2].follow.error, 0);
	assert_int_not_equal(list[2].root.fd, list[0].root.fd);
	sites_close(&sites);
	known_roots_free(&known);
	/* One that is gone and has come back is opened. */
	known_roots_add(&known, path, false, -1, ENOENT);
	assert_int_equal(mkdir(path, 0755), 0);
	fixture_write(fixture, "a.conf", "root = \"silent\";\n");
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){.known_roots = &known}), 0);
	assert_int_equal(sites_open(&sites, fixture->config, reason, sizeof(reason)), 0);
	assert_int_equal(sites.http.list[0].follow.error, 0);
	sites_close(&sites);
	known_roots_free(&known);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(inner_values_replace_outer_ones),
		TEST(codings_are_set_for_each_location),
		TEST(what_s_sets_holds_where_nothing_else_is_said),
		TEST(without_a_root_at_the_top_the_first_site_is_the_default),
		TEST(what_is_printed_is_a_file_that_means_the_same),
		TEST(members_are_known_by_name_and_scope),
		TEST(locations_have_paths_of_their_own),
		TEST(a_site_has_as_many_locations_as_there_may_be),
		TEST(a_root_is_complained_of_where_it_is_set_only),
		TEST(sites_have_roots_and_names_of_their_own),
		TEST(lists_are_texts_or_arrays_or_lists_of_texts),
		TEST(headers_of_all_levels_merge_and_have_one_limit),
		TEST(only_a_file_has_sites),
		TEST(known_roots_are_what_they_are_known_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
