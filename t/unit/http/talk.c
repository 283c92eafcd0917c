/* SPDX-License-Identifier: MIT
 *
 * The client of tests. */
#include "talk.h"

#include "base/address.h"

#include "http/connection/closing.h"
#include "http/connection/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t talk_now_ms;

static uint64_t test_clock(void)
{
	return talk_now_ms;
}

static void on_closed(void *context)
{
	struct talk *talk = context;

	talk->closed++;
}

static void keep_text(char *out, size_t room, struct slice text)
{
	snprintf(out, room, "%.*s", (int)text.len, text.ptr ? text.ptr : "");
}

static void on_log(void *context, const struct http_log_entry *entry)
{
	struct talk *talk = context;

	if (talk->logged < TALK_LOG) {
		struct talk_record *out = &talk->log[talk->logged];

		out->status = entry->status;
		out->body_bytes = entry->body_bytes;
		out->family = entry->peer->sa_family;
		address_host(entry->client, out->client, sizeof(out->client));
		keep_text(out->request_id, sizeof(out->request_id), entry->request_id);
		out->first_us = entry->first_us;
		out->duration_us = entry->duration_us;
		keep_text(out->line, sizeof(out->line), entry->request_line);
		keep_text(out->host, sizeof(out->host), entry->host);
		keep_text(out->referer, sizeof(out->referer), entry->referer);
		keep_text(out->user_agent, sizeof(out->user_agent), entry->user_agent);
		out->reason = entry->reason;
	}
	talk->logged++;
}

static void write_file(struct talk *talk, const char *name, size_t size, const char *text)
{
	int fd = openat(talk->root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	char *data = malloc(size);

	assert_true(fd >= 0);
	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = text ? text[i] : (char)('a' + i % 26);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	free(data);
	close(fd);
}

static const char *const files[] = {"index.html", "small.txt", "kilo.txt", "fifty.bin", "large.bin"};

struct talk *talk_start(const struct http_options *options, bool log)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	struct http_options own = options ? *options : (struct http_options){0};
	struct http_events events = {.closed = on_closed, .log = log ? on_log : NULL};

	assert_non_null(talk);
	signal(SIGPIPE, SIG_IGN);
	snprintf(talk->root, sizeof(talk->root), "/tmp/brood-http-XXXXXX");
	assert_non_null(mkdtemp(talk->root));
	talk->root_fd = open(talk->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(talk->root_fd >= 0);
	write_file(talk, "index.html", 5, "home\n");
	write_file(talk, "small.txt", 10, "0123456789");
	write_file(talk, "kilo.txt", 1024, NULL);
	write_file(talk, "fifty.bin", 50000, NULL);
	write_file(talk, "large.bin", 3000000, NULL);
	talk->mime = mime_table_new("/dev/null");
	assert_non_null(talk->mime);
	talk->base = event_base_new();
	assert_non_null(talk->base);
	own.root_fd = talk->root_fd;
	own.mime = talk->mime;
	events.context = talk;
	talk->server = http_server_new(talk->base, &own, &events);
	assert_non_null(talk->server);
	talk->server->clock_ms = test_clock;
	talk_now_ms = 1000000;
	for (unsigned i = 0; i < TALK_CLIENTS; i++)
		talk->clients[i].fd = -1;
	return talk;
}

void talk_stop(struct talk *talk)
{
	for (unsigned i = 0; i < TALK_CLIENTS; i++)
		talk_hang_up(talk, i);
	http_server_free(talk->server);
	event_base_free(talk->base);
	mime_table_free(talk->mime);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(talk->root_fd, files[i], 0);
	close(talk->root_fd);
	rmdir(talk->root);
	free(talk);
}

void talk_connect(struct talk *talk, unsigned number, unsigned flags)
{
	int pair[2];

	talk_hang_up(talk, number);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	if (talk->sockets_send_size)
		assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &talk->sockets_send_size, sizeof(int)), 0);
	talk->clients[number].fd = pair[0];
	http_server_take(talk->server, pair[1], flags);
}

