/* SPDX-License-Identifier: MIT
 *
 * The keys of session tickets: made and replaced by the master, so that any worker can resume what
 * another one began, also across rolls, reloads and upgrades. They are never written anywhere, but for a
 * file of shared keys that the administrator has made for several machines. Pure but for the
 * kernel's random numbers. Master only. */
#ifndef BROOD_BROOD_CERTIFICATES_TICKET_KEYS_H
#define BROOD_BROOD_CERTIFICATES_TICKET_KEYS_H

#include "http/tls/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times in milliseconds. */
struct ticket_times {
	uint64_t lifetime_ms; /* for how long a session may be resumed */
	uint64_t rotate_ms;   /* for how long one key seals new tickets */
};

/* All-zero: none yet. Newest first. */
struct ticket_keys {
	size_t count;
	struct ticket_key {
		struct tls_ticket_key key;
		uint64_t made_ms; /* by the monotonic clock, which runs on across an upgrade */
	} keys[TLS_TICKET_KEYS_MAX];
};

/* Makes a key when there is none, or the newest has sealed for its time, and forgets those that no
 * living ticket can need: a key is opened with for `lifetime` after it last sealed. Returns whether
 * anything has changed. Where the kernel has no random numbers yet nothing is made. */
bool ticket_keys_rotate(struct ticket_keys *keys, const struct ticket_times *times, uint64_t now_ms);

/* When to call ticket_keys_rotate again, at the latest. */
uint64_t ticket_keys_due_ms(const struct ticket_keys *keys, const struct ticket_times *times);

/* For tls_set_tickets. Returns how many. */
size_t ticket_keys_list(const struct ticket_keys *keys, struct tls_ticket_key out[TLS_TICKET_KEYS_MAX]);

/* Keys from a file's octets, 80 each (16 for the name, 32 for HMAC, 32 for AES), the first one seals:
 * what nginx reads with this length. Replaces all. 0, or -EINVAL with a reason: then nothing has changed. */
int ticket_keys_read(struct ticket_keys *keys, const void *octets, size_t size, uint64_t now_ms, char *reason,
		     size_t room) __attribute__((warn_unused_result));

/* Wipes them. */
void ticket_keys_forget(struct ticket_keys *keys);

#endif
