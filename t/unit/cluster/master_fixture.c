/* SPDX-License-Identifier: MIT
 *
 * See master_fixture.h. */
#include "master_fixture.h"

#include "cluster/master/commands.h"
#include "cluster/master/dispatch.h"
#include "cluster/master/slots.h"
#include "cluster/master/stopping.h"
#include "cluster/master/supervisor.h"
#include "log_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct master master;
uint64_t now_ms = 1000000;
struct told told;
struct wanted wanted;

static int prepare(void *context, struct cluster_options *options, char *reason, size_t room)
{
	(void)context;
	snprintf(reason, room, "no");
	if (wanted.listen)
		options->listen = wanted.listen;
	if (wanted.workers > 0)
		options->workers = wanted.workers;
	told.prepared += !wanted.nothing;
	return wanted.nothing ? -1 : 0;
}

static void commit(void *context)
{
	(void)context;
	told.commits++;
}

static void abandon(void *context)
{
	(void)context;
	told.abandons++;
}

static void rolling(void *context)
{
	(void)context;
	told.rolling++;
}

static void rolled(void *context)
{
	(void)context;
	told.rolled++;
}

static void stopping(void *context)
{
	(void)context;
	told.stopping++;
}

static void ready(void *context, const struct listeners *listeners, unsigned workers)
{
	(void)context, (void)listeners, (void)workers;
	told.ready++;
}

static const struct cluster_program program = {
	.version = "1",
	.master = {.prepare = prepare,
		   .commit = commit,
		   .abandon = abandon,
		   .ready = ready,
		   .rolling = rolling,
		   .rolled = rolled,
		   .stopping = stopping},
};

void master_set_up(enum cluster_accept accept, unsigned workers)
{
	static struct cluster_listen listen = {.fd = -1, .backlog = 16};
	struct cluster_options options = {.accept = accept,
					  .listen = &listen,
					  .listen_count = 1,
					  .workers = workers,
					  .start_timeout_ms = 60000,
					  .drain_timeout_ms = 60000,
					  .stop_timeout_ms = 60000};
	char reason[128];

	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	memset(&master, 0, sizeof(master));
	memset(&told, 0, sizeof(told));
	memset(&wanted, 0, sizeof(wanted));
	assert_int_equal(address_parse("127.0.0.1:0", &listen.address, reason, sizeof(reason)), 0);
	master.program = &program;
	master.options = options;
	master.configured_workers = workers;
	master.signal_fd = -1;
	supervisor_open(&master);
	commands_open(&master);
	assert_int_equal(listeners_prepare(&master.listeners, &options, reason, sizeof(reason)), 0);
	listeners_commit(&master.listeners);
	assert_true(listeners_begin(&master.listeners, true));
	master.base = event_base_new();
	assert_int_equal(stopping_open(&master), 0);
	assert_int_equal(dispatch_open(&master), 0);
	assert_int_equal(logger_open(&master, supervisor_check_logs), 0);
}

void master_tear_down(void)
{
	slots_free(&master);
	dispatch_close(&master);
	logger_close(&master);
	listeners_close(&master.listeners);
	stopping_close(&master);
	event_base_free(master.base);
}
