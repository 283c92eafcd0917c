/* SPDX-License-Identifier: MIT
 *
 * See file.h. */
#include "http/files/file.h"

#include "base/fd.h"
#include "http/message/date.h"

#include <stdlib.h>
#include <string.h>

bool file_is_intact(const struct file *file)
{
	return stamp_is_of(&file->stamp, file->fd);
}

int64_t file_last_modified(const struct file *file, int64_t second)
{
	return file->stamp.mtime.tv_sec < second ? file->stamp.mtime.tv_sec : second;
}

bool file_set_date(struct file *file, struct slice date, int64_t second)
{
	if (file->references > 1u + file->kept)
		return false;
	memcpy(file->date_text, date.ptr, DATE_LENGTH);
	file->date_second = second;
	if (file_last_modified(file, second) != file->last_modified) {
		file->last_modified = file_last_modified(file, second);
		date_format(file->last_modified_text, file->last_modified);
	}
	return true;
}

void file_release(struct file *file)
{
	if (!file || --file->references > 0)
		return;
	fd_close(&file->fd);
	free(file);
}
