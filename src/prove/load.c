/* SPDX-License-Identifier: MIT
 *
 * The clients of an experiment (load.h). One timer drives them all. */
#include "prove/load.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TICK_US = 1000,
	BUSY_PERIOD_US = 20000, /* 50 requests a second each: client and server share the machine */
	FRESH = 4,
	FRESH_PERIOD_US = 20000,
	LATE_MAX_US = 1000000, /* a client that is further behind forgets what it has missed */
	ASK_PER_TICK = 8,      /* so many idle ones, not all at once */
	OPEN_PER_TICK = 64,
	PAUSE_US = 10000, /* after a refusal */
	PATIENCE_US = 10000000,
};

enum role { ROLE_IDLE, ROLE_BUSY, ROLE_FRESH };

struct load_client {
	struct client client;
	enum role role;
	bool to_ask;        /* an idle one that is to ask */
	unsigned turn;      /* requests so far */
	uint64_t due_us;    /* next request, or next attempt to connect */
	uint64_t since_us;  /* when the outstanding request, or the connection, was begun */
	uint64_t wanted_us; /* when that request should have been sent: what latency counts from */
};

static struct load_client *owner_of(struct client *client)
{
	return (struct load_client *)((char *)client - offsetof(struct load_client, client));
}

static size_t kept(const struct load *load)
{
	return load->idle + load->busy;
}

static size_t all(const struct load *load)
{
	return kept(load) + load->fresh;
}

static bool was_killed(const struct load *load, pid_t pid)
{
	for (size_t i = 0; pid && i < load->killed_count; i++)
		if (load->killed[i] == pid)
			return true;
	return false;
}

/* Mostly small files, a large one now and then. */
static const struct site_file *next_file(const struct load *load, struct load_client *owner)
{
	unsigned turn = ++owner->turn;
	unsigned which = SITE_SMALL;

	if (owner->role == ROLE_BUSY && turn % 256 == 255)
		which = SITE_LARGE;
	else if (owner->role == ROLE_BUSY && turn % 16 == 15)
		which = SITE_MIDDLE;
	return &load->site->file[which];
}

/* --- asking --- */

static void ask(struct load *load, struct load_client *owner, uint64_t wanted_us)
{
	owner->since_us = clock_now_us();
	owner->wanted_us = wanted_us;
	owner->to_ask = false;
	load->figures->counts.sent++;
	client_ask(&owner->client, next_file(load, owner));
}

/* A busy one whose time has come. One that comes too late because its last answer did has been
 * waiting since then: that belongs to the latency. */
static void ask_when_due(struct load *load, struct load_client *owner, uint64_t now_us, bool late)
{
	uint64_t due_us = owner->due_us;

	if (due_us > now_us || load->resting)
		return;
	if (now_us - due_us > LATE_MAX_US)
		due_us = now_us;
	owner->due_us = due_us + BUSY_PERIOD_US;
	ask(load, owner, late ? due_us : now_us);
}

/* --- what happens to a connection --- */

static void on_opened(void *context, struct client *client)
{
	struct load *load = context;
	struct load_client *owner = owner_of(client);

	load->figures->counts.opened++;
	if (load->resting)
		return;
	/* The first request at once: it tells whose connection this is. A busy one that replaces a
	 * lost one has been waiting since that was lost. */
	if (owner->role == ROLE_BUSY)
		ask_when_due(load, owner, clock_now_us(), true);
	else
		ask(load, owner, clock_now_us());
}

static void on_refused(void *context, struct client *client, int error)
{
	struct load *load = context;
	struct load_client *owner = owner_of(client);

	(void)error;
	load->figures->counts.refused++;
	owner->due_us = clock_now_us() + PAUSE_US;
}

static void on_answered(void *context, struct client *client)
{
	struct load *load = context;
	struct load_client *owner = owner_of(client);
	const struct answer_worker *worker = &client->worker;
	uint64_t now_us = clock_now_us();

	load->figures->counts.answered++;
	if (worker->slot < LOAD_SLOTS_MAX)
		load->seen[worker->slot] = *worker;
	if (owner->role == ROLE_FRESH) {
		client_close(client); /* it asked for the end itself */
		return;
	}
	latency_add(&load->figures->latency, now_us - owner->wanted_us);
	if (client->answer.says_close)
		return;
	if (owner->role == ROLE_BUSY && load->pause_us > 0)
		owner->due_us = now_us + load->pause_us;
	else if (owner->role == ROLE_BUSY)
		ask_when_due(load, owner, now_us, true);
	else if (worker->generation < load->generation)
		owner->to_ask = true;
}

