/* SPDX-License-Identifier: MIT
 *
 * What the master tells the admin of itself: listeners, slots, workers, the last roll. What workers
 * count, the admin reads from the boards. Master only. */
#include "cluster/master/status.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "brood/channel.h"
#include "cluster/policy/program_call.h"
#include "cluster/ipc/command.h"
#include "cluster/master/admin_process.h"
#include "cluster/master/common.h"
#include "cluster/master/pending.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *state_name(const struct master *master)
{
	if (master_is_leaving(master))
		return "stopping";
	return master->roll.phase != ROLL_IDLE ? "rolling" : "running";
}

static void put_worker(struct buffer *out, const struct master *master, const struct worker_process *worker,
		       uint32_t *count)
{
	static const char *const names[WORKER_PHASES] = {"starting", "serving", "draining"};
	struct status_slot line = {
		.slot = worker->slot,
		.generation = worker->generation,
		.pid = worker->pid,
		.record = worker->record,
		.age_ms = clock_now_ms() - worker->started_ms,
		.restarts = master->slots[worker->slot]->restarts,
	};

	snprintf(line.state, sizeof(line.state), "%s", names[worker->phase]);
	*count += buffer_append(out, &line, sizeof(line)) == 0;
}

static void put_slot(struct buffer *out, const struct slot *slot, uint32_t *count)
{
	struct status_slot line = {
		.slot = slot->index,
		.generation = slot->master->generation,
		.record = -1,
		.restarts = slot->restarts,
	};

	if (slot->current || slot->index >= slot->master->slot_count)
		return;
	snprintf(line.state, sizeof(line.state), "%s", slot->disabled ? "drained" : slot_state_name(slot->state));
	*count += buffer_append(out, &line, sizeof(line)) == 0;
}

static void put_listener(struct buffer *out, const struct listener *listener, uint32_t *count)
{
	struct status_listener line = {0};

	if (!listener->now || *count == STATUS_LISTENERS_MAX)
		return;
	snprintf(line.address, sizeof(line.address), "%s", listener->address.text);
	line.tag = listener->tag;
	*count += buffer_append(out, &line, sizeof(line)) == 0;
}

/* What is too much for a message is left out, by lines. */
static uint32_t put_trouble(struct buffer *out, const struct master *master)
{
	struct buffer lines = {0};
	size_t size;

	if (PROGRAM_CALL(master->program, 0, master.trouble, &lines) < 0)
		lines.used = 0;
	size = lines.used < STATUS_TROUBLE_MAX ? lines.used : STATUS_TROUBLE_MAX;
	while (size > 0 && lines.data[size - 1] != '\n')
		size--;
	if (size > 0 && buffer_append(out, lines.data, size) < 0)
		size = 0;
	buffer_free(&lines);
	return (uint32_t)size;
}

void status_tell(struct master *master, uint64_t id)
{
	static const char *const accepts[] = {"shared", "handoff", "reuseport"};
	const struct roll_report *report = &master->report;
	struct buffer lines = {0};
	struct status status = {
		.id = id,
		.pid = getpid(),
		.generation = master->generation,
		.uptime_ms = clock_now_ms() - master->started_ms,
		.roll_ok = report->ok,
	};
	struct brood_frame frame = {.type = MESSAGE_STATUS};

	snprintf(status.version, sizeof(status.version), "%s", program_version(master->program));
	snprintf(status.state, sizeof(status.state), "%s", state_name(master));
	snprintf(status.accept, sizeof(status.accept), "%s", accepts[master->options.accept]);
	if (report->kind != ROLL_KIND_NONE && master->roll.phase == ROLL_IDLE) {
		snprintf(status.roll_kind, sizeof(status.roll_kind), "%s", roll_kind_name(report->kind));
		snprintf(status.roll_reason, sizeof(status.roll_reason), "%s", report->reason);
	}
	if (buffer_append(&lines, &status, sizeof(status)) < 0)
		return;
	for (unsigned i = 0; i < master->listeners.count; i++)
		put_listener(&lines, &master->listeners.all[i], &status.listener_count);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		put_worker(&lines, master, worker, &status.slot_count);
	for (unsigned i = 0; i < master->slot_room; i++)
		put_slot(&lines, master->slots[i], &status.slot_count);
	status.trouble_size = put_trouble(&lines, master);
	memcpy(lines.data, &status, sizeof(status));
	frame.data = lines.data;
	frame.size = lines.used;
	if (frame.size <= BROOD_CHANNEL_SIZE_MAX)
		admin_say(master, &frame);
	else
		outcome_tell(master, id, "too many workers for one answer");
	buffer_free(&lines);
}
