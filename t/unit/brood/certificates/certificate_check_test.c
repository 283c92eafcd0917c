/* SPDX-License-Identifier: MIT
 *
 * Certificates checked by a child: as many as there are by one, and what becomes of the others when it dies or
 * stands still at one of them. What reads them here is a stand-in, which does what their octets say. */
#include "brood/certificates/certificate_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, MANY = 50, TOLD_MAX = 64, TEXT_MAX = 80 };

static const struct privilege nobody_else = {.change = false};

/* --- the stand-in: "good 1234", "odd", "bad", "crash", "hang" --- */

void tls_roots_free(struct tls_roots *roots)
{
	(void)roots;
}

int tls_check_pair(const struct tls_pair *pair, const char *const *names, struct tls_roots *roots, int64_t *not_after,
		   char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
{
	char text[16] = "";

	assert_true(pread(pair->certificate_fd, text, sizeof(text) - 1, 0) > 0);
	*not_after = INT64_MAX;
	(void)roots;
	*warnings = (struct tls_warnings){0};
	if (strcmp(text, "crash") == 0)
		raise(SIGKILL);
	while (strcmp(text, "hang") == 0)
		pause();
	if (names && names[0] && names[1])
		snprintf(warnings->names, TLS_REASON_MAX, "is not %s, %s", names[0], names[1]);
	if (strcmp(text, "odd") == 0)
		snprintf(warnings->chain, TLS_REASON_MAX, "is odd");
	snprintf(reason, TLS_REASON_MAX, "is bad");
	(void)sscanf(text, "good %" SCNd64, not_after);
	return strcmp(text, "bad") == 0 ? -EINVAL : 0;
}

int tls_check_client_ca(int fd, char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
{
	(void)fd, (void)warnings;
	snprintf(reason, TLS_REASON_MAX, "has nobody in it");
	return -EINVAL;
}

/* Two that are "odd" do not get on with each other. */
int tls_check_site(const struct tls_site *part, char reason[TLS_REASON_MAX])
{
	char text[16];
	unsigned odd = 0;

	for (size_t i = 0; i < part->pair_count; i++) {
		memset(text, 0, sizeof(text));
		assert_true(pread(part->pairs[i].certificate_fd, text, sizeof(text) - 1, 0) > 0);
		odd += strcmp(text, "odd") == 0;
	}
	snprintf(reason, TLS_REASON_MAX, "does not fit");
	return odd > 1 ? -EINVAL : 0;
}

int tls_make_pair(const struct tls_pair *out, const char *const *names, char reason[TLS_REASON_MAX])
{
	(void)names, (void)reason;
	return write(out->certificate_fd, "good 7", 6) == 6 ? 0 : -EINVAL;
}

/* --- what is checked, and what came of it --- */

static unsigned forks, told_count;
static char told[TOLD_MAX][TEXT_MAX];

static void count_fork(void)
{
	forks++;
}

static void tell(bool error, const char *text)
{
	assert_true(told_count < TOLD_MAX);
	snprintf(told[told_count++], TEXT_MAX, "%s %s", error ? "error" : "warning", text);
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct certificates));
	forks = told_count = 0;
	return *state ? 0 : -1;
}

/* Whatever a test has done, no child is left. */
static int tear_down(void **state)
{
	struct certificates *all = *state;

	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	certificates_close(all);
	free(all);
	return 0;
}

/* Named "0", "1" and so on. */
static struct certificate *add(struct certificates *all, const char *octets)
{
	int fd = memfd_create("pem", MFD_CLOEXEC);
	struct certificate *one;
	char name[16];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets, strlen(octets)), strlen(octets));
	all->list = reallocarray(all->list, all->count + 1, sizeof(*all->list));
	assert_non_null(all->list);
	snprintf(name, sizeof(name), "%zu", all->count);
	one = &all->list[all->count++];
	*one = (struct certificate){
		.path = strdup(name), .key_path = strdup(name), .pair = {fd, fd}, .watch = WATCH_SETTLING};
	return one;
}

