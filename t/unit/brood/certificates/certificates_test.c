/* SPDX-License-Identifier: MIT
 *
 * Certificates as the master has them: files copied, never understood; handed on to reloads, upgrades and
 * workers. */
#include "fixture.h"

#include "brood/certificates/certificates.h"
#include "brood/config/config_tls.h"
#include "brood/certificates/renewal.h"
#include "cluster/upgrade/upgrade_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TYPE = 7 };

static void assert_content(int fd, const char *text)
{
	char got[64] = "";

	assert_true(pread(fd, got, sizeof(got) - 1, 0) >= 0);
	assert_string_equal(got, text);
}

/* Loads a file that begins so, with a TLS listener, and with files whose contents are their names. */
static void load(struct fixture *fixture, const char *text)
{
	static const char *const names[] = {"a.pem", "a.key", "b.pem", "b.key", "ca.pem"};
	char whole[2048];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fixture_write(fixture, names[i], names[i]);
	snprintf(whole, sizeof(whole), "listen = \"tls:127.0.0.1:0\"; root = \"www\";\n%s", text);
	fixture_write(fixture, "a.conf", whole);
	if (fixture_load(fixture, "a.conf", (struct options){0}) < 0)
		fail_msg("%s", fixture->reason.data);
}

static struct certificates opened(struct fixture *fixture, const struct certificates *before, bool keep)
{
	struct certificates out;
	char reason[512] = "";

	if (certificates_open(&out, fixture->config, before, keep, reason, sizeof(reason)) < 0)
		fail_msg("%s", reason);
	return out;
}

static const char two_sites[] = "tls_certificate = \"a.pem\"; tls_key = \"a.key\";\n"
				"sites = ( { names = \"b.test\"; tls_certificate = \"b.pem\"; },\n"
				"          { names = \"c.test\"; tls_client = \"required\";\n"
				"            tls_client_ca = \"ca.pem\"; } );\n";

static void each_site_has_its_own_or_those_of_the_top_level(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all;

	load(fixture, two_sites);
	all = opened(fixture, NULL, false);
	assert_int_equal(all.count, 3);
	assert_int_equal(all.site_count, 3);
	assert_string_equal(all.sites[0].name, "");
	assert_string_equal(all.sites[1].name, "b.test");
	assert_int_equal(all.sites[0].pairs[0], 0);
	assert_int_equal(all.sites[1].pairs[0], 1);
	assert_int_equal(all.sites[2].pairs[0], 0);
	assert_content(all.list[0].pair.certificate_fd, "a.pem");
	assert_content(all.list[0].pair.key_fd, "a.key");
	/* The top level's key is not that of a site's own certificate. */
	assert_int_equal(all.list[1].pair.key_fd, all.list[1].pair.certificate_fd);
	assert_int_equal(all.sites[0].client, TLS_CLIENT_OFF);
	assert_int_equal(all.list[all.sites[2].client_ca].kind, CERTIFICATE_CLIENT_CA);
	assert_content(all.list[all.sites[2].client_ca].pair.certificate_fd, "ca.pem");
	certificates_close(&all);
	assert_false(certificates_exist(&all));
}

/* A pair in that file is something else, though it may be a client's own authority. */
static void a_file_of_authorities_is_one_for_all_sites(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all;
	char text[CERTIFICATE_TEXT_MAX];

	load(fixture, "tls_certificate = \"a.pem\"; tls_client = \"optional\"; tls_client_ca = \"a.pem\";\n"
		      "sites = ( { names = \"b.test\"; }, { names = \"c.test\"; tls_client_ca = "
		      "\"b.pem\"; },\n"
		      "          { names = \"d.test\"; tls_client = \"off\"; } );");
	all = opened(fixture, NULL, false);
	assert_int_equal(all.count, 3);
	assert_int_equal(all.sites[0].client_ca, all.sites[1].client_ca);
	assert_int_not_equal(all.sites[0].client_ca, all.sites[0].pairs[0]);
	assert_content(all.list[all.sites[2].client_ca].pair.certificate_fd, "b.pem");
	assert_int_equal(all.sites[3].client, TLS_CLIENT_OFF);
	certificate_describe(&all.list[all.sites[0].client_ca], "odd", text);
	assert_memory_equal(text, "tls_client_ca '/", 16);
	assert_non_null(strstr(text, "/a.pem': odd"));
	certificates_close(&all);
}

