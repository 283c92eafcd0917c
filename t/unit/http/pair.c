/* SPDX-License-Identifier: MIT
 *
 * See pair.h. */
#include "pair.h"

#include "base/address.h"

#include "http/connection/server.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_closed(void *context)
{
	struct end *end = context;

	end->closed++;
}

static void on_moved(void *context, int fd, const void *state, size_t size)
{
	struct end *end = context;
	struct pair *pair = end->pair;

	assert_in_range(size, 1, HTTP_STATE_MAX);
	end->moved++;
	if (pair->keeps) {
		struct kept *kept = &pair->kept[pair->kept_count++];

		assert_true(pair->kept_count <= KEPT_MAX);
		*kept = (struct kept){fd, size, malloc(size)};
		assert_non_null(kept->state);
		memcpy(kept->state, state, size);
	} else {
		bool other = (end == &pair->ends[0]) != pair->returns;
		struct http_server *taker = pair->servers[other];

		assert_int_equal(http_server_take_moved(taker, fd, state, size), 0);
	}
}

void pair_on_log(void *context, const struct http_log_entry *entry)
{
	struct end *end = context;

	end->pair->duration_us = entry->duration_us;
	address_host(entry->client, end->pair->client, sizeof(end->pair->client));
}

/* Entity tags of files that have just been changed differ from what they are a little later. */
static void age_files(struct talk *talk)
{
	static const char *const names[] = {"index.html", "small.txt", "kilo.txt", "fifty.bin", "large.bin"};
	static const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(utimensat(talk->root_fd, names[i], times, 0), 0);
}

int pair_start(void **state)
{
	static const struct http_options options = {
		.head_timeout_ms = 1000,
		.write_timeout_ms = 4000,
		.keepalive_timeout_ms = 5000,
		.cache_body_max = 2000, /* fifty.bin goes by sendfile */
	};
	struct pair *pair = calloc(1, sizeof(*pair));
	struct http_options own = options;

	assert_non_null(pair);
	pair->talk = talk_start(&options, false);
	own.root_fd = pair->talk->root_fd;
	own.mime = pair->talk->mime;
	age_files(pair->talk);
	pair->servers[0] = pair->talk->server;
	pair->servers[1] = http_server_new(pair->talk->base, &own, NULL);
	assert_non_null(pair->servers[1]);
	pair->servers[1]->clock_ms = pair->servers[0]->clock_ms;
	for (unsigned i = 0; i < 2; i++) {
		pair->ends[i].pair = pair;
		pair->servers[i]->events = (struct http_events){
			.context = &pair->ends[i],
			.closed = on_closed,
			.moved = on_moved,
		};
	}
	*state = pair;
	return 0;
}

static void drop_kept(struct pair *pair)
{
	for (unsigned i = 0; i < pair->kept_count; i++) {
		if (pair->kept[i].fd != -1)
			close(pair->kept[i].fd);
		free(pair->kept[i].state);
	}
	pair->kept_count = 0;
}

int pair_stop(void **state)
{
	struct pair *pair = *state;

	drop_kept(pair);
	http_server_free(pair->servers[1]);
	talk_stop(pair->talk);
	free(pair);
	return 0;
}

struct http_stats pair_stats(const struct pair *pair, unsigned i)
{
	struct http_stats out;

	http_server_get_stats(pair->servers[i], &out);
	return out;
}

void pair_stay(struct pair *pair, unsigned i)
{
	pair->servers[i]->moving = false;
}

unsigned pair_move(struct pair *pair, unsigned i)
{
	unsigned before = pair->ends[i].moved;

	http_server_move_away(pair->servers[i]);
	talk_run(pair->talk, true);
	pair_stay(pair, i);
	return pair->ends[i].moved - before;
}

unsigned pair_home(const struct pair *pair)
{
	return pair_stats(pair, 1).connections;
}

void pair_pass_time(struct pair *pair, unsigned ms)
{
	talk_now_ms += ms;
	http_server_tick(pair->servers[0]);
	http_server_tick(pair->servers[1]);
	talk_run(pair->talk, true);
}

char *pair_repeat(const char *text, unsigned count)
{
	size_t size = strlen(text);
	char *out = malloc(size * count + 1);

	assert_non_null(out);
	for (unsigned i = 0; i < count; i++)
		memcpy(out + i * size, text, size);
	out[size * count] = '\0';
	return out;
}