static void one_child_reads_them_all(void **state)
{
	struct certificates *all = *state;
	int64_t later = (int64_t)time(NULL) + 400 * INT64_C(86400);
	char text[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "good %" PRId64, later + i);
		add(all, text);
	}
	assert_int_equal(certificates_check(all, &nobody_else, tell), 0);
	assert_int_equal(forks, 1);
	assert_int_equal(told_count, 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(all->list[i].not_after, later + i);
		assert_int_equal(all->list[i].watch, WATCH_QUIET);
	}
}

static void each_has_its_own_verdict(void **state)
{
	struct certificates *all = *state;

	add(all, "odd");
	add(all, "bad");
	add(all, "good 1000");
	add(all, "nobody")->kind = CERTIFICATE_CLIENT_CA;
	add(all, "")->kind = CERTIFICATE_DEV;
	add(all, "odd");
	assert_int_equal(certificates_check(all, &nobody_else, tell), -1);
	assert_int_equal(forks, 1);
	assert_int_equal(told_count, 6);
	assert_string_equal(told[0], "warning certificate '0': is odd");
	assert_string_equal(told[1], "error certificate '1': is bad");
	assert_string_equal(told[2], "warning certificate '2': has expired");
	assert_string_equal(told[3], "error tls_client_ca '3': has nobody in it");
	assert_string_equal(told[4], "warning certificate '4': has expired");
	assert_string_equal(told[5], "warning certificate '5': is odd");
	assert_int_equal(all->list[1].watch, WATCH_SETTLING);
	assert_int_equal(all->list[4].not_after, 7);
}

/* The first, the last, two in a row. */
static void one_that_kills_its_child_costs_only_itself(void **state)
{
	static const char *const octets[] = {"crash", "odd", "odd", "crash", "crash", "odd", "crash"};
	struct certificates *all = *state;
	char text[TEXT_MAX];

	for (size_t i = 0; i < 7; i++)
		add(all, octets[i]);
	assert_int_equal(certificates_check(all, &nobody_else, tell), -1);
	assert_int_equal(told_count, 7);
	for (size_t i = 0; i < 7; i++) {
		bool odd = strcmp(octets[i], "odd") == 0;

		snprintf(text, sizeof(text), "%s certificate '%zu': %s", odd ? "warning" : "error", i,
			 odd ? "is odd" : "the process that checked it died");
		assert_string_equal(told[i], text);
		assert_int_equal(all->list[i].watch, odd ? WATCH_QUIET : WATCH_SETTLING);
	}
	assert_int_equal(forks, 4); /* nobody is left to be read behind the last one */
}

/* Waits for the next verdict, for as long as it may take by that clock. */
static void expect(struct certificate_check *check, uint64_t now_ms, const char *what)
{
	struct certificate_verdict verdict;

	while (!certificate_check_poll(check, now_ms, &verdict)) {
		struct pollfd said = {.fd = check->pipe, .events = POLLIN};

		assert_true(poll(&said, 1, PATIENCE_MS) == 1);
	}
	assert_string_equal(verdict.good ? verdict.warnings.chain : verdict.reason, what);
}

