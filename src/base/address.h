/* SPDX-License-Identifier: MIT
 *
 * Addresses to listen on, as people write them: "*:8000", "127.0.0.1:80", "[::1]:8000", "8000",
 * "unix:/run/brood.sock". */
#ifndef BROOD_BASE_ADDRESS_H
#define BROOD_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_TEXT_MAX = 128 };

struct address {
	/* Canonical: "*:8000", "127.0.0.1:80", "[::1]:8000", "unix:/p". */
	char text[ADDRESS_TEXT_MAX];
	struct sockaddr_storage storage;
	socklen_t size;
	bool wildcard; /* "*": dual-stack where there is IPv6, else 0.0.0.0 */
};

/* Numeric addresses only (nothing is looked up), port 0 allowed. 0, or -EINVAL with a reason in
 * words ("port 70000 is not between 0 and 65535"). */
int address_parse(const char *text, struct address *out, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* From a socket's own name. 0 or -errno. */
int address_of_socket(int fd, struct address *out) __attribute__((warn_unused_result));

/* The same address, "*" being the same as "[::]" and as "0.0.0.0" of that port. */
bool address_equal(const struct address *a, const struct address *b);

/* The same in every respect: "*", "[::]" and "0.0.0.0" are three. */
bool address_same(const struct address *a, const struct address *b);

/* Is there a client that both would get, by TCP? Port 0 is no port yet. */
bool address_overlaps(const struct address *a, const struct address *b);

bool address_is_unix(const struct address *address);
const char *address_unix_path(const struct address *address); /* NULL for others */
uint16_t address_port(const struct address *address);         /* 0 for Unix sockets */
void address_set_port(struct address *address, uint16_t port);

/* What a person may open: "http://127.0.0.1:8000" (or "https:"), "http://localhost:8000" for
 * wildcards, "unix:/path". */
void address_url(const struct address *address, bool tls, char *out, size_t room);

/* Host only, no brackets, no port: for logs. "-" for Unix sockets and what has no name. */
void address_host(const struct sockaddr *name, char *out, size_t room);

#endif
