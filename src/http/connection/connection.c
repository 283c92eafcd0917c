/* SPDX-License-Identifier: MIT
 *
 * The states of a connection and what moves it from one to the next. How a request becomes a
 * response is http1.c's business. */
#include "http/connection/connection.h"

#include "http/connection/closing.h"
#include "http/connection/http1.h"
#include "http/connection/input.h"
#include "http/connection/migration.h"
#include "http/connection/pacing.h"
#include "http/connection/pool.h"
#include "http/connection/prelude.h"
#include "http/connection/server.h"
#include "http/connection/turn.h"
#include "http/tls/tls.h"

#include <errno.h>

/* What becomes of a request where a connection is closed at once. */
enum loss {
	LOSES_NOTHING,
	LOSES_REQUEST,
	LOSES_WHAT_IT_HOLDS,
};

/* What a state waits for, and what is done when that happens, when time is up, or when the server ends at once. */
struct state_rule {
	short watch; /* EV_READ, EV_WRITE; 0: leave it as it is */
	void (*ready)(struct connection *connection);
	void (*expired)(struct connection *connection);
	void (*aborted)(struct connection *connection);
	enum loss loss; /* by that */
	bool leaves;    /* for another server, from here */
};

static void answer_or_close(struct connection *connection);
static void give(struct connection *connection);
static void give_up_proxy_header(struct connection *connection);
static void give_up_waiting(struct connection *connection);
static void give_up_head(struct connection *connection);
static void wait_for_turn(struct connection *connection);
static void renew_turn(struct connection *connection);
static void discard(struct connection *connection);
static void finish(struct connection *connection);
static void look_for_progress(struct connection *connection);

static const struct state_rule rules[CONNECTION_STATES] = {
	[CONNECTION_OUTSIDE] = {0, wait_for_turn, give_up_waiting, connection_close, LOSES_REQUEST, false},
	[CONNECTION_PROXY] = {EV_READ, connection_read, give_up_proxy_header, connection_close, LOSES_NOTHING, true},
	[CONNECTION_WAITING] = {EV_READ, connection_read, answer_or_close, answer_or_close, LOSES_NOTHING, true},
	[CONNECTION_HEAD] = {EV_READ, connection_read, give_up_head, connection_close, LOSES_REQUEST, true},
	[CONNECTION_TURN] = {0, wait_for_turn, renew_turn, connection_close, LOSES_WHAT_IT_HOLDS, false},
	[CONNECTION_WRITING] = {EV_WRITE, connection_take_turn, look_for_progress, connection_close, LOSES_REQUEST,
				false},
	[CONNECTION_CONCLUDING] = {EV_WRITE, finish, look_for_progress, connection_close, LOSES_REQUEST, false},
	[CONNECTION_LINGERING] = {EV_READ, discard, connection_close, connection_close, LOSES_NOTHING, false},
};

/* Where nothing is left of the last time, what is read now begins a request, and that one's duration. */
static ssize_t receive(struct connection *connection, struct input *input)
{
	bool begins = connection->input.used == 0;
	ssize_t size = input_receive(connection, input);

	if (size > 0 && begins)
		http1_begin(connection);
	return size;
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
	struct connection *connection = context;

	(void)fd, (void)what;
	turn_begin(connection->server);
	rules[connection->state].ready(connection);
}

static int watch(struct connection *connection, short events)
{
	if (connection->watching != 0)
		event_del(&connection->event);
	connection->watching = 0;
	if (event_assign(&connection->event, connection->server->base, connection->stream.fd,
			 (short)(events | EV_PERSIST), on_event, connection) < 0 ||
	    event_add(&connection->event, NULL) < 0)
		return -ENOMEM;
	connection->watching = events;
	return 0;
}

static void become(struct connection *connection, enum connection_state state)
{
	if (connection->state == CONNECTION_OUTSIDE)
		admission_stop_waiting(connection);
	connection->state = state;
	pool_count(connection);
}

/* The last thing that is done to a connection in a turn: it may be gone afterwards. */
static void enter(struct connection *connection, enum connection_state state)
{
	const struct stream *stream = &connection->stream;
	short events = rules[state].watch;

	if (events != 0 && stream->wants != 0)
		events = stream->wants;
	become(connection, state);
	if (events != 0 && events != connection->watching && watch(connection, events) < 0)
		connection_close(connection);
	else if (stream->buffered && rules[state].watch == EV_READ)
		event_active(&connection->event, EV_READ, 1);
}

