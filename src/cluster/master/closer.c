/* SPDX-License-Identifier: MIT
 *
 * The process that closes (closer.h). Master, but for `live` and `outlive`. */
#include "cluster/master/closer.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/privilege.h"
#include "base/sandbox.h"
#include "brood/channel.h"
#include "brood/process.h"
#include "cluster/cluster.h"
#include "cluster/upgrade/upgrade_master.h"
#include "proc/fdpass.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LOOK_MS = 100,   /* one that drops nothing for so long, though it should, sleeps in a close */
	IDLE_LOOKS = 5,  /* then it leaves */
	RESTART_MS = 20, /* between the starts of two */
	GATE_READ_MAX = 512,
};

/* --- the process --- */

struct life {
	const struct privilege *privilege;
	int receive, gate;
	uint32_t *dropped;
};

/* The descriptors of a packet that is received without room for them are dropped by the kernel, here. */
static int live(void *context)
{
	const struct life *life = context;
	char octets[GATE_READ_MAX], octet;
	ssize_t released;

	/* Others that wait for this processor go first, and there is more to do at once then. */
	(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
	if (privilege_drop(life->privilege) < 0)
		return 1;
	brood_process_wake_at_end();
	(void)!sandbox_enter(); /* it reads nothing that could turn it against us; but it needs nothing either */
	while ((released = read(life->gate, octets, sizeof(octets))) > 0)
		for (ssize_t i = 0; i < released; i++) {
			(void)!recv(life->receive, &octet, sizeof(octet), MSG_DONTWAIT);
			__atomic_add_fetch(life->dropped, 1, __ATOMIC_RELAXED);
		}
	return 0; /* the master is gone, or wants us to be */
}

/* Inherited what cannot be sent to anybody; its end closes that. */
static int outlive(void *context)
{
	const struct life *life = context;
	char octet;

	(void)!privilege_drop(life->privilege);
	brood_process_wake_at_end();
	(void)!read(life->gate, &octet, sizeof(octet));
	return 0;
}

/* --- its own descriptors --- */

/* Two are about to be asked for. */
static void spend_two(struct closer *closer)
{
	unsigned spent = 0;

	for (unsigned i = CLOSER_OWN_FDS; i > 0 && spent < 2; i--)
		spent += fd_reserve_spend(&closer->spare[i - 1]);
}

static void refill(struct closer *closer)
{
	unsigned used = (closer->queue[0] > 0 ? 2 : 0) + (closer->gate >= 0 ? 1 : 0);

	for (unsigned i = 0; i < CLOSER_OWN_FDS - used; i++)
		fd_reserve_fill(&closer->spare[i]);
}

/* The page in which it counts is nobody else's. */
static pid_t fork_closer(struct closer *closer, int (*main)(void *), const int *kept, size_t count, int *gate)
{
	struct life life = {closer->privilege, closer->queue[1], -1, closer->dropped};
	struct brood_process_options options = {.main = main, .context = &life, .title = CLUSTER_CHILD_NAME "closer"};
	int keep[2 + FDPASS_MAX], ends[2];
	pid_t pid;

	spend_two(closer);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	life.gate = keep[0] = ends[0];
	memcpy(keep + 1, kept, count * sizeof(*kept));
	options.keep_fds = keep;
	options.keep_count = 1 + count;
	(void)madvise(closer->dropped, sizeof(*closer->dropped), MADV_DOFORK);
	pid = brood_process_fork(&options);
	(void)madvise(closer->dropped, sizeof(*closer->dropped), MADV_DONTFORK);
	fd_close(&ends[0]);
	if (pid < 0 || fd_set_nonblock(ends[1], true) < 0)
		fd_close(&ends[1]);
	*gate = ends[1];
	return pid;
}

/* --- the queue --- */

static unsigned queued(const struct closer *closer)
{
	int octets = 0; /* one for each packet */

	return closer->queue[1] > 0 && ioctl(closer->queue[1], SIOCINQ, &octets) == 0 ? (unsigned)octets : 0;
}

static void look_soon(struct closer *closer)
{
	struct timeval delay = {0, LOOK_MS * 1000};

	if (!evtimer_pending(closer->look, NULL))
		evtimer_add(closer->look, &delay);
}

static void release(struct closer *closer, unsigned packets)
{
	static const char octets[GATE_READ_MAX];

	for (unsigned step; packets > 0; packets -= step) {
		step = packets < sizeof(octets) ? packets : sizeof(octets);
		if (closer->gate < 0 || write(closer->gate, octets, step) != (ssize_t)step)
			return; /* it is gone: its successor is told of all that is queued */
		closer->released += step;
	}
}

/* False: later. */
static bool start(struct closer *closer)
{
	uint64_t now_ms = clock_now_ms();
	pid_t pid;

	if (closer->pid != 0)
		return !closer->ending;
	if (now_ms - closer->started_ms < RESTART_MS)
		return false;
	if (closer->queue[0] == 0) {
		spend_two(closer);
		if (brood_channel_pair(closer->queue) < 0) {
			closer->queue[0] = closer->queue[1] = 0;
			return false;
		}
	}
	closer->started_ms = now_ms;
	pid = fork_closer(closer, live, &closer->queue[1], 1, &closer->gate);
	if (pid < 0)
		return false;
	closer->pid = pid;
	closer->ending = false;
	closer->idle_looks = 0;
	closer->released = closer->seen = 0;
	__atomic_store_n(closer->dropped, 0, __ATOMIC_RELAXED);
	release(closer, queued(closer));
	refill(closer);
	return true;
}

/* None of these closes is the last one: the copies in the queue, or in the heir, are still there. */
static void let_go(struct closer *closer, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fd_close(&closer->waiting[i]);
	closer->count -= count;
	memmove(closer->waiting, closer->waiting + count, closer->count * sizeof(closer->waiting[0]));
}

/* One of them cannot be sent to anybody. */
static bool bequeath(struct closer *closer, unsigned count)
{
	int gate;
	pid_t pid;

	if (closer->heir != 0)
		return false;
	pid = fork_closer(closer, outlive, closer->waiting, count, &gate);
	if (pid < 0)
		return false;
	closer->heir = pid;
	let_go(closer, count);
	fd_close(&gate); /* it may leave */
	return true;
}

static bool send_some(struct closer *closer)
{
	struct iovec part = {.iov_base = (char[]){0}, .iov_len = 1};
	unsigned count = closer->count < FDPASS_MAX ? closer->count : FDPASS_MAX;
	int error = fdpass_send(closer->queue[0], &part, 1, closer->waiting, count);

	if (error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM)
		return false;
	if (error)
		return bequeath(closer, count);
	let_go(closer, count);
	release(closer, 1);
	return true;
}

bool closer_flush(struct closer *closer)
{
	if (!closer->base)
		return true;
	if (closer->count == 0 && (closer->pid != 0 || queued(closer) == 0))
		return true;
	look_soon(closer);
	if (!start(closer) && closer->queue[0] == 0)
		return false;
	while (closer->count > 0 && send_some(closer))
		continue;
	return closer->count == 0;
}

void closer_put(struct closer *closer, int fd)
{
	int error = errno;

	if (fd == -1 || !closer->base)
		return;
	if (closer->count == CLOSER_WAITING_MAX)
		(void)closer_flush(closer);
	if (closer->count == CLOSER_WAITING_MAX) {
		if (!closer->said)
			log_error("no process can be started to close descriptors: closing them here");
		closer->said = true;
		fd_close(&fd);
	} else {
		closer->waiting[closer->count++] = fd;
		event_active(closer->turn, EV_TIMEOUT, 0); /* behind what else this turn has to do */
	}
	errno = error;
}

bool closer_is_crowded(const struct closer *closer)
{
	return closer->count >= CLOSER_WAITING_MAX / 2;
}

/* --- looking after it --- */

static void dismiss(struct closer *closer)
{
	closer->ending = true;
	fd_close(&closer->gate);
}

static void end(struct closer *closer)
{
	dismiss(closer);
	if (closer->pid > 0)
		kill(closer->pid, SIGKILL); /* not reaped yet, so the number is its own */
}

static void on_turn(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	(void)closer_flush(argument);
}

/* It would go on if it were its turn: the machine is busy, and no close sleeps. */
static bool waits_for_processor(pid_t pid)
{
	char path[64], text[512], *rest = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(text, sizeof(text), file))
		rest = strrchr(text, ')');
	fclose(file);
	return rest && strncmp(rest, ") R", 3) == 0;
}

