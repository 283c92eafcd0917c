/* SPDX-License-Identifier: MIT
 *
 * See status_answer.h. */
#include "http/files/status_answer.h"

#include "http/files/answering.h"
#include "http/files/file_entry.h"
#include "http/files/lookup.h"
#include "http/files/response.h"
#include "http/site/site.h"

/* The location's page for an error, with a reference for the caller; NULL for none. */
static struct file *find_page(const struct answering *at, unsigned status)
{
	const struct http_location *location = at->location;
	const struct error_page *page = location && location->site->follow.error == 0 ? location->error_pages : NULL;
	struct file_entry *entry;

	for (; page && page->status != 0; page++) {
		/* One that cannot be had is no reason for another error. */
		if (page->status == status)
			return lookup_name(at->lookup, location, slice_of(page->name), &entry) == 0
				       ? file_entry_take(entry, entry->file)
				       : NULL;
	}
	return NULL;
}

/* Takes over the reference to the file. */
static void answer_with_page(const struct answering *at, unsigned status, struct slice extra, struct file *page)
{
	struct response *response = at->response;

	response_begin(at->builder, response, at->location, status);
	response_lines(at->builder, extra);
	response_field(at->builder, "Content-Type", page->type);
	response_field_u64(at->builder, "Content-Length", page->stamp.size);
	if (!response_finish(at->builder, response)) {
		file_release(page);
		return;
	}
	response->body = page->body;
	response->file_fd = page->fd;
	response->file_length = page->fd == -1 ? 0 : page->stamp.size;
	response->file = page;
}

void status_answer(const struct answering *at, unsigned status, struct slice extra)
{
	struct file *page = status >= 400 ? find_page(at, status) : NULL;

	if (page)
		answer_with_page(at, status, extra, page);
	else
		response_simple(at->builder, at->response, at->location, status, extra);
}
