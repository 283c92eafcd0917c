/* SPDX-License-Identifier: MIT
 *
 * Outcomes that outlive an admin process, and when it is found to be silent. This test is the admin on the other end of
 * the channel; time and signals are its own. */
#include "cluster/master/admin_process.h"
#include "cluster/master/master.h"
#include "cluster/master/outcomes.h"
#include "cluster/master/pending.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/command.h"
#include "log_to.h"

#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ADMIN_PID = 4711, SCRIPT = 100, OTHER = 101 };

static struct master master;
static struct brood_channel *peer;
static struct command_result results[128];
static unsigned result_count, progress_count;
static struct pulse_message last_ping;
static uint64_t now_ms;
static int last_signal;

uint64_t __wrap_clock_now_ms(void);
int __wrap_kill(pid_t pid, int signal);

uint64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

int __wrap_kill(pid_t pid, int signal)
{
	assert_int_equal(pid, ADMIN_PID);
	if (signal != SIGCONT)
		last_signal = signal;
	return 0;
}

static void on_told(void *context, struct brood_frame *frame)
{
	(void)context;
	if (frame->type == MESSAGE_RESULT)
		memcpy(&results[result_count++ % 128], frame->data, sizeof(results[0]));
	else if (frame->type == MESSAGE_PING)
		memcpy(&last_ping, frame->data, sizeof(last_ping));
	else
		progress_count += frame->type == MESSAGE_PROGRESS;
}

static void on_heard(void *context, struct brood_frame *frame)
{
	struct admin *admin = &((struct master *)context)->admin;

	assert_int_equal(frame->type, MESSAGE_PING);
	assert_true(pulse_heard(&admin->pulse, frame->data, frame->size));
	outcomes_heard(admin);
}

static void on_closed(void *context, int error)
{
	(void)context, (void)error;
}

static const struct brood_channel_handlers admin_side = {.frame = on_told, .closed = on_closed};
static const struct brood_channel_handlers master_side = {.frame = on_heard, .closed = on_closed};

static void turn(void)
{
	event_base_loop(master.base, EVLOOP_NONBLOCK);
	event_base_loop(master.base, EVLOOP_NONBLOCK);
}

static void start_admin(void)
{
	int ends[2];

	assert_int_equal(brood_channel_pair(ends), 0);
	assert_int_equal(brood_channel_open(&master.admin.channel, master.base, ends[0], &master_side, &master), 0);
	assert_int_equal(brood_channel_open(&peer, master.base, ends[1], &admin_side, NULL), 0);
	master.admin.pid = ADMIN_PID;
	pulse_begin(&master.admin.pulse, &(struct pulse_of){.channel = master.admin.channel, .type = MESSAGE_PING});
	turn();
}

/* The admin comes back to what it was asked last. */
static void hear(void)
{
	struct brood_frame frame = {.type = MESSAGE_PING, .data = &last_ping, .size = sizeof(last_ping)};

	turn();
	assert_int_equal(brood_channel_send(peer, &frame), 0);
	turn();
}

static void end_admin(void)
{
	brood_channel_free(master.admin.channel);
	brood_channel_free(peer);
	master.admin.channel = peer = NULL;
	pending_lose(&master.admin);
}

static int begin(void **state)
{
	(void)state;
	memset(&master, 0, sizeof(master));
	list_init(&master.admin.pending);
	list_init(&master.workers);
	master.base = event_base_new();
	master.options.watchdog_ms = 1000;
	master.options.start_timeout_ms = 5000;
	result_count = progress_count = 0;
	last_signal = 0;
	now_ms = 1000000;
	start_admin();
	return 0;
}

static int finish(void **state)
{
	(void)state;
	if (master.admin.channel)
		end_admin();
	pending_forget(&master.admin, true);
	outcomes_forget(&master.admin, true);
	event_base_free(master.base);
	return 0;
}

static struct command a_reload(uint64_t pid, unsigned number)
{
	return (struct command){.id = pid << 32 | number, .kind = COMMAND_RELOAD};
}

static void assert_told(uint64_t id, const char *reason)
{
	turn();
	assert_int_equal(result_count, 1);
	assert_int_equal(results[0].id, id);
	assert_int_equal(results[0].ok, reason == NULL);
	assert_string_equal(results[0].reason, reason ? reason : "");
}

static void what_has_not_come_yet_is_told_by_the_next_admin(void **state)
{
	struct command first = a_reload(SCRIPT, 7), again = a_reload(SCRIPT, 1);

	(void)state;
	pending_add(&master, &first, false);
	end_admin();
	assert_int_equal(master.admin.pending_count, 1);
	start_admin();
	assert_true(pending_claim(&master, &again));
	turn();
	assert_int_equal(progress_count, 1);
	pending_roll_over(&master, "no such root");
	assert_told(again.id, "no such root");
	assert_int_equal(master.admin.pending_count, 0);
}

static void what_comes_meanwhile_is_kept(void **state)
{
	struct command first = a_reload(SCRIPT, 7), again = a_reload(SCRIPT, 1), other = a_reload(OTHER, 2);
	struct command restart = {.id = again.id, .kind = COMMAND_RESTART};

	(void)state;
	pending_add(&master, &first, false);
	end_admin();
	pending_roll_over(&master, NULL);
	start_admin();
	assert_false(pending_claim(&master, &other));
	assert_false(pending_claim(&master, &restart));
	assert_true(pending_claim(&master, &again));
	assert_told(again.id, NULL);
	hear(); /* the first ping; */
	admin_watch(&master, now_ms, false);
	hear(); /* that after the outcome */
	end_admin();
	start_admin();
	assert_false(pending_claim(&master, &again)); /* heard: the next one is one of its own */
}