static void on_look(evutil_socket_t fd, short what, void *argument)
{
	struct closer *closer = argument;
	uint32_t dropped = __atomic_load_n(closer->dropped, __ATOMIC_RELAXED);
	bool busy = dropped != closer->released;

	(void)fd, (void)what;
	if (closer->heir > 0)
		kill(closer->heir, SIGKILL); /* it has nothing to do but end */
	if (closer->pid > 0 &&
	    (closer->ending || (busy && dropped == closer->seen && !waits_for_processor(closer->pid)))) {
		if (!closer->ending && !closer->said)
			log_warn("a close sleeps in the closer [%d]: it is replaced, as all that do", closer->pid);
		closer->said = true;
		end(closer);
	}
	closer->idle_looks = busy || dropped != closer->seen ? 0 : closer->idle_looks + 1;
	closer->seen = dropped;
	refill(closer);
	if (!closer_flush(closer) || closer->pid > 0 || closer->heir > 0)
		look_soon(closer);
	if (closer->pid > 0 && !closer->ending && closer->idle_looks >= IDLE_LOOKS)
		dismiss(closer);
}

bool closer_ended(struct closer *closer, pid_t pid)
{
	if (pid == closer->heir && pid != 0) {
		closer->heir = 0;
		(void)closer_flush(closer);
		return true;
	}
	if (pid != closer->pid || pid == 0)
		return false;
	closer->pid = 0;
	dismiss(closer);
	if (!closer->base)
		return true;
	if (closer_flush(closer) && closer->pid == 0 && closer->queue[0] > 0 && queued(closer) == 0) {
		fd_close(&closer->queue[0]);
		fd_close(&closer->queue[1]);
		closer->queue[0] = closer->queue[1] = 0;
		closer->said = false;
	}
	refill(closer);
	return true;
}

