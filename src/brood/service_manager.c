/* SPDX-License-Identifier: MIT
 *
 * What the service manager that started us is told (notify.h), and when. Master only. */
#include "brood/server.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* What nobody hears is worth a line, and no more. */
static void warn_unheard(int error)
{
	if (error < 0)
		log_warn("cannot tell the service manager: %s", strerror(-error));
}

static void tell_serving(const struct service_manager *manager, int (*tell)(const char *status))
{
	char status[sizeof(manager->failure) + 32];

	snprintf(status, sizeof(status), "serving%s%s", manager->failure[0] ? "; " : "", manager->failure);
	warn_unheard(tell(status));
}

void manager_begin(struct service_manager *manager, bool starts)
{
	notify_pulse_begin(&manager->pulse);
	manager->pulse.busy = starts;
}

void manager_ready(void *context)
{
	struct service_manager *manager = &((struct server *)context)->manager;

	manager->pulse.busy = manager->stopping;
	tell_serving(manager, notify_ready);
}

/* systemd.service(5), Type=notify-reload: the time tells it which of its requests this answers. */
void manager_rolling(void *context)
{
	struct service_manager *manager = &((struct server *)context)->manager;

	manager->pulse.busy = true;
	manager->failure[0] = '\0';
	warn_unheard(notify_reloading("replacing workers"));
}

void manager_rolled(void *context)
{
	struct service_manager *manager = &((struct server *)context)->manager;

	if (manager->stopping) /* it began before that, and goes on for as long as drain_delay */
		return;
	manager->pulse.busy = false;
	tell_serving(manager, notify_ready);
}

/* The first line of the reason: the rest is in the log. */
void manager_failed(void *context, const char *kind, const char *reason)
{
	struct service_manager *manager = &((struct server *)context)->manager;

	snprintf(manager->failure, sizeof(manager->failure), "the last %s failed: %.*s", kind,
		 (int)strcspn(reason, "\n"), reason);
	if (!manager->stopping)
		tell_serving(manager, notify_status);
}

void manager_stopping(void *context)
{
	struct service_manager *manager = &((struct server *)context)->manager;

	manager->stopping = true;
	manager->pulse.busy = true;
	warn_unheard(notify_stopping("stopping"));
}

void manager_alive(void *context)
{
	struct server *server = context;

	warn_unheard(notify_pulse(&server->manager.pulse, clock_now_us()));
}