static void a_site_without_one_shows_the_first_there_is(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all;

	load(fixture, "sites = ( { names = \"a.test\"; }, { names = \"b.test\"; tls_certificate = "
		      "\"b.pem\"; } );");
	all = opened(fixture, NULL, false);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(all.sites[i].pair_count, 1);
		assert_int_equal(all.sites[i].pairs[0], 0);
	}
	certificates_close(&all);
}

/* Wherever that stands: the top level comes first, then the sites in their order. */
static void the_first_there_is_may_be_any(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all;
	char text[512];

	for (size_t first = 0; first < 4; first++) {
		snprintf(text, sizeof(text),
			 "%s\nsites = ( { names = \"a.test\"; %s }, { names = \"b.test\"; %s },\n"
			 "          { names = \"c.test\"; tls_certificate = \"b.pem\"; } );",
			 first == 0 ? "tls_certificate = \"a.pem\";" : "",
			 first == 1 ? "tls_certificate = \"a.pem\";" : "",
			 first == 2 ? "tls_certificate = \"a.pem\";" : "");
		load(fixture, text);
		all = opened(fixture, NULL, false);
		assert_int_equal(all.site_count, 4);
		for (size_t i = 0; i < 4; i++) {
			size_t shown = all.sites[i].pairs[0];

			assert_int_equal(all.sites[i].pair_count, 1);
			assert_content(all.list[shown].pair.certificate_fd, i == 3 || first == 3 ? "b.pem" : "a.pem");
		}
		certificates_close(&all);
	}
}

static void without_a_listener_for_tls_nothing_is_opened(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all;

	load(fixture, two_sites);
	fixture->config->listen[0].tls = false;
	all = opened(fixture, NULL, false);
	assert_false(certificates_exist(&all));
	certificates_close(&all);
}

static void a_copy_stays_what_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all, again;
	struct pem_stamp stamp;

	load(fixture, two_sites);
	all = opened(fixture, NULL, false);
	fixture_write(fixture, "a.pem", "another");
	assert_content(all.list[0].pair.certificate_fd, "a.pem");
	assert_int_equal(write(all.list[0].pair.certificate_fd, "x", 1), -1);
	pem_file_stamp(all.list[0].path, &stamp);
	assert_false(pem_stamp_equal(&stamp, &all.list[0].stamp));
	again = opened(fixture, &all, false);
	assert_content(again.list[0].pair.certificate_fd, "another");
	certificates_close(&again);
	again = opened(fixture, &all, true);
	assert_content(again.list[0].pair.certificate_fd, "a.pem");
	assert_true(pem_stamp_equal(&again.list[0].stamp, &all.list[0].stamp));
	certificates_close(&again);
	certificates_close(&all);
}

static void what_is_known_of_the_same_files_is_known_after_a_reload(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all, again;

	load(fixture, two_sites);
	all = opened(fixture, NULL, false);
	assert_int_equal(all.list[0].watch, WATCH_SETTLING);
	all.list[0].not_after = all.list[1].not_after = 1234;
	all.list[0].told = 2;
	fixture_write(fixture, "b.pem", "another");
	again = opened(fixture, &all, false);
	assert_int_equal(again.list[0].watch, WATCH_QUIET);
	assert_int_equal(again.list[0].not_after, 1234);
	assert_int_equal(again.list[0].told, 2);
	assert_int_equal(again.list[1].watch, WATCH_SETTLING);
	assert_int_equal(again.list[1].not_after, 0);
	certificates_close(&again);
	certificates_close(&all);
}