void closer_stopped(struct closer *closer, pid_t pid)
{
	if (pid == closer->pid && pid != 0)
		end(closer);
}

bool closer_leave(struct closer *closer)
{
	if (closer->pid > 0)
		end(closer);
	if (closer->heir > 0)
		kill(closer->heir, SIGKILL);
	if (closer->pid == 0 && closer->heir == 0)
		return true;
	closer_close(closer); /* nobody is started any more */
	return false;
}

/* --- from one version to another --- */

bool closer_save(const struct closer *closer, struct upgrade_closer *out)
{
	if (closer->queue[0] == 0)
		return false;
	*out = (struct upgrade_closer){
		.send = closer->queue[0], .receive = closer->queue[1], .pid = closer->pid, .heir = closer->heir};
	return true;
}

/* Its gate was not taken along, so it leaves, and its successor goes on with the queue. */
void closer_restore(struct closer *closer, const struct upgrade_closer *saved)
{
	closer->queue[0] = saved->send;
	closer->queue[1] = saved->receive;
	closer->pid = saved->pid;
	closer->heir = saved->heir;
	closer->ending = saved->pid != 0;
	look_soon(closer);
}

int closer_open(struct closer *closer, struct event_base *base, const struct privilege *privilege)
{
	void *page = mmap(NULL, sizeof(*closer->dropped), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*closer = (struct closer){.gate = -1, .privilege = privilege};
	if (page == MAP_FAILED)
		return -errno;
	closer->dropped = page;
	(void)madvise(page, sizeof(*closer->dropped), MADV_DONTFORK);
	closer->base = base;
	closer->turn = event_new(base, -1, 0, on_turn, closer);
	closer->look = evtimer_new(base, on_look, closer);
	refill(closer);
	if (closer->turn && closer->look)
		return 0;
	closer_close(closer);
	return -ENOMEM;
}

void closer_close(struct closer *closer)
{
	if (!closer->base)
		return;
	closer->base = NULL;
	dismiss(closer);
	if (closer->turn)
		event_free(closer->turn);
	if (closer->look)
		event_free(closer->look);
	for (unsigned i = 0; i < CLOSER_OWN_FDS; i++)
		(void)fd_reserve_spend(&closer->spare[i]);
	munmap(closer->dropped, sizeof(*closer->dropped));
}
