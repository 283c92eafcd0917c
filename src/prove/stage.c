/* SPDX-License-Identifier: MIT
 *
 * The loop of an experiment (stage.h). */
#include "prove/stage.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

enum { PULSE_US = 5000 }; /* so often conditions are looked at when nothing else happens */

static void on_ended(void *context, const struct brood_process_end *end)
{
	struct stage *stage = context;

	if (stage->ended)
		stage->ended(stage->context, end);
}

static void on_signals(evutil_socket_t fd, short what, void *argument)
{
	struct stage *stage = argument;
	struct signals_received received;

	(void)what;
	while (signals_read(fd, &received) > 0) {
		if (received.signal == SIGCHLD)
			brood_process_reap(on_ended, stage);
		else
			stage->interrupted = received.signal;
	}
}

static void on_pulse(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	(void)argument;
}

int stage_open(struct stage *stage)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
	struct timeval period = {.tv_usec = PULSE_US};

	memset(stage, 0, sizeof(*stage));
	stage->signal_fd = signals_open(wanted, sizeof(wanted) / sizeof(wanted[0]));
	if (stage->signal_fd < 0)
		return stage->signal_fd;
	stage->base = event_base_new();
	if (!stage->base ||
	    event_assign(&stage->signals, stage->base, stage->signal_fd, EV_READ | EV_PERSIST, on_signals, stage) < 0 ||
	    event_assign(&stage->pulse, stage->base, -1, EV_PERSIST, on_pulse, stage) < 0 ||
	    event_add(&stage->signals, NULL) < 0 || event_add(&stage->pulse, &period) < 0)
		return -ENOMEM;
	return 0;
}

void stage_close(struct stage *stage)
{
	if (stage->base)
		event_base_free(stage->base);
	stage->base = NULL;
	if (stage->signal_fd >= 0)
		fd_close(&stage->signal_fd);
}

int stage_wait_on(struct stage *stage, bool (*until)(const void *context), const void *context, unsigned limit_ms)
{
	uint64_t end_ms = clock_now_ms() + limit_ms;

	while (!until(context)) {
		if (clock_now_ms() >= end_ms)
			return -ETIMEDOUT;
		if (event_base_loop(stage->base, EVLOOP_ONCE) < 0)
			return -EIO;
	}
	return 0;
}

struct wish {
	const struct stage *stage;
	bool (*until)(const void *context);
	const void *context;
};

static bool fulfilled_or_interrupted(const void *context)
{
	const struct wish *wish = context;

	return wish->stage->interrupted || wish->until(wish->context);
}

int stage_wait(struct stage *stage, bool (*until)(const void *context), const void *context, unsigned limit_ms)
{
	struct wish wish = {stage, until, context};
	int error = stage_wait_on(stage, fulfilled_or_interrupted, &wish, limit_ms);

	return stage->interrupted ? -EINTR : error;
}
