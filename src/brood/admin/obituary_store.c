/* SPDX-License-Identifier: MIT
 *
 * Keeping obituaries (obituary_store.h). Master only. */
#include "brood/admin/obituary_store.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/trusted_path.h"
#include "brood/admin/obituary_file.h"
#include "brood/admin/obituary_json.h"
#include "cluster/policy/obituary.h"
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct list link;
	unsigned slot;
	pid_t pid;
	uint64_t time_ms;
	char *text;
};

void obituaries_init(struct obituaries *obituaries)
{
	*obituaries = (struct obituaries){.warned = false};
	list_init(&obituaries->entries);
}

static void discard(struct entry *entry)
{
	list_remove(&entry->link);
	free(entry->text);
	free(entry);
}

void obituaries_free(struct obituaries *obituaries)
{
	while (!list_empty(&obituaries->entries))
		discard(LIST_ENTRY(obituaries->entries.next, struct entry, link));
}

/* Drops what the new one takes the place of: the same worker's of the same time, or the oldest. */
static void make_room(struct obituaries *obituaries, const struct entry *new)
{
	struct entry *oldest = NULL;
	unsigned count = 0;

	for (struct list *at = obituaries->entries.next; at != &obituaries->entries; at = at->next) {
		struct entry *entry = LIST_ENTRY(at, struct entry, link);

		if (entry->slot != new->slot)
			continue;
		if (entry->pid == new->pid && entry->time_ms == new->time_ms) {
			discard(entry);
			return;
		}
		oldest = oldest ? oldest : entry;
		count++;
	}
	if (count >= OBITUARIES_KEPT)
		discard(oldest);
}

static void save(struct obituaries *obituaries, const char *state_dir, const char *server,
		 const struct cluster_obituary *obituary, const char *text)
{
	char folder[PATH_MAX], reason[TRUSTED_REASON_MAX];
	int error;

	if (!obituary_folder(state_dir, folder))
		return;
	error = obituary_file_write(folder, server, obituary, text, reason, sizeof(reason));
	if (error && !obituaries->warned)
		log_warn("cannot write obituaries to '%s': %s; broodctl why has the last ones", folder, reason);
	obituaries->warned = error != 0;
}

void obituaries_add(struct obituaries *obituaries, const char *state_dir, const char *server,
		    const struct cluster_obituary *obituary)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	char *text = obituary_json(obituary);

	if (!entry || !text) {
		log_warn("no memory for the obituary of worker %u [%d]", obituary->slot, obituary->pid);
		free(entry);
		free(text);
		return;
	}
	*entry = (struct entry){
		.slot = obituary->slot, .pid = obituary->pid, .time_ms = obituary->time_ms, .text = text};
	make_room(obituaries, entry);
	list_append(&obituaries->entries, &entry->link);
	save(obituaries, state_dir, server, obituary, text);
}

int obituaries_text(const struct obituaries *obituaries, unsigned slot, struct buffer *out)
{
	const char *before = "";
	int error = buffer_append(out, "[", 1);

	for (const struct list *at = obituaries->entries.prev; error == 0 && at != &obituaries->entries;
	     at = at->prev) {
		const struct entry *entry = LIST_ENTRY(at, struct entry, link);

		if (entry->slot != slot)
			continue;
		error = buffer_append(out, before, strlen(before));
		if (error == 0)
			error = buffer_append(out, entry->text, strlen(entry->text));
		before = ",";
	}
	return error ? error : buffer_append(out, "]", 1);
}

/* --- from one version to another --- */

/* The text stands behind it, with its NUL. */
struct upgrade_obituary {
	uint32_t slot;
	int32_t pid;
	uint64_t time_ms;
};

void obituaries_save(const struct obituaries *obituaries, uint32_t type, struct upgrade_writer *writer)
{
	for (const struct list *at = obituaries->entries.next; at != &obituaries->entries; at = at->next) {
		const struct entry *entry = LIST_ENTRY(at, struct entry, link);
		struct upgrade_obituary saved = {.slot = entry->slot, .pid = entry->pid, .time_ms = entry->time_ms};
		struct buffer octets = {0};

		if (buffer_append(&octets, &saved, sizeof(saved)) < 0 ||
		    buffer_append(&octets, entry->text, strlen(entry->text) + 1) < 0)
			writer->failed = true;
		else
			upgrade_put(writer, type, octets.data, octets.used);
		buffer_free(&octets);
	}
}

int obituaries_restore(struct obituaries *obituaries, const struct upgrade_record *record)
{
	const char *text = (const char *)record->data + sizeof(struct upgrade_obituary);
	struct upgrade_obituary saved;
	struct entry *entry;

	/* Its text becomes a part of an answer in JSON. */
	if (record->size <= sizeof(saved) || text[0] != '{' ||
	    strnlen(text, record->size - sizeof(saved)) != record->size - sizeof(saved) - 1)
		return -EBADMSG;
	upgrade_get(record, &saved, sizeof(saved));
	entry = calloc(1, sizeof(*entry));
	if (entry)
		entry->text = strdup(text);
	if (!entry || !entry->text) {
		free(entry);
		return -ENOMEM;
	}
	entry->slot = saved.slot;
	entry->pid = saved.pid;
	entry->time_ms = saved.time_ms;
	make_room(obituaries, entry);
	list_append(&obituaries->entries, &entry->link);
	return 0;
}