static void on_ended(void *context, struct client *client, enum counts_end how, bool outstanding)
{
	struct load *load = context;
	struct load_client *owner = owner_of(client);
	uint64_t now_us = clock_now_us();

	if (how == COUNTS_WRONG)
		load->wrong = client->problem;
	counts_end_connection(&load->figures->counts, how, outstanding, was_killed(load, client->worker.pid));
	owner->due_us = now_us;
}

static const struct client_events events = {
	.opened = on_opened,
	.refused = on_refused,
	.answered = on_answered,
	.ended = on_ended,
};

/* --- the timer --- */

static bool open_when_due(struct load *load, struct load_client *owner, uint64_t now_us)
{
	int error;

	if (owner->due_us > now_us || load->held || load->resting)
		return false;
	owner->since_us = now_us;
	if (owner->role == ROLE_FRESH)
		owner->due_us = now_us + FRESH_PERIOD_US;
	error = client_open(&owner->client);
	if (error)
		load->error = error;
	return true;
}

/* An unestablished connection is as good as refused. */
static void lose_patience(struct load *load, struct load_client *owner)
{
	if (owner->client.state == CLIENT_WAITING) {
		client_give_up(&owner->client, COUNTS_HUNG);
		return;
	}
	client_close(&owner->client);
	on_refused(load, &owner->client, ETIMEDOUT);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
	struct load *load = argument;
	uint64_t now_us = clock_now_us();
	unsigned may_open = OPEN_PER_TICK, may_ask = ASK_PER_TICK;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < all(load) && load->error == 0; i++) {
		struct load_client *owner = &load->client[i];

		switch (owner->client.state) {
		case CLIENT_CLOSED:
			if (may_open > 0 && open_when_due(load, owner, now_us))
				may_open--;
			break;
		case CLIENT_IDLE:
			if (owner->role == ROLE_BUSY)
				ask_when_due(load, owner, now_us, false);
			else if (owner->to_ask && may_ask > 0 && !load->resting)
				may_ask--, ask(load, owner, now_us);
			break;
		case CLIENT_CONNECTING:
		case CLIENT_WAITING:
			if (now_us > owner->since_us + PATIENCE_US)
				lose_patience(load, owner);
			break;
		}
	}
}

/* --- what the experiment wants --- */

/* A time for each within a period, so that they do not march in step. */
static uint64_t spread(uint64_t now_us, size_t index)
{
	return now_us + (index * 7919) % BUSY_PERIOD_US;
}

int load_start(struct load *load, struct event_base *base, const struct sockaddr_storage *address,
	       const struct site *site, size_t idle, size_t busy, struct load_figures *figures)
{
	struct timeval period = {.tv_usec = TICK_US};
	uint64_t now_us = clock_now_us();

	memset(load, 0, sizeof(*load));
	load->group.base = base;
	load->group.address = *address;
	load->group.address_size = sizeof(struct sockaddr_in);
	snprintf(load->group.host, sizeof(load->group.host), "127.0.0.1:%u",
		 ntohs(((const struct sockaddr_in *)address)->sin_port));
	load->group.events = &events;
	load->group.context = load;
	load->site = site;
	load->figures = figures;
	load->client = calloc(idle + busy + FRESH, sizeof(*load->client));
	if (!load->client)
		return -ENOMEM;
	load->idle = idle;
	load->busy = busy;
	load->fresh = FRESH;
	for (size_t i = 0; i < all(load); i++) {
		struct load_client *owner = &load->client[i];

		client_init(&owner->client, &load->group);
		owner->role = i < idle ? ROLE_IDLE : i < kept(load) ? ROLE_BUSY : ROLE_FRESH;
		owner->client.closes = owner->role == ROLE_FRESH;
		owner->due_us = spread(now_us, i);
		owner->turn = (unsigned)i * 37;
	}
	if (event_assign(&load->tick, base, -1, EV_PERSIST, on_tick, load) < 0 || event_add(&load->tick, &period) < 0)
		return -ENOMEM;
	load->ticking = true;
	return 0;
}

