/* SPDX-License-Identifier: MIT
 *
 * Telling whoever started the server how it is doing: systemd by one datagram to NOTIFY_SOCKET
 * (sd_notify(3)), a script by one line to the descriptor in BROOD_READY_FD. Master only. */
#ifndef BROOD_BROOD_SYSTEM_NOTIFY_H
#define BROOD_BROOD_SYSTEM_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Each sends one datagram and does not wait. `status` is a line for people ("4 workers"), or NULL;
 * what follows a line break in it is not sent. 1: sent, 0: nobody asked (no NOTIFY_SOCKET), or
 * -errno, which is worth a warning and nothing more. */
int notify_ready(const char *status) __attribute__((warn_unused_result));
int notify_reloading(const char *status) __attribute__((warn_unused_result)); /* until notify_ready */
int notify_status(const char *status) __attribute__((warn_unused_result));
int notify_stopping(const char *status) __attribute__((warn_unused_result));

/* What a service manager is told again and again by a process that lives: that it does (systemd's WatchdogSec), and,
 * as long as it is busy with a start, a reload or a stop, which may take long, that this goes on (or systemd would
 * end it after TimeoutStartSec or TimeoutStopSec). */
struct notify_pulse {
	uint64_t interval_us; /* between signs of life; 0: nobody waits for them */
	uint64_t next_us;     /* clock_now_us, as are all times here */
	uint64_t busy_next_us;
	bool busy;   /* the caller's to set */
	bool failed; /* the last time */
};

/* Begins one by WATCHDOG_USEC, twice as often as that asks for. WATCHDOG_PID must be this very process, or be
 * absent or empty; it is unset then, so that what becomes of this process (a daemon, the next version) goes on. Those
 * of another process are unset, both; what is no time is, too, with a warning. */
void notify_pulse_begin(struct notify_pulse *out);

/* Sends what is due, in one datagram; what could not be is tried again at the next call. As above, but of failures in
 * a row only the first is returned. */
int notify_pulse(struct notify_pulse *pulse, uint64_t now_us) __attribute__((warn_unused_result));

/* The descriptor that BROOD_READY_FD names (of 0, 1 and 2 a copy), close-on-exec from now on, and
 * ours; -1: there is none. To be called before anything is opened, since the number may be a wrong
 * one. The variable is unset; a bad one is logged as a warning and means none. */
int notify_take_ready_fd(void);

/* Writes the line (with its newline) without waiting, and closes the descriptor, which becomes -1;
 * nothing when it is -1. False when the line could not be written. */
bool notify_ready_line(int *fd, const char *line);

#endif
