/* SPDX-License-Identifier: MIT
 *
 * See pulse.h. Master only. */
#include "cluster/policy/pulse.h"

#include "base/log.h"
#include "brood/channel.h"
#include "cluster/policy/obituary.h"

#include <signal.h>
#include <string.h>

/* Not before the last one came back: one that stands still is not to be found under a heap of them. */
void pulse_ask(struct pulse *pulse, const struct pulse_of *process)
{
	struct pulse_message message = {.number = pulse->sent + 1};
	struct brood_frame frame = {.type = process->type, .data = &message, .size = sizeof(message)};

	if (process->channel && pulse->sent == pulse->back && brood_channel_try(process->channel, &frame) == 0)
		pulse->sent++;
}

void pulse_begin(struct pulse *pulse, const struct pulse_of *process)
{
	*pulse = (struct pulse){.is_ours = true};
	pulse_ask(pulse, process);
}

bool pulse_heard(struct pulse *pulse, const void *data, size_t size)
{
	struct pulse_message message;

	if (size != sizeof(message))
		return false;
	memcpy(&message, data, sizeof(message));
	if (message.number != pulse->sent)
		return false;
	pulse->back = message.number;
	pulse->answers = true;
	return true;
}

static void give_up(const struct pulse_of *process, unsigned long long silence_ms)
{
	struct cluster_obituary how = {.pid = process->pid};

	obituary_inspect(&how, process->pid);
	log_error("%s [%d] has been silent for %llu.%03llu s%s%s: it is replaced", process->name, process->pid,
		  silence_ms / 1000, silence_ms % 1000, how.wait_channel[0] ? ", in " : "", how.wait_channel);
	/* One that is stopped takes the first only when it goes on. */
	kill(process->pid, SIGABRT);
	kill(process->pid, SIGCONT);
}

void pulse_look(struct pulse *pulse, const struct pulse_of *process, uint64_t now_ms, uint64_t limit_ms,
		uint64_t start_ms, bool late)
{
	uint64_t silence_ms = watchdog_silence_ms(&pulse->watchdog, now_ms);

	pulse_ask(pulse, process);
	if (!pulse->answers && limit_ms > 0)
		limit_ms = pulse->is_ours ? limit_ms + start_ms : 0;
	if (late)
		watchdog_forgive(&pulse->watchdog, now_ms);
	switch (watchdog_look(&pulse->watchdog, pulse->back, now_ms, limit_ms)) {
	case WATCHDOG_NOTHING:
		break;
	case WATCHDOG_ABORT:
		give_up(process, silence_ms);
		break;
	case WATCHDOG_KILL:
		log_warn("%s [%d] is silent, and SIGABRT did not end it: killing it", process->name, process->pid);
		kill(process->pid, SIGKILL); /* not reaped yet, so the number is its own */
		break;
	}
}