static void one_for_trying_out_is_kept_as_long_as_its_names(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all, same, other;

	load(fixture, "tls_certificate = \"dev\"; names = [ \"a.test\", \"b.test\" ];");
	all = opened(fixture, NULL, false);
	assert_int_equal(all.list[0].kind, CERTIFICATE_DEV);
	assert_true(all.list[0].is_new);
	assert_string_equal(all.list[0].key_path, "a.test b.test");
	assert_int_equal(write(all.list[0].pair.certificate_fd, "made", 4), 4);
	same = opened(fixture, &all, false);
	assert_false(same.list[0].is_new);
	assert_content(same.list[0].pair.certificate_fd, "made");
	load(fixture, "tls_certificate = \"dev\"; names = \"a.test\";");
	other = opened(fixture, &all, false);
	assert_true(other.list[0].is_new);
	assert_content(other.list[0].pair.certificate_fd, "");
	certificates_close(&other);
	certificates_close(&same);
	certificates_close(&all);
}

/* Every worker has the descriptors. */
static void what_was_made_for_trying_out_cannot_be_spoilt(void **state)
{
	struct fixture *fixture = *state;
	char reason[TLS_REASON_MAX], pem[10];
	struct certificates all;
	struct stat info;

	load(fixture, "tls_certificate = \"dev\"; names = \"a.test\";");
	all = opened(fixture, NULL, false);
	assert_int_equal(certificate_fill(&all.list[0], reason), 0);
	for (int i = 0; i < 2; i++) {
		int fd = i == 0 ? all.list[0].pair.certificate_fd : all.list[0].pair.key_fd;

		assert_int_equal(pwrite(fd, "spoilt", 6, 0), -1);
		assert_int_equal(ftruncate(fd, 0), -1);
		assert_int_equal(fstat(fd, &info), 0);
		assert_int_equal(ftruncate(fd, info.st_size + 1), -1);
		assert_ptr_equal(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
		assert_int_equal(pread(fd, pem, sizeof(pem), 0), sizeof(pem));
		assert_memory_equal(pem, "-----BEGIN", sizeof(pem));
	}
	assert_int_equal(certificate_fill(&all.list[0], reason), 0);
	certificates_close(&all);
}

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* So many may still be opened. */
static void allow(unsigned more)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 0;
	for (int fd = 0; more > 0 || fcntl(fd, F_GETFD) >= 0; fd++) {
		more -= fcntl(fd, F_GETFD) < 0;
		limit.rlim_cur = (rlim_t)fd + 1;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Each descriptor that a reload needs for those that it keeps is the one too many once. */
static void without_descriptors_for_what_is_kept_there_is_no_reload(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all, again;
	struct rlimit limit;
	char reason[512];
	int open_before;

	load(fixture, "tls_certificate = \"a.pem\"; tls_key = \"a.key\";");
	all = opened(fixture, NULL, false);
	open_before = count_open();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (unsigned more = 0; more < 2; more++) {
		allow(more);
		assert_int_equal(certificates_open(&again, fixture->config, &all, true, reason, sizeof(reason)), -1);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		assert_non_null(strstr(reason, ": Too many open files"));
		assert_int_equal(count_open(), open_before);
	}
	again = opened(fixture, &all, true);
	assert_int_equal(count_open(), open_before + 2);
	certificates_close(&again);
	certificates_close(&all);
}

static void an_upgrade_goes_on_with_what_was_used(void **state)
{
	struct fixture *fixture = *state;
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;
	struct upgrade_record record;
	struct certificates all, next;
	unsigned count = 0;

	load(fixture, two_sites);
	all = opened(fixture, NULL, false);
	all.list[0].not_after = 99;
	certificates_save(&all, TYPE, &writer);
	assert_int_equal(upgrade_finish(&writer), 0);
	fixture_write(fixture, "a.pem", "garbage");
	/* The next version has other descriptors of its own. */
	load(fixture, "tls_certificate = \"a.pem\"; tls_key = \"a.key\";");
	fixture_write(fixture, "a.pem", "garbage");
	next = opened(fixture, NULL, false);
	assert_content(next.list[0].pair.certificate_fd, "garbage");
	assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), 0);
	while (upgrade_next(&reader, &record)) {
		certificates_restore(&next, &record);
		count++;
	}
	assert_int_equal(count, 3);
	assert_content(next.list[0].pair.certificate_fd, "a.pem");
	assert_int_equal(next.list[0].not_after, 99);
	assert_int_equal(next.list[0].watch, WATCH_QUIET);
	/* What nobody wants any more is closed. */
	assert_int_equal(fcntl(all.list[1].pair.certificate_fd, F_GETFD), -1);
	assert_int_equal(fcntl(all.list[2].pair.certificate_fd, F_GETFD), -1);
	upgrade_writer_free(&writer);
	certificates_close(&next);
	for (size_t i = 0; i < all.count; i++)
		all.list[i].pair = (struct tls_pair){-1, -1};
	certificates_close(&all);
}

