/* SPDX-License-Identifier: MIT
 *
 * Status as JSON (admin_status.h). Admin only. */
#include "brood/admin/admin_status.h"

#include "brood/system/listener_tag.h"
#include "control/protocol.h"

#include <stdlib.h>
#include <string.h>

/* Names in a message end with NUL unless they fill their place. */
#define TEXT(member) control_text((member), strnlen((member), sizeof(member)))

bool admin_status_is_whole(const void *message, size_t size)
{
	const struct status *status = message;

	return size >= sizeof(*status) && status->listener_count <= STATUS_LISTENERS_MAX &&
	       status->slot_count <= size / sizeof(struct status_slot) && status->trouble_size <= STATUS_TROUBLE_MAX &&
	       size == sizeof(*status) + status->listener_count * sizeof(struct status_listener) +
			       status->slot_count * sizeof(struct status_slot) + status->trouble_size;
}

/* The worker's own record, or NULL: it has none, or the record is another's by now. */
static const struct board_record *record_of(const struct status_slot *slot, const struct board *boards,
					    unsigned board_count)
{
	const struct board_record *record;

	if (slot->pid == 0 || slot->record < 0 || slot->record >= BOARD_RECORDS || slot->slot >= board_count ||
	    !boards[slot->slot].cells[slot->record])
		return NULL;
	record = &boards[slot->slot].cells[slot->record]->record;
	return __atomic_load_n(&record->pid, __ATOMIC_RELAXED) == slot->pid ? record : NULL;
}

static json_t *worker_json(const struct status_slot *slot, const struct board *boards, unsigned board_count)
{
	const struct board_record *record = record_of(slot, boards, board_count);
	struct board_figures figures = {0};
	json_t *pid = slot->pid > 0 ? json_integer(slot->pid) : json_null();

	if (record)
		figures = board_figures(record);
	return json_pack("{s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "slot", (json_int_t)slot->slot, "generation",
			 (json_int_t)slot->generation, "pid", pid, "state", TEXT(slot->state), "age_ms",
			 (json_int_t)slot->age_ms, "connections", (json_int_t)figures.connections, "idle",
			 (json_int_t)figures.idle, "requests", (json_int_t)figures.requests, "restarts",
			 (json_int_t)slot->restarts);
}

/* By slot; within one, the oldest first. */
static int compare(const void *a, const void *b)
{
	const struct status_slot *one = *(const struct status_slot *const *)a;
	const struct status_slot *other = *(const struct status_slot *const *)b;

	if (one->slot != other->slot)
		return one->slot < other->slot ? -1 : 1;
	return one->age_ms > other->age_ms ? -1 : one->age_ms < other->age_ms;
}

static json_t *workers_json(const struct status_slot *slots, size_t count, const struct board *boards,
			    unsigned board_count)
{
	const struct status_slot **order = calloc(count + 1, sizeof(*order));
	json_t *array = order ? json_array() : NULL;

	for (size_t i = 0; order && i < count; i++)
		order[i] = &slots[i];
	if (order)
		qsort(order, count, sizeof(*order), compare);
	for (size_t i = 0; array && i < count; i++) {
		/* Takes the worker, and fails for NULL. */
		if (json_array_append_new(array, worker_json(order[i], boards, board_count)) < 0) {
			json_decref(array);
			array = NULL;
		}
	}
	free(order);
	return array;
}

static json_t *listeners_json(const struct status_listener *listeners, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < count; i++) {
		json_t *one = json_pack("{s:o, s:b}", "address", TEXT(listeners[i].address), "tls",
					(listeners[i].tag & LISTENER_TLS) != 0);

		if (json_array_append_new(array, one) < 0) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}

static json_t *last_roll_json(const struct status *status)
{
	bool ok = status->roll_ok != 0;

	if (status->roll_kind[0] == '\0')
		return json_null();
	return json_pack("{s:o, s:b, s:o}", "kind", TEXT(status->roll_kind), "ok", ok, "reason",
			 ok ? json_null() : TEXT(status->roll_reason));
}

/* A string for each line. */
static json_t *trouble_json(const char *text, size_t size)
{
	json_t *array = json_array();

	while (array && size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size, whole = length + (end ? 1 : 0);

		if (json_array_append_new(array, control_text(text, length)) < 0) {
			json_decref(array);
			return NULL;
		}
		text += whole;
		size -= whole;
	}
	return array;
}

json_t *admin_status_json(const void *message, const struct board *boards, unsigned board_count)
{
	const struct status *status = message;
	const struct status_listener *listeners = (const void *)(status + 1);
	const struct status_slot *slots = (const void *)(listeners + status->listener_count);

	return json_pack("{s:o, s:i, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:o}", "version", TEXT(status->version), "pid",
			 (int)status->pid, "generation", (json_int_t)status->generation, "state", TEXT(status->state),
			 "accept", TEXT(status->accept), "uptime_ms", (json_int_t)status->uptime_ms, "listeners",
			 listeners_json(listeners, status->listener_count), "workers",
			 workers_json(slots, status->slot_count, boards, board_count), "last_roll",
			 last_roll_json(status), "trouble",
			 trouble_json((const char *)(slots + status->slot_count), status->trouble_size));
}
