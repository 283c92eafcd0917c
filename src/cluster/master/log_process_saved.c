/* SPDX-License-Identifier: MIT
 *
 * The log process and what it has to read, from one version of the master to another. Master only. */
#include "cluster/master/master.h"

#include "brood/channel.h"
#include "cluster/upgrade/upgrade_master.h"
#include "cluster/upgrade/upgrade_record.h"

#include <errno.h>
#include <string.h>

#define SOURCE_OF(at) LIST_ENTRY(at, struct log_source, link)

void logger_save(const struct master *master, struct upgrade_writer *writer)
{
	const struct logger *logger = &master->logger;
	struct upgrade_logger saved = {
		.last_source = logger->last_source,
		.pid = logger->pid,
		.channel = logger->channel ? upgrade_keep_fd(writer, brood_channel_fd(logger->channel)) : -1,
		.finishing = logger->phase == LOGGER_FINISHING,
		.is_asked = logger->is_asked,
	};

	upgrade_put(writer, RECORD_LOGGER, &saved, sizeof(saved));
	for (struct list *at = logger->sources.next; at != &logger->sources; at = at->next) {
		const struct log_source *source = SOURCE_OF(at);
		struct upgrade_log_source one = {
			.serial = source->serial,
			.pid = source->pid,
			.error_log = source->error_log,
			.configuration = source->configuration,
			.queue = upgrade_keep_fd(writer, source->queue),
			.pipe = upgrade_keep_fd(writer, source->pipe),
		};

		memcpy(one.tag, source->tag, sizeof(one.tag));
		upgrade_put(writer, RECORD_LOG_SOURCE, &one, sizeof(one));
	}
}

int logger_restore(struct master *master, const struct upgrade_logger *saved)
{
	struct logger *logger = &master->logger;

	logger->last_source = saved->last_source;
	logger->pid = saved->pid;
	logger->phase = saved->finishing ? LOGGER_FINISHING : LOGGER_RUNNING;
	logger->is_asked = saved->is_asked;
	if (saved->channel < 0)
		return 0;
	return logger_open_channel(master, saved->channel);
}

int logger_restore_source(struct master *master, const struct upgrade_log_source *saved)
{
	struct line_queue queue;
	struct log_source *source;
	char tag[LOG_TAG_MAX];
	const struct list *sources = &master->logger.sources;
	int error = line_queue_open(&queue, saved->queue);

	line_queue_close(&queue);
	if (error)
		return error;
	if (saved->serial > master->logger.last_source ||
	    (!list_empty(sources) && saved->serial <= SOURCE_OF(sources->prev)->serial))
		return -EBADMSG;
	memcpy(tag, saved->tag, sizeof(tag));
	tag[sizeof(tag) - 1] = '\0';
	source = logger_new_source(&master->logger, saved->serial, tag, saved->queue, saved->pipe);
	if (!source)
		return -ENOMEM;
	source->pid = saved->pid;
	source->error_log = saved->error_log;
	source->configuration = saved->configuration;
	return 0;
}