static void so_it_does_with_those_who_sign_for_clients(void **state)
{
	static const char text[] = "tls_certificate = \"a.pem\"; tls_client = \"required\";\n"
				   "tls_client_ca = \"ca.pem\";";
	struct fixture *fixture = *state;
	struct upgrade_writer writer = {0};
	struct upgrade_reader reader;
	struct upgrade_record record;
	struct certificates all, next;

	load(fixture, text);
	all = opened(fixture, NULL, false);
	all.list[all.sites[0].client_ca].not_after = INT64_MAX;
	certificates_save(&all, TYPE, &writer);
	assert_int_equal(upgrade_finish(&writer), 0);
	load(fixture, text);
	fixture_write(fixture, "ca.pem", "garbage");
	next = opened(fixture, NULL, false);
	assert_int_equal(upgrade_open(&reader, writer.octets.data, writer.octets.used), 0);
	while (upgrade_next(&reader, &record))
		certificates_restore(&next, &record);
	assert_content(next.list[next.sites[0].client_ca].pair.certificate_fd, "ca.pem");
	assert_int_equal(next.list[next.sites[0].client_ca].watch, WATCH_QUIET);
	upgrade_writer_free(&writer);
	certificates_close(&next);
	for (size_t i = 0; i < all.count; i++)
		all.list[i].pair = (struct tls_pair){-1, -1};
	certificates_close(&all);
}

static void a_record_that_makes_no_sense_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct certificates all;
	char octets[512];
	struct upgrade_record record = {TYPE, octets, 0};

	load(fixture, two_sites);
	all = opened(fixture, NULL, false);
	for (size_t size = 0; size <= sizeof(octets); size += 3) {
		memset(octets, (int)(size % 5), sizeof(octets));
		if (size > 0)
			octets[size - 1] = '\0';
		record.size = size;
		certificates_restore(&all, &record);
	}
	assert_content(all.list[0].pair.certificate_fd, "a.pem");
	certificates_close(&all);
}

/* Certificates as opened, and news of one of them with a copy to take its place. Returns the news' size. */
static size_t tell(struct fixture *fixture, const char *path, const char *key_path, struct certificates *all,
		   char news[1024], int fds[2])
{
	load(fixture, two_sites);
	*all = opened(fixture, NULL, false);
	for (int i = 0; i < 2; i++)
		fds[i] = memfd_create("new", MFD_CLOEXEC);
	assert_int_equal(write(fds[0], "new", 3), 3);
	return (size_t)snprintf(news, 1024, "%s/%s%c%s/%s", fixture->folder, path, 0, fixture->folder, key_path) + 1;
}

