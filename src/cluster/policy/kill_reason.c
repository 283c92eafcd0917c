/* SPDX-License-Identifier: MIT
 *
 * Why the master ends a worker, in words (kill_reason.h). Master only. */
#include "cluster/policy/kill_reason.h"

#include <string.h>

static const char *const words_of[KILL_REASONS] = {
	[KILL_NOT] = "",
	[KILL_START_TIMEOUT] = "not ready within start_timeout",
	[KILL_DRAIN_TIMEOUT] = "not gone at drain_timeout",
	[KILL_DEAF] = "does not read its messages",
	[KILL_GARBAGE] = "sent garbage",
	[KILL_WRONG_CARGO] = "sent descriptors that its message must not carry",
	[KILL_WRONG_ANSWER] = "answered for a connection it was not given",
	[KILL_WRONG_GIFT] = "gave connections in a way that makes no sense",
	[KILL_TOO_MANY_GIFTS] = "gave more connections at a time than it may",
	[KILL_GIFT_WITHOUT_FD] = "gave connections without their descriptors",
	[KILL_GIFT_WITHOUT_STATE] = "gave a connection without its state",
	[KILL_SILENT] = "silent for longer than watchdog allows",
	[KILL_SILENT_STILL] = "silent, and SIGABRT did not end it",
	[KILL_SUSPECT] = "gave connections to a worker that hangs in a call on a socket",
	[KILL_REPLACED] = "replaced before it was ready",
	[KILL_GIVEN_UP] = "of a configuration that was given up",
	[KILL_CUT] = "stopped at once",
	[KILL_STOP_TIMEOUT] = "stop_timeout",
	[KILL_SERVER_GIVES_UP] = "the server gives up",
	[KILL_SILENT_IN_CALL] = "silent, in a call on a socket",
	[KILL_BY_FORMER] = "ended by the former version of the master",
};

const char *kill_reason_words(enum kill_reason reason)
{
	return words_of[reason];
}

enum kill_reason kill_reason_of(const char *words)
{
	enum kill_reason reason = KILL_NOT + 1;

	while (reason < KILL_BY_FORMER && strcmp(words, words_of[reason]) != 0)
		reason++;
	return reason;
}
