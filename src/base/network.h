/* SPDX-License-Identifier: MIT
 *
 * Networks and sets of them, as people write them: "10.0.0.0/8", "192.0.2.7", "2001:db8::/32",
 * "unix" (whoever comes over a Unix socket), "all" (everybody).
 *
 * An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) counts as the IPv4 address that it holds,
 * in a network as in a peer; so "::/0" holds no IPv4 peer. Zones (RFC 4007) are not looked at. */
#ifndef BROOD_BASE_NETWORK_H
#define BROOD_BASE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { NETWORK_TEXT_MAX = 64, NETWORKS_MAX = 1024 };

enum network_kind { NETWORK_ALL, NETWORK_UNIX, NETWORK_IPV4, NETWORK_IPV6 };

struct network {
	enum network_kind kind;
	unsigned bits;      /* of the prefix: up to 32 or 128 */
	uint8_t octets[16]; /* the first 4 for IPv4; zero behind the prefix */
};

/* Some networks, with one owner. All-zero: the empty set, which holds no memory and nobody. */
struct networks {
	struct network *list;
	size_t count;
};

/* As networks_parse reads it, in its shortest form: no "/32" behind a single address. */
void network_format(const struct network *network, char out[NETWORK_TEXT_MAX]);

/* Adds one network; one that is there already is not added again. 0, -ENOMEM, or -EINVAL with a
 * reason; the set is as before then. */
int networks_add(struct networks *set, const char *text, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

/* The set written by commas, "" being the empty one, in place of what was in *set. The same errors.
 */
int networks_parse(struct networks *set, const char *text, char *reason, size_t reason_room)
	__attribute__((warn_unused_result));

bool networks_contain(const struct networks *set, const struct sockaddr *peer);

/* The same networks; the order makes no difference. */
bool networks_equal(const struct networks *a, const struct networks *b);

/* The set is empty then. */
void networks_free(struct networks *set);

#endif