int connection_put_off(struct connection *connection)
{
	struct http_server *server = connection->server;

	if (turn_schedule(server) < 0)
		return -ENOMEM;
	list_remove(&connection->link);
	list_append(&server->turns, &connection->link);
	enter(connection, CONNECTION_TURN);
	return 0;
}

/* All is written, but the socket does not take what tells that it is all. */
static void wait_to_conclude(struct connection *connection)
{
	if (connection->state != CONNECTION_CONCLUDING) {
		pacing_begin_response(connection);
		pacing_set_deadline(connection, DEADLINE_WRITE);
	}
	enter(connection, CONNECTION_CONCLUDING);
}

/* The last answer is written. RFC 9112 section 9.6: closing while octets of the client are unread,
 * or on their way, makes the kernel send a reset, which may destroy the answer before the client
 * has read it. So first only our half is closed, and the rest read for a while. Where the client
 * has said that it is done, and all that it asked has come at once, there is no need. */
static void finish(struct connection *connection)
{
	if (stream_conclude(&connection->stream) == -EAGAIN) {
		wait_to_conclude(connection);
		return;
	}
	if ((connection->end == END_PLAIN && connection->emptied) || stream_finish(&connection->stream) < 0) {
		connection_close(connection);
		return;
	}
	closing_linger(connection);
	enter(connection, CONNECTION_LINGERING);
}

/* Nothing of it is parsed, and there is no handshake, so nobody to whom an answer could be told over TLS. Where it is
 * not waited for the client to close, what has come is read, as far as once will do: closing with octets unread would
 * destroy the answer. */
void connection_turn_away(struct connection *connection, enum quota_kind kind)
{
	struct http_server *server = connection->server;
	struct stream *stream = &connection->stream;
	struct slice answer = admission_refuse(connection, kind);
	const struct iovec piece = {(char *)answer.ptr, answer.len};

	connection->end = END_STAGED;
	if (connection_awaits_tls(connection) || stream_send(stream, &piece, 1, false) < 0 ||
	    server->admission.lingering > ADMISSION_LINGERING_MAX) {
		(void)!stream_receive(stream, server->receive, SERVER_RECEIVE_SIZE);
		connection_close(connection);
	} else {
		finish(connection);
	}
}

/* The answers are out, or further ones are put off. */
static void go_on(struct connection *connection, bool answered, bool more)
{
	bool waits = connection->input.used == 0;
	enum deadline_kind before = connection->deadline.kind;
	enum deadline_kind kind = more ? DEADLINE_WRITE : waits ? DEADLINE_IDLE : DEADLINE_HEAD;

	/* The time for a head runs from its first octet, so reading more of it changes nothing, and
	 * empty lines are no octets of a head. */
	if (answered || more || (kind != before && !(waits && before == DEADLINE_FIRST)))
		pacing_set_deadline(connection, kind);
	if (migration_is_due(connection))
		give(connection);
	else if (!more)
		enter(connection, waits ? CONNECTION_WAITING : CONNECTION_HEAD);
	else if (connection_put_off(connection) < 0)
		connection_close(connection);
}

/* The TLS that follows begins. Where too many have begun it, the one that has waited longest for its end is closed.
 * 0 or -ENOMEM. */
static int speak_tls(struct connection *connection)
{
	struct tls *tls = connection->server->options.tls;
	struct stream *oldest = tls_gives_way(tls);

	if (oldest)
		connection_close(connection_of_stream(oldest));
	connection->prelude = PRELUDE_NONE;
	return tls_open(tls, &connection->stream);
}

