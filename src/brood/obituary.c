/* SPDX-License-Identifier: MIT
 *
 * Keeping obituaries (obituary.h). Master only. */
#include "brood/obituary.h"

#include "base/buffer.h"
#include "base/log.h"
#include "brood/obituary_file.h"
#include "brood/obituary_json.h"
#include "cluster/obituary.h"

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
static void make_room(struct obituaries *obituaries, const struct cluster_obituary *obituary)
{
	struct entry *oldest = NULL;
	unsigned count = 0;

	for (struct list *at = obituaries->entries.next; at != &obituaries->entries;
	     at = at->next) {
		struct entry *entry = LIST_ENTRY(at, struct entry, link);

		if (entry->slot != obituary->slot)
			continue;
		if (entry->pid == obituary->pid && entry->time_ms == obituary->time_ms) {
			discard(entry);
			return;
		}
		oldest = oldest ? oldest : entry;
		count++;
	}
	if (count >= OBITUARIES_KEPT)
		discard(oldest);
}

static void save(struct obituaries *obituaries, const char *state_dir,
		 const struct cluster_obituary *obituary, const char *text)
{
	char folder[PATH_MAX];
	int error;

	if (!obituary_folder(state_dir, folder))
		return;
	error = obituary_file_write(folder, obituary, text);
	if (error && !obituaries->warned)
		log_warn("cannot write obituaries to '%s': %s; broodctl why has the last ones",
			 folder, strerror(-error));
	obituaries->warned = error != 0;
}

void obituaries_add(struct obituaries *obituaries, const char *state_dir,
		    const struct cluster_obituary *obituary)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	char *text = obituary_json(obituary);

	if (!entry || !text) {
		log_warn("no memory for the obituary of worker %u [%d]", obituary->slot,
			 obituary->pid);
		free(entry);
		free(text);
		return;
	}
	make_room(obituaries, obituary);
	*entry = (struct entry){.slot = obituary->slot,
				.pid = obituary->pid,
				.time_ms = obituary->time_ms,
				.text = text};
	list_append(&obituaries->entries, &entry->link);
	save(obituaries, state_dir, obituary, text);
}

int obituaries_text(const struct obituaries *obituaries, unsigned slot, struct buffer *out)
{
	const char *before = "";
	int error = buffer_append(out, "[", 1);

	for (const struct list *at = obituaries->entries.prev;
	     error == 0 && at != &obituaries->entries; at = at->prev) {
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