static void a_worker_takes_the_pair_that_it_is_told_of(void **state)
{
	struct certificates all;
	char news[1024];
	int fds[2];
	size_t size = tell(*state, "a.pem", "a.key", &all, news, fds);

	/* Cut off anywhere, or with too few descriptors, it is about nothing. */
	for (size_t cut = 1; cut < size; cut++)
		assert_null(renewal_take(&all, BROADCAST_CERTIFICATE, news, cut, fds, 2));
	assert_null(renewal_take(&all, BROADCAST_CERTIFICATE, news, size, fds, 1));
	assert_null(renewal_take(&all, BROADCAST_CLIENT_CA, news, size, fds, 2));
	assert_ptr_equal(renewal_take(&all, BROADCAST_CERTIFICATE, news, size, fds, 2), &all.list[0]);
	assert_int_equal(fds[0], -1);
	assert_content(all.list[0].pair.certificate_fd, "new");
	certificates_close(&all);
}

static void a_worker_takes_those_who_sign_for_clients(void **state)
{
	struct certificates all;
	char news[1024];
	int fds[2];
	size_t size = tell(*state, "ca.pem", "ca.pem", &all, news, fds);

	assert_null(renewal_take(&all, BROADCAST_CERTIFICATE, news, size, fds, 2));
	assert_ptr_equal(renewal_take(&all, BROADCAST_CLIENT_CA, news, size, fds, 2),
			 &all.list[all.sites[2].client_ca]);
	assert_content(all.list[all.sites[2].client_ca].pair.certificate_fd, "new");
	certificates_close(&all);
}

static void assert_wrong(struct fixture *fixture, const char *text, const char *line)
{
	fixture_write(fixture, "a.pem", "");
	fixture_write(fixture, "a.conf", text);
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){.root = "www"}), -1);
	fixture_assert_line(fixture, line);
}

static void what_does_not_fit_together_is_told(void **state)
{
	struct fixture *fixture = *state;

	assert_wrong(fixture, "\nlisten = \"tls:1\";\n",
		     "$/a.conf:2: listen: TLS wants a certificate: set tls_certificate (for trying out: "
		     "tls_certificate = \"dev\")");
	assert_wrong(fixture, "tls_certificate = \"none.pem\";",
		     "$/a.conf:1: tls_certificate '$/none.pem': No such file or directory");
	assert_wrong(fixture, "tls_certificate = \"www\";",
		     "$/a.conf:1: tls_certificate '$/www': is not a regular file");
	assert_wrong(fixture, "tls_certificate = [ \"dev\", \"a.pem\" ];",
		     "$/a.conf:1: tls_certificate = \"dev\" stands alone, and has no tls_key");
	assert_wrong(fixture, "tls_certificate = \"a.pem\";\ntls_key = [ \"a.pem\", \"a.pem\" ];",
		     "$/a.conf:2: tls_key: want one for each tls_certificate of this site (1), in the "
		     "same order, not 2");
	assert_wrong(fixture, "sites = (\n{ root = \"www\";\ntls_key = \"a.pem\"; } );",
		     "$/a.conf:3: tls_key: want one for each tls_certificate of this site (0), in the "
		     "same order, not 1");
	assert_wrong(fixture, "tls_client = \"optional\";",
		     "$/a.conf:1: tls_client: whose certificates are good is told by tls_client_ca, "
		     "which is not set");
	assert_wrong(fixture, "tls_client_ca = \"none.pem\";",
		     "$/a.conf:1: tls_client_ca '$/none.pem': No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_site_has_its_own_or_those_of_the_top_level, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_file_of_authorities_is_one_for_all_sites, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_site_without_one_shows_the_first_there_is, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(the_first_there_is_may_be_any, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(without_a_listener_for_tls_nothing_is_opened, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_copy_stays_what_it_is, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_is_known_of_the_same_files_is_known_after_a_reload, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(one_for_trying_out_is_kept_as_long_as_its_names, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_was_made_for_trying_out_cannot_be_spoilt, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(without_descriptors_for_what_is_kept_there_is_no_reload, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_upgrade_goes_on_with_what_was_used, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(so_it_does_with_those_who_sign_for_clients, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_record_that_makes_no_sense_changes_nothing, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_worker_takes_the_pair_that_it_is_told_of, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_worker_takes_those_who_sign_for_clients, fixture_set_up,
						fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_does_not_fit_together_is_told, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