/* What comes before all requests. False: the rest of it has to come, or the connection is gone. */
static bool pass_proxy_header(struct connection *connection, struct input *input)
{
	enum prelude_verdict verdict = prelude_take(connection, input);
	enum quota_kind refused;

	if (verdict == PRELUDE_DONE) {
		connection->prelude = connection_awaits_tls(connection) ? PRELUDE_TLS : PRELUDE_NONE;
		pacing_set_deadline(connection,
				    connection_awaits_tls(connection) ? DEADLINE_HANDSHAKE : DEADLINE_FIRST);
		if (connection->server->admission.connections &&
		    (refused = admission_of_client(connection)) != QUOTA_NONE) {
			connection_turn_away(connection, refused);
			return false;
		}
		if (!connection_awaits_tls(connection))
			return true;
		if (input_keep_rest(connection, input) < 0 || speak_tls(connection) < 0)
			connection_close(connection);
		else
			enter(connection, CONNECTION_WAITING);
		return false;
	}
	if (verdict == PRELUDE_REFUSED || input_keep_rest(connection, input) < 0)
		connection_close(connection);
	else if (migration_is_due(connection))
		give(connection);
	else
		enter(connection, CONNECTION_PROXY);
	return false;
}

/* A plain close would leave what the client has not taken with the kernel, for as long as it likes: megabytes
 * that nobody counts any more. */
static void cut_off(struct connection *connection)
{
	stream_abandon(&connection->stream);
	connection_close(connection);
}

/* The socket takes no more. */
static void wait_to_write(struct connection *connection, bool progress)
{
	bool begins = connection->state != CONNECTION_WRITING;

	if (begins) {
		pacing_begin_response(connection);
	} else if (progress && !pacing_of_response(connection)) {
		cut_off(connection);
		return;
	}
	if (begins || progress)
		pacing_set_deadline(connection, DEADLINE_WRITE);
	enter(connection, CONNECTION_WRITING);
}

/* Answers what there is, and enters the state that follows from how far that went. */
static void advance(struct connection *connection, struct input *input)
{
	struct http_server *server = connection->server;
	unsigned before = connection->answered;
	uint64_t sent = connection->sent;
	enum send_queue_result result;
	bool waits;

	if (connection_awaits_proxy(connection) && !pass_proxy_header(connection, input))
		return;
	result = http1_run(connection, input);
	if (result == SEND_QUEUE_BROKEN || input_keep_rest(connection, input) < 0) {
		connection_close(connection);
		return;
	}
	waits = connection->input.used == 0;
	if (result == SEND_QUEUE_BLOCKED) {
		wait_to_write(connection, connection->sent != sent);
	} else if (result == SEND_QUEUE_EMPTY && (connection->end != END_OPEN || (waits && server->stopping))) {
		finish(connection);
	} else {
		go_on(connection, connection->answered != before, result == SEND_QUEUE_YIELDED);
	}
}

/* Ends with an error for what has come so far. */
static void refuse(struct connection *connection, enum refusal refusal)
{
	struct input input = {.data = connection->input.data, .size = connection->input.used};

	if (input.size == 0)
		http1_begin(connection);
	http1_refuse(connection, &input, refusal);
	advance(connection, &input);
}

/* For the first request there is the usual time from the end of the handshake on, but at a stop. */
static void note_handshake(struct connection *connection)
{
	if (connection->deadline.kind == DEADLINE_HANDSHAKE && connection->stream.phase != STREAM_HANDSHAKE &&
	    !connection->server->stopping)
		pacing_set_deadline(connection, DEADLINE_FIRST);
}

/* What was sent last may still have to find its way into the socket. */
void connection_part(struct connection *connection, enum connection_end end)
{
	connection->end = end;
	connection->emptied = true;
	finish(connection);
}

void connection_read(struct connection *connection)
{
	struct input input;
	ssize_t size = receive(connection, &input);

	note_handshake(connection);
	if (size > 0)
		advance(connection, &input);
	else if (size == -EAGAIN)
		enter(connection, connection->state);
	else if (size == -EPROTO)
		refuse(connection, REFUSAL_PLAIN_HTTP);
	else
		connection_part(connection, size == -ECONNABORTED ? END_STAGED : END_PLAIN);
}

/* Before an idle connection is closed: a request may have come in this very moment. One that is on its way still is
 * read and dropped, so that the client sees a clean end, and may repeat it (RFC 9112 section 9.3.1). */
static void answer_or_close(struct connection *connection)
{
	struct input input;
	ssize_t size = receive(connection, &input);

	if (size > 0)
		advance(connection, &input);
	else
		connection_part(connection,
				size == -EAGAIN && connection->stream.phase != STREAM_HANDSHAKE ? END_IDLE : END_PLAIN);
}