static void end(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void one_at_which_it_stands_still_costs_only_itself(void **state)
{
	struct certificates *all = *state;
	struct certificate_check check;
	struct certificate_verdict verdict;
	pid_t first;

	add(all, "odd");
	add(all, "hang");
	add(all, "odd");
	assert_int_equal(certificate_check_start(&check, &nobody_else, all, 0, 3, NULL, 1000), 0);
	first = check.pid;
	expect(&check, 5000, "is odd");
	/* Its time begins when the child gets to it. */
	assert_false(certificate_check_poll(&check, 1000 + PATIENCE_MS, &verdict));
	assert_false(certificate_check_poll(&check, 5000 + PATIENCE_MS - 1, &verdict));
	assert_true(certificate_check_poll(&check, 5000 + PATIENCE_MS, &verdict));
	assert_false(verdict.good);
	assert_string_equal(verdict.reason, "checking it takes too long");
	end(first);
	/* So does that of the next child. */
	assert_false(certificate_check_poll(&check, 90000, &verdict));
	first = check.pid;
	expect(&check, 90000 + PATIENCE_MS - 1, "is odd");
	assert_int_equal(check.count, 0);
	end(first);
	assert_int_equal(forks, 2);
}

/* A site with the first `count` of all. */
static void make_site(struct certificates *all, const struct config_list *names, size_t count)
{
	all->sites = calloc(1, sizeof(*all->sites));
	assert_non_null(all->sites);
	all->site_count = 1;
	all->sites[0].names = names;
	for (size_t i = 0; i < count; i++)
		all->sites[0].pairs[all->sites[0].pair_count++] = i;
}

static void what_a_site_has_is_judged_together(void **state)
{
	static const struct config_list none;
	struct certificates *all = *state;

	add(all, "odd");
	add(all, "odd");
	make_site(all, &none, 2);
	assert_int_equal(certificates_check(all, &nobody_else, tell), -1);
	assert_int_equal(told_count, 2);
	assert_string_equal(told[0], "error certificate '0': does not fit");
}

/* What is bad by itself is the culprit, and the only one. */
static void one_that_is_bad_is_not_blamed_on_its_neighbours(void **state)
{
	static const struct config_list none;
	struct certificates *all = *state;

	add(all, "odd");
	add(all, "bad");
	add(all, "odd");
	make_site(all, &none, 3);
	assert_int_equal(certificates_check(all, &nobody_else, tell), -1);
	assert_int_equal(told_count, 3);
	assert_string_equal(told[0], "warning certificate '0': is odd");
	assert_string_equal(told[1], "error certificate '1': is bad");
	assert_string_equal(told[2], "warning certificate '2': is odd");
}

static void a_candidate_is_judged_in_its_place(void **state)
{
	static char first[] = "a.test", second[] = "b.test", *texts[] = {first, second};
	static const struct config_list names = {texts, 2};
	struct certificates *all = *state, others = {0};
	struct certificate_verdict verdict;
	struct certificate_check check;
	int before;

	add(all, "odd");
	add(all, "good 1");
	make_site(all, &names, 2);
	before = all->list[1].pair.certificate_fd;
	add(&others, "odd");
	assert_int_equal(certificate_check_start(&check, &nobody_else, all, 1, 1, others.list, 0), 0);
	expect(&check, 0, "does not fit");
	assert_int_equal(check.count, 0);
	assert_int_equal(all->list[1].pair.certificate_fd, before); /* here it stays */
	certificates_close(&others);
	add(&others, "good 7");
	assert_int_equal(certificate_check_start(&check, &nobody_else, all, 1, 1, others.list, 0), 0);
	while (!certificate_check_poll(&check, 0, &verdict))
		(void)poll(&(struct pollfd){.fd = check.pipe, .events = POLLIN}, 1, PATIENCE_MS);
	assert_true(verdict.good);
	assert_int_equal(verdict.not_after, 7);
	assert_string_equal(verdict.warnings.names, "is not a.test, b.test");
	certificates_close(&others);
	while (waitpid(-1, NULL, 0) > 0) {
	}
}

static void a_check_that_is_given_up_is_over(void **state)
{
	struct certificates *all = *state;
	struct certificate_check check;
	pid_t child;

	add(all, "hang");
	assert_int_equal(certificate_check_start(&check, &nobody_else, all, 0, 1, NULL, 0), 0);
	child = check.pid;
	certificate_check_stop(&check);
	assert_int_equal(check.count, 0);
	end(child);
	certificate_check_stop(&check);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_child_reads_them_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_has_its_own_verdict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_kills_its_child_costs_only_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_at_which_it_stands_still_costs_only_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_site_has_is_judged_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_is_bad_is_not_blamed_on_its_neighbours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_candidate_is_judged_in_its_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_check_that_is_given_up_is_over, set_up, tear_down),
	};

	pthread_atfork(count_fork, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
