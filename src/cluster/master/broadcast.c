/* SPDX-License-Identifier: MIT
 *
 * What the program in the master tells workers, and what they answer (cluster.h). Master only. */
#include "cluster/master/broadcast.h"

#include "base/log.h"
#include "brood/channel.h"
#include "cluster/ipc/message.h"
#include "cluster/master/common.h"

#include <assert.h>
#include <string.h>

struct broadcast {
	struct message_broadcast head;
	char octets[CLUSTER_BROADCAST_MAX];
};

static size_t put(struct broadcast *broadcast, uint32_t kind, uint32_t question, const void *data, size_t size)
{
	assert(size <= CLUSTER_BROADCAST_MAX);
	broadcast->head = (struct message_broadcast){.kind = kind, .question = question};
	if (size > 0)
		memcpy(broadcast->octets, data, size);
	return sizeof(broadcast->head) + size;
}

/* False: it will not hear of it. */
static bool send_broadcast(struct worker_process *worker, const struct broadcast *broadcast, size_t size,
			   const int *fds, size_t count)
{
	struct brood_frame frame = {
		.type = MESSAGE_BROADCAST, .data = broadcast, .size = size, .fds = (int *)fds, .fd_count = count};

	if (!worker->channel)
		return false;
	if (brood_channel_send(worker->channel, &frame) == 0)
		return true;
	log_warn("worker %u [%d] could not be told what is new", worker->slot, worker->pid);
	return false;
}

void cluster_broadcast(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
		       size_t fd_count)
{
	struct broadcast broadcast;
	size_t all = put(&broadcast, kind, 0, data, size);

	assert(fd_count <= BROOD_CHANNEL_FDS_MAX);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		(void)send_broadcast(worker, &broadcast, all, fds, fd_count);
}

void cluster_broadcast_others(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
			      size_t fd_count)
{
	struct broadcast broadcast;
	size_t all = put(&broadcast, kind, 0, data, size);

	assert(fd_count <= BROOD_CHANNEL_FDS_MAX);
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		if (worker->question != master->question.number)
			(void)send_broadcast(worker, &broadcast, all, fds, fd_count);
}

/* --- questions --- */

uint32_t cluster_ask(struct master *master, uint32_t kind, const void *data, size_t size, const int *fds,
		     size_t fd_count)
{
	uint32_t number = master->question.number == UINT32_MAX ? 1 : master->question.number + 1;
	struct broadcast broadcast;
	size_t all = put(&broadcast, kind, number, data, size);

	assert(fd_count <= BROOD_CHANNEL_FDS_MAX);
	master->question = (struct question){.number = number};
	for (struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker)) {
		worker->answer = !send_broadcast(worker, &broadcast, all, fds, fd_count) ? ANSWER_NONE
				 : worker->phase == WORKER_SERVING                       ? ANSWER_OWED
											 : ANSWER_ALLOWED;
		worker->question = worker->answer != ANSWER_NONE ? number : 0;
		master->question.asked += worker->answer == ANSWER_OWED;
	}
	return number;
}

void cluster_answers(const struct master *master, struct cluster_answers *out)
{
	const struct question *question = &master->question;

	*out = (struct cluster_answers){.asked = question->asked, .yes = question->yes, .no = question->no};
	for (const struct worker_process *worker = first_worker(master); worker; worker = next_worker(worker))
		out->open += worker->answer == ANSWER_OWED && worker->channel;
}

/* One answer counts, and only to the question that is asked now: a worker that was taken over has no more than
 * its own say. */
void broadcast_heard(struct worker_process *worker, struct brood_frame *frame)
{
	const struct message_heard *heard = frame->data;
	struct question *question = &worker->master->question;

	if (frame->size != sizeof(*heard) || worker->answer == ANSWER_NONE || heard->question != question->number ||
	    worker->question != question->number)
		return;
	worker->answer = ANSWER_NONE;
	if (heard->taken == 1)
		question->yes++;
	else
		question->no++;
}
