/* SPDX-License-Identifier: MIT
 *
 * Closing descriptors that a worker has, or had, without waiting for it. A close that is the last one of its
 * description may sleep for as long as somebody who had a copy has set (socket(7), SO_LINGER), and whether it is the
 * last one nobody can know before. So the master leaves it to a process of its own, the closer, which may be killed
 * while it sleeps: what a process holds at its end is closed without lingering.
 *
 *     put --> waiting --end of this turn--> queued in a pair of sockets --> received by the closer, which drops it
 *                                           and closed here
 *
 * Both ends of the pair are the master's as well, so what is queued is not closed by the death of a closer; and the
 * closer receives nothing before it is told that the master has closed its own copies. Master only. */
#ifndef BROOD_CLUSTER_MASTER_CLOSER_H
#define BROOD_CLUSTER_MASTER_CLOSER_H

#include "base/fd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event;
struct event_base;
struct privilege;
struct upgrade_closer;

enum {
	CLOSER_WAITING_MAX = 1024,
	CLOSER_OWN_FDS = 5, /* a queue, a gate, and a pipe in the making: kept free, since it is needed most when others
			       have used up all there are, perhaps by what waits to be closed */
};

/* All-zero: not open. */
struct closer {
	struct event_base *base;
	const struct privilege *privilege;
	struct event *turn, *look;
	int queue[2];      /* to send, to receive; 0: not there */
	int gate;          /* an octet for each packet that may be received; -1: no closer */
	pid_t pid, heir;   /* 0: none; heir: who was left some by inheritance */
	bool ending;       /* pid has been told to leave, or killed */
	bool said;         /* that it stands still, or that there is no room */
	uint32_t released; /* packets that it may receive, since its birth */
	uint32_t *dropped; /* packets that it has dropped (shared with it) */
	uint32_t seen;     /* packets that it had dropped at the last look */
	unsigned idle_looks;
	uint64_t started_ms;
	struct fd_reserve spare[CLOSER_OWN_FDS]; /* as many as it does not use */
	int waiting[CLOSER_WAITING_MAX];
	unsigned count;
};

/* `privilege`: whom the process becomes; outlives the closer. It is started when there is something to close, and
 * leaves when there has been nothing for a while. 0 or -errno. */
int closer_open(struct closer *closer, struct event_base *base, const struct privilege *privilege)
	__attribute__((warn_unused_result));

/* Takes the descriptor. It is closed with the end of the process where the closer is not open (any more). -1 is
 * allowed. errno is kept. */
void closer_put(struct closer *closer, int fd);

/* Sends what waits, as far as that is possible now. True: nothing waits. */
bool closer_flush(struct closer *closer);

/* So much waits that no more should be begun that ends here. */
bool closer_is_crowded(const struct closer *closer);

/* Its processes are to be gone, and no more are started: what is left is closed with the end of this one. True: they
 * are gone. */
bool closer_leave(struct closer *closer);

/* True: it was the end of one of its processes. */
bool closer_ended(struct closer *closer, pid_t pid);

/* One of its processes was stopped: others may send it signals, being the same user. */
void closer_stopped(struct closer *closer, pid_t pid);

/* For the next version of the master: false where there is nothing to tell. Then there: takes the descriptors. */
bool closer_save(const struct closer *closer, struct upgrade_closer *out);
void closer_restore(struct closer *closer, const struct upgrade_closer *saved);

void closer_close(struct closer *closer);

#endif