void talk_hang_up(struct talk *talk, unsigned number)
{
	struct talk_client *client = &talk->clients[number];

	if (client->fd != -1)
		close(client->fd);
	buffer_free(&client->received);
	*client = (struct talk_client){.fd = -1};
}

/* Whether anything has come. */
static bool receive(struct talk_client *client)
{
	static char data[65536];
	bool some = false;

	while (client->fd != -1 && !client->ended && !client->reset) {
		ssize_t size = recv(client->fd, data, sizeof(data), 0);

		if (size < 0 && errno == EAGAIN)
			break;
		some = true;
		if (size < 0)
			client->reset = true;
		else if (size == 0)
			client->ended = true;
		else
			assert_int_equal(buffer_append(&client->received, data, (size_t)size), 0);
	}
	return some;
}

void talk_run(struct talk *talk, bool receives)
{
	/* Several rounds without news, since a turn may put off its work to the next one. */
	for (unsigned quiet = 0; quiet < 3; quiet++) {
		event_base_loop(talk->base, EVLOOP_NONBLOCK);
		for (unsigned i = 0; receives && i < TALK_CLIENTS; i++)
			if (receive(&talk->clients[i]))
				quiet = 0;
	}
}

void talk_pass_stop(struct talk *talk)
{
	talk_now_ms += CLOSING_TOLD_MS + DEADLINE_STEP_MS;
	http_server_tick(talk->server);
}

void talk_send(struct talk *talk, unsigned number, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(talk->clients[number].fd, data, size, MSG_NOSIGNAL);

		if (sent < 0) {
			assert_int_equal(errno, EAGAIN);
			talk_run(talk, true);
			continue;
		}
		data += sent;
		size -= (size_t)sent;
	}
}

void talk_say(struct talk *talk, unsigned number, const char *text)
{
	talk_send(talk, number, text, strlen(text));
	talk_run(talk, true);
}

struct slice answer_field(const struct answer *answer, const char *name)
{
	size_t size = strlen(name);

	for (const char *line = strstr(answer->head, "\r\n"); line; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
			const char *end = strstr(line, "\r\n");

			end = end ? end : line + strlen(line);
			return slice_trim((struct slice){line + size + 1, (size_t)(end - line) - size - 1});
		}
	}
	return (struct slice){"", 0};
}

bool talk_answer(struct talk *talk, unsigned number, bool to_head, struct answer *out)
{
	struct talk_client *client = &talk->clients[number];
	size_t left = client->received.used - client->read, body = 0;
	char *start = client->received.data + client->read;
	char *end = left > 0 ? memmem(start, left, "\r\n\r\n", 4) : NULL;

	if (!end)
		return false;
	*end = '\0';
	*out = (struct answer){.head = start, .body = {end + 4, 0}};
	assert_int_equal(strncmp(start, "HTTP/1.1 ", 9), 0);
	out->status = (unsigned)atoi(start + 9);
	assert_in_range(out->status, 200, 599);
	assert_true(answer_field(out, "Date").len == 29);
	out->close = slice_equal(answer_field(out, "Connection"), SLICE("close"));
	if (!to_head && out->status != 304 && out->status != 204)
		body = (size_t)atoll(answer_field(out, "Content-Length").ptr);
	if ((size_t)(end + 4 - start) + body > left) {
		*end = '\r';
		return false;
	}
	out->body.len = body;
	client->read += (size_t)(end + 4 - start) + body;
	return true;
}

struct answer talk_expect(struct talk *talk, unsigned number, unsigned status)
{
	struct answer answer;

	if (!talk_answer(talk, number, false, &answer))
		fail_msg("no answer, %u was expected", status);
	assert_int_equal(answer.status, status);
	return answer;
}

void talk_expect_silence(struct talk *talk, unsigned number)
{
	struct talk_client *client = &talk->clients[number];

	talk_run(talk, true);
	assert_int_equal(client->received.used - client->read, 0);
}

struct http_stats talk_stats(struct talk *talk)
{
	struct http_stats stats;

	http_server_get_stats(talk->server, &stats);
	return stats;
}
