/* SPDX-License-Identifier: MIT
 *
 * Where the keys of session tickets come from: made here and rotated, or from a file that several machines
 * share, which is watched. The master tells workers of changes; others find them in their memory. */
#ifndef BROOD_BROOD_CERTIFICATES_TICKET_SOURCE_H
#define BROOD_BROOD_CERTIFICATES_TICKET_SOURCE_H

#include "brood/certificates/certificate_watch.h"
#include "brood/config/configuration.h"
#include "brood/system/pem_file.h"
#include "brood/certificates/ticket_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct master;
struct tls;

/* Of one configuration. All-zero: it has no file of keys. */
struct shared_tickets {
	struct ticket_keys keys;
	struct pem_stamp seen; /* at the last look */
	enum watch_state watch;
	uint64_t looked_ms;
};

/* Reads the file, if the configuration has one that it needs. 0, or -1 with a reason. */
int shared_tickets_open(struct shared_tickets *out, const struct config *config, char *reason, size_t room)
	__attribute__((warn_unused_result));

/* Makes the first of the server's own keys, if the configuration needs any. */
void tickets_begin(struct ticket_keys *own, const struct config *config);

/* To be called a few times a second, with the configuration in force. */
void tickets_look(struct ticket_keys *own, struct shared_tickets *shared, const struct config *config,
		  struct master *master);

/* --- in a worker --- */

/* Gives a worker's TLS the keys in its memory, and wipes these. */
void tickets_use(struct ticket_keys *own, struct shared_tickets *shared, const struct config *config, struct tls *tls);

/* The same with those that the master tells of. */
void tickets_take(const struct config *config, const void *data, size_t size, struct tls *tls);

#endif
