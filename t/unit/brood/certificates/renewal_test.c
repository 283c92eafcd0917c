/* SPDX-License-Identifier: MIT
 *
 * What is told of a certificate over its renewals: checks are all good here, and the only worker takes everything. */
#include "fixture.h"

#include "base/log.h"
#include "brood/certificates/renewal.h"
#include "cluster/cluster.h"
#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 24 * 3600 };

static uint64_t now_ms;
static int64_t next_end; /* of whatever is checked */

uint64_t __wrap_clock_now_ms(void);
int __wrap_certificate_check_start(struct certificate_check *check, const struct privilege *privilege,
				   struct certificates *certificates, size_t first, size_t count,
				   const struct certificate *candidate, uint64_t at_ms);
bool __wrap_certificate_check_poll(struct certificate_check *check, uint64_t at_ms, struct certificate_verdict *out);
uint32_t __wrap_cluster_ask(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
			    size_t fd_count);
void __wrap_cluster_answers(const struct master *master, struct cluster_answers *out);
void __wrap_cluster_broadcast_others(struct master *master, uint32_t kind, const void *data, size_t size,
				     const int *fds, size_t fd_count);

uint64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

int __wrap_certificate_check_start(struct certificate_check *check, const struct privilege *privilege,
				   struct certificates *certificates, size_t first, size_t count,
				   const struct certificate *candidate, uint64_t at_ms)
{
	(void)privilege, (void)certificates, (void)first, (void)candidate, (void)at_ms;
	check->count = count;
	return 0;
}

bool __wrap_certificate_check_poll(struct certificate_check *check, uint64_t at_ms, struct certificate_verdict *out)
{
	(void)at_ms;
	*check = (struct certificate_check){.count = 0};
	*out = (struct certificate_verdict){.good = true, .not_after = next_end};
	return true;
}

uint32_t __wrap_cluster_ask(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
			    size_t fd_count)
{
	(void)master, (void)kind, (void)data, (void)size, (void)fds, (void)fd_count;
	return 1;
}

void __wrap_cluster_answers(const struct master *master, struct cluster_answers *out)
{
	(void)master;
	*out = (struct cluster_answers){.asked = 1, .yes = 1};
}

void __wrap_cluster_broadcast_others(struct master *master, uint32_t kind, const void *data, size_t size,
				     const int *fds, size_t fd_count)
{
	(void)master, (void)kind, (void)data, (void)size, (void)fds, (void)fd_count;
}

/* How often it was logged, so far. */
static unsigned told(int log, const char *words)
{
	static char text[16384];
	ssize_t size = pread(log, text, sizeof(text) - 1, 0);
	unsigned count = 0;

	assert_true(size >= 0);
	text[size] = '\0';
	for (const char *at = text; (at = strstr(at, words)); at++)
		count++;
	return count;
}

static void look_for_a_while(struct renewal *renewal, struct certificates *all)
{
	static const struct privilege privilege;

	for (unsigned i = 0; i < 10; i++) {
		now_ms += 1000;
		renewal_look(renewal, all, &privilege, NULL);
	}
}

static void each_that_ends_soon_is_warned_of(void **state)
{
	struct fixture *fixture = *state;
	struct renewal renewal = {.offered = false};
	struct certificates all;
	char reason[512];
	int log = memfd_create("log", MFD_CLOEXEC);

	log_to(log);
	now_ms = 1000000;
	fixture_write(fixture, "a.pem", "first");
	fixture_write(fixture, "a.conf", "listen = \"tls:127.0.0.1:0\"; root = \"www\"; tls_certificate = \"a.pem\";");
	assert_int_equal(fixture_load(fixture, "a.conf", (struct options){0}), 0);
	assert_int_equal(certificates_open(&all, fixture->config, NULL, false, reason, sizeof(reason)), 0);
	next_end = (int64_t)time(NULL) + 5 * DAY_S + DAY_S / 2;
	look_for_a_while(&renewal, &all);
	assert_int_equal(told(log, "expires in 5 days"), 1);
	assert_int_equal(told(log, "renewed"), 0);
	fixture_write(fixture, "a.pem", "another that ends as soon");
	next_end += 60;
	look_for_a_while(&renewal, &all);
	assert_int_equal(told(log, "renewed, and used from now on"), 1);
	assert_int_equal(told(log, "expires in 5 days"), 2);
	fixture_write(fixture, "a.pem", "one that lasts");
	next_end += 100 * DAY_S;
	look_for_a_while(&renewal, &all);
	assert_int_equal(told(log, "renewed, and used from now on"), 2);
	assert_int_equal(told(log, "expires in"), 2);
	log_to(STDERR_FILENO);
	renewal_cancel(&renewal);
	certificates_close(&all);
	close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_that_ends_soon_is_warned_of, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests_name("renewal", tests, NULL, NULL);
}