static void what_an_admin_was_told_and_has_not_passed_on_is_kept(void **state)
{
	struct command first = a_reload(SCRIPT, 1), again = a_reload(SCRIPT, 1);

	(void)state;
	hear();
	pending_add(&master, &first, false);
	pending_roll_over(&master, NULL);
	turn();
	end_admin();
	result_count = 0;
	start_admin();
	assert_true(pending_claim(&master, &again));
	assert_told(again.id, NULL);
}

static void what_was_heard_is_forgotten(void **state)
{
	struct command first = a_reload(SCRIPT, 1), again = a_reload(SCRIPT, 2);

	(void)state;
	hear();
	pending_add(&master, &first, false);
	pending_roll_over(&master, NULL);
	hear();
	end_admin();
	start_admin();
	assert_false(pending_claim(&master, &again));
}

static void ids_of_different_admins_do_not_meet(void **state)
{
	struct command first = a_reload(SCRIPT, 1), drain = {.id = first.id, .kind = COMMAND_RESTART};

	(void)state;
	pending_add(&master, &first, false);
	end_admin();
	start_admin();
	assert_false(pending_claim(&master, &drain));
	pending_roll_over(&master, NULL); /* of the first one */
	turn();
	for (unsigned i = 0; i < result_count; i++)
		assert_int_not_equal(results[i].id, drain.id);
}

static void who_cannot_be_seen_begins_anew(void **state)
{
	struct command first = {.id = 1, .kind = COMMAND_RELOAD}, again = {.id = 2, .kind = COMMAND_RELOAD};

	(void)state;
	pending_add(&master, &first, false);
	end_admin();
	assert_int_equal(master.admin.pending_count, 0);
	start_admin();
	assert_false(pending_claim(&master, &again));
}

static void outcomes_are_kept_for_a_while_and_not_too_many(void **state)
{
	struct command again = a_reload(SCRIPT, 1), one;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		one = a_reload(SCRIPT + i, i + 1);
		pending_add(&master, &one, false);
	}
	end_admin();
	pending_roll_over(&master, NULL);
	start_admin();
	assert_false(pending_claim(&master, &again)); /* the oldest have gone */
	again = a_reload(SCRIPT + 199, 1);
	assert_true(pending_claim(&master, &again));
	now_ms += 60000;
	again = a_reload(SCRIPT + 198, 1);
	assert_false(pending_claim(&master, &again));
}

static void the_next_version_knows_what_was_lost(void **state)
{
	struct command first = a_reload(SCRIPT, 1), again = a_reload(SCRIPT, 1), saved = first;

	(void)state;
	saved.id |= COMMAND_ID_LOST;
	pending_add(&master, &saved, false);
	assert_true(pending_claim(&master, &again));
	pending_roll_over(&master, NULL);
	assert_told(again.id, NULL);
}

static void look_for(unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 250) {
		now_ms += 250;
		admin_watch(&master, now_ms, false);
		turn();
	}
}

static void one_that_is_silent_is_ended(void **state)
{
	(void)state;
	hear();
	for (int i = 0; i < 20; i++) {
		look_for(250);
		hear();
	}
	assert_int_equal(last_signal, 0);
	look_for(1000);
	assert_int_equal(last_signal, 0);
	look_for(250);
	assert_int_equal(last_signal, SIGABRT);
	look_for(1750);
	assert_int_equal(last_signal, SIGABRT);
	look_for(500);
	assert_int_equal(last_signal, SIGKILL);
}

static void one_that_starts_has_longer(void **state)
{
	(void)state;
	look_for(6000);
	assert_int_equal(last_signal, 0);
	look_for(500);
	assert_int_equal(last_signal, SIGABRT);
}

static void one_of_a_former_version_may_know_of_no_pings(void **state)
{
	(void)state;
	master.admin.pulse.is_ours = false;
	look_for(60000);
	assert_int_equal(last_signal, 0);
	hear();
	look_for(1500);
	assert_int_equal(last_signal, SIGABRT);
}

static void silence_may_be_allowed(void **state)
{
	(void)state;
	master.options.watchdog_ms = 0;
	look_for(60000);
	hear();
	look_for(60000);
	assert_int_equal(last_signal, 0);
}

static void a_master_that_was_held_up_blames_nobody(void **state)
{
	(void)state;
	hear();
	look_for(250);
	now_ms += 60000;
	admin_watch(&master, now_ms, true);
	assert_int_equal(last_signal, 0);
	look_for(750);
	assert_int_equal(last_signal, 0);
	look_for(500);
	assert_int_equal(last_signal, SIGABRT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_has_not_come_yet_is_told_by_the_next_admin),
		TEST(what_comes_meanwhile_is_kept),
		TEST(what_an_admin_was_told_and_has_not_passed_on_is_kept),
		TEST(what_was_heard_is_forgotten),
		TEST(ids_of_different_admins_do_not_meet),
		TEST(who_cannot_be_seen_begins_anew),
		TEST(outcomes_are_kept_for_a_while_and_not_too_many),
		TEST(the_next_version_knows_what_was_lost),
		TEST(one_that_is_silent_is_ended),
		TEST(one_that_starts_has_longer),
		TEST(one_of_a_former_version_may_know_of_no_pings),
		TEST(silence_may_be_allowed),
		TEST(a_master_that_was_held_up_blames_nobody),
	};

	log_set_level(LOG_LEVEL_ERROR);
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