static void give_up_proxy_header(struct connection *connection)
{
	if (connection->input.used == 0)
		connection_part(connection, END_IDLE);
	else
		connection_close(connection);
}

static void give_up_waiting(struct connection *connection)
{
	connection_turn_away(connection, QUOTA_TOTAL);
}

/* It may have been time only to look how fast it comes. */
static void give_up_head(struct connection *connection)
{
	if (!pacing_of_head(connection))
		refuse(connection, REFUSAL_HEAD_TIMEOUT);
	else if (migration_is_due(connection))
		give(connection);
}

static void look_for_progress(struct connection *connection)
{
	if (pacing_of_stalled(connection))
		pacing_set_deadline(connection, DEADLINE_WRITE);
	else
		cut_off(connection);
}

static void wait_for_turn(struct connection *connection)
{
	(void)connection;
}

static void renew_turn(struct connection *connection)
{
	pacing_set_deadline(connection, DEADLINE_WRITE);
}

void connection_take_turn(struct connection *connection)
{
	struct input input = {.data = connection->input.data, .size = connection->input.used};

	list_remove(&connection->link);
	list_append(&connection->server->open, &connection->link);
	if (migration_is_due(connection))
		give(connection);
	else
		advance(connection, &input);
}

static void discard(struct connection *connection)
{
	if (!closing_discard(connection))
		connection_close(connection);
}

void connection_begin(struct connection *connection, bool reads)
{
	become(connection, connection_awaits_proxy(connection) ? CONNECTION_PROXY : CONNECTION_WAITING);
	if (!connection_awaits_proxy(connection) && connection_awaits_tls(connection) && speak_tls(connection) < 0)
		connection_close(connection);
	/* Not at once when it is to leave: the owner is not done with handing it in. */
	else if (migration_is_due(connection) && connection_put_off(connection) == 0)
		return;
	else if (reads)
		connection_read(connection);
	else
		enter(connection, connection->state);
}

void connection_resume(struct connection *connection)
{
	struct input input;
	ssize_t size = receive(connection, &input);

	connection->emptied |= size == -EAGAIN;
	/* A client that has sent the end still gets the answers to what it has sent before. */
	if (input.size > 0)
		advance(connection, &input);
	else if (size != -EAGAIN)
		connection_part(connection, END_PLAIN);
	else
		enter(connection, connection->state);
}

void connection_wait_outside(struct connection *connection)
{
	enter(connection, CONNECTION_OUTSIDE);
}

void connection_close(struct connection *connection)
{
	struct http_server *server = connection->server;
	bool probe = connection->kind == KIND_PROBE, parting = connection->counted == COUNTED_PARTING;
	void (*closed)(void *context) = parting ? server->events.parted : server->events.closed;
	struct stream stream;

	if (server->admission.connections)
		admission_end(connection);
	(void)!stream_conclude(&connection->stream);
	stream = connection->stream;
	pool_delete(connection);
	stream_close(&stream);
	if (!probe && closed)
		closed(server->events.context);
}

void connection_expire(struct connection *connection)
{
	rules[connection->state].expired(connection);
}

bool connection_abort(struct connection *connection)
{
	const struct state_rule *rule = &rules[connection->state];
	bool holds = connection->queue || connection->input.used > 0;
	bool lost = rule->loss == LOSES_REQUEST || (rule->loss == LOSES_WHAT_IT_HOLDS && holds);

	lost = lost && connection->kind != KIND_PROBE;
	rule->aborted(connection);
	return lost;
}

/* --- moving --- */

/* The socket lives on elsewhere, so it must not be shut down, and the kernel forgets that it was to
 * be watched here only if it is told so: closing it later would not do. */
static void give(struct connection *connection)
{
	struct http_server *server = connection->server;
	size_t size = migration_save(connection, server->state);
	int fd = connection->stream.fd;

	pool_delete(connection);
	server->events.moved(server->events.context, fd, server->state, size);
}

void connection_leave(struct connection *connection)
{
	struct http_server *server = connection->server;

	if (!rules[connection->state].leaves || !migration_is_due(connection))
		return;
	/* Were it given away it would have its time again wherever it comes: when that leaves before
	 * its first look at deadlines, and so on, for ever. */
	if (deadline_left_ms(&connection->deadline, server->now_ms) == 0)
		connection_expire(connection);
	else
		give(connection);
}