void load_stop(struct load *load)
{
	if (load->ticking)
		event_del(&load->tick);
	load->ticking = false;
	for (size_t i = 0; load->client && i < all(load); i++)
		client_close(&load->client[i].client);
	free(load->client);
	load->client = NULL;
}

void load_measure(struct load *load)
{
	uint64_t now_us = clock_now_us();

	memset(&load->figures->latency, 0, sizeof(load->figures->latency));
	for (size_t i = 0; i < kept(load); i++) {
		struct load_client *owner = &load->client[i];

		owner->wanted_us = now_us;
		owner->due_us = spread(now_us, i);
	}
}

void load_phase(struct load *load, struct load_figures *figures)
{
	for (size_t i = 0; i < all(load); i++) {
		if (load->client[i].client.state != CLIENT_WAITING)
			continue;
		load->figures->counts.sent--;
		figures->counts.sent++;
	}
	load->figures = figures;
}

void load_ask_idle(struct load *load)
{
	for (size_t i = 0; i < load->idle; i++)
		load->client[i].to_ask = true;
}

static bool is_open(const struct client *client)
{
	return client->state == CLIENT_IDLE || client->state == CLIENT_WAITING;
}

bool load_settled(const struct load *load)
{
	for (size_t i = 0; i < kept(load); i++) {
		const struct load_client *owner = &load->client[i];

		if (!is_open(&owner->client) || owner->client.worker.pid == 0 ||
		    owner->client.worker.generation < load->generation)
			return false;
		if (owner->role == ROLE_IDLE && (owner->to_ask || owner->client.state == CLIENT_WAITING))
			return false;
	}
	return true;
}

unsigned load_stale(const struct load *load)
{
	unsigned count = 0;

	for (size_t i = 0; i < kept(load); i++) {
		const struct client *client = &load->client[i].client;

		count += is_open(client) && client->worker.pid && client->worker.generation < load->generation;
	}
	return count;
}

bool load_attributed(const struct load *load)
{
	for (size_t i = 0; i < all(load); i++) {
		const struct client *client = &load->client[i].client;

		if (client->state == CLIENT_CONNECTING || (is_open(client) && client->worker.pid == 0))
			return false;
	}
	return true;
}

void load_killed(struct load *load, pid_t pid)
{
	if (load->killed_count < LOAD_KILLS_MAX)
		load->killed[load->killed_count++] = pid;
}

bool load_quiet(const struct load *load)
{
	for (size_t i = 0; i < all(load); i++)
		if (load->client[i].client.state == CLIENT_WAITING || load->client[i].client.state == CLIENT_CONNECTING)
			return false;
	return true;
}

bool load_over(const struct load *load)
{
	for (size_t i = 0; i < all(load); i++)
		if (load->client[i].client.state != CLIENT_CLOSED)
			return false;
	return true;
}

static int by_slot(const void *a, const void *b)
{
	const struct answer_worker *left = a, *right = b;

	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	if (left->generation != right->generation)
		return left->generation < right->generation ? -1 : 1;
	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

int load_workers(const struct load *load, struct load_worker **out)
{
	struct load_worker *worker = calloc(kept(load) + 1, sizeof(*worker));
	struct answer_worker *held = calloc(kept(load) + 1, sizeof(*held));
	size_t count = 0, workers = 0;

	*out = worker;
	if (!worker || !held) {
		free(worker);
		free(held);
		*out = NULL;
		return -ENOMEM;
	}
	for (size_t i = 0; i < kept(load); i++)
		if (is_open(&load->client[i].client) && load->client[i].client.worker.pid)
			held[count++] = load->client[i].client.worker;
	qsort(held, count, sizeof(*held), by_slot);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || by_slot(&held[i - 1], &held[i]) != 0)
			worker[workers++].worker = held[i];
		worker[workers - 1].connections++;
	}
	free(held);
	return (int)workers;
}
