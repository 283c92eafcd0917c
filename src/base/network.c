/* SPDX-License-Identifier: MIT
 *
 * Networks and sets of them: read, written, and asked who is in. A set is looked through from its
 * first to its last network: the lists of a configuration are short. */
#include "base/network.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BITS = IPV6_BITS - IPV4_BITS };

static const char blanks[] = " \t";

static unsigned width(enum network_kind kind)
{
	return kind == NETWORK_IPV4 ? IPV4_BITS : kind == NETWORK_IPV6 ? IPV6_BITS : 0;
}

/* The first `bits` bits are equal. */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static void clear_behind(uint8_t octets[16], unsigned bits)
{
	unsigned whole = bits / 8;

	if (bits % 8) {
		octets[whole] &= (uint8_t)(0xff << (8 - bits % 8));
		whole++;
	}
	memset(octets + whole, 0, 16 - whole);
}

/* An IPv4 address in IPv6's clothes, to what it is. `bits` may be NULL. */
static void unmap(enum network_kind *kind, uint8_t octets[16], unsigned *bits)
{
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};

	if (*kind != NETWORK_IPV6 || !same_prefix(octets, mapped, MAPPED_BITS) || (bits && *bits < MAPPED_BITS))
		return;
	*kind = NETWORK_IPV4;
	memmove(octets, octets + 12, 4);
	memset(octets + 4, 0, 12);
	if (bits)
		*bits -= MAPPED_BITS;
}

static int wrong(char *reason, size_t room, const char *text, const char *what)
{
	snprintf(reason, room, "\"%.64s\" %s", text, what);
	return -EINVAL;
}

/* The number behind the slash: no sign, no blank, no leading zero. */
static int parse_bits(const char *text, unsigned most, unsigned *out)
{
	uint64_t bits;

	if (text_parse_u64(text, &bits) < 0 || bits > most || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	*out = (unsigned)bits;
	return 0;
}

/* `host`: a copy of the text, to be cut. */
static int parse_prefix(const char *text, char *host, struct network *out, char *reason, size_t room)
{
	char *slash = strchr(host, '/'), shortest[NETWORK_TEXT_MAX], what[160];
	uint8_t given[16];

	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, host, out->octets) == 1)
		out->kind = NETWORK_IPV4;
	else if (inet_pton(AF_INET6, host, out->octets) == 1)
		out->kind = NETWORK_IPV6;
	else
		return wrong(reason, room, text,
			     "is not a network (like 10.0.0.0/8, 192.0.2.7, 2001:db8::/32, unix "
			     "or all)");
	out->bits = width(out->kind);
	if (slash && parse_bits(slash, out->bits, &out->bits) < 0) {
		snprintf(what, sizeof(what), "needs a number from 0 to %u behind its slash", width(out->kind));
		return wrong(reason, room, text, what);
	}
	unmap(&out->kind, out->octets, &out->bits);
	memcpy(given, out->octets, sizeof(given));
	clear_behind(out->octets, out->bits);
	if (memcmp(given, out->octets, sizeof(given)) == 0)
		return 0;
	network_format(out, shortest);
	snprintf(what, sizeof(what), "has bits set behind its prefix; %s has none", shortest);
	return wrong(reason, room, text, what);
}

/* One network; without a prefix length, one address. Blanks around it are not its part. 0, or
 * -EINVAL with a reason in words ("10.0.0.1/8 has bits set behind its prefix; 10.0.0.0/8 has
 * none"). */
static int network_parse(const char *text, struct network *out, char *reason, size_t reason_room)
{
	char host[NETWORK_TEXT_MAX];
	size_t length;

	memset(out, 0, sizeof(*out));
	text += strspn(text, blanks);
	length = strlen(text);
	while (length > 0 && strchr(blanks, text[length - 1]))
		length--;
	if (length == 0 || length >= sizeof(host)) {
		snprintf(reason, reason_room, "%s", length ? "too long for a network" : "empty");
		return -EINVAL;
	}
	memcpy(host, text, length);
	host[length] = '\0';
	if (strcmp(host, "all") == 0 || strcmp(host, "unix") == 0) {
		out->kind = host[0] == 'a' ? NETWORK_ALL : NETWORK_UNIX;
		return 0;
	}
	return parse_prefix(text, host, out, reason, reason_room);
}

void network_format(const struct network *network, char out[NETWORK_TEXT_MAX])
{
	int family = network->kind == NETWORK_IPV4 ? AF_INET : AF_INET6;
	size_t used;

	if (width(network->kind) == 0) {
		snprintf(out, NETWORK_TEXT_MAX, "%s", network->kind == NETWORK_ALL ? "all" : "unix");
		return;
	}
	inet_ntop(family, network->octets, out, NETWORK_TEXT_MAX);
	used = strlen(out);
	if (network->bits < width(network->kind))
		snprintf(out + used, NETWORK_TEXT_MAX - used, "/%u", network->bits);
}

static bool network_equal(const struct network *a, const struct network *b)
{
	return a->kind == b->kind && a->bits == b->bits && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

/* The peer as a network of its own. False: of no family that is known here. */
static bool of_peer(const struct sockaddr *peer, struct network *out)
{
	memset(out, 0, sizeof(*out));
	switch (peer->sa_family) {
	case AF_INET:
		out->kind = NETWORK_IPV4;
		memcpy(out->octets, &((const struct sockaddr_in *)peer)->sin_addr, 4);
		return true;
	case AF_INET6:
		out->kind = NETWORK_IPV6;
		memcpy(out->octets, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
		unmap(&out->kind, out->octets, NULL);
		return true;
	case AF_UNIX:
		out->kind = NETWORK_UNIX;
		return true;
	default:
		return false;
	}
}

static bool holds(const struct network *network, const struct network *peer, bool known)
{
	return network->kind == NETWORK_ALL ||
	       (known && network->kind == peer->kind && same_prefix(network->octets, peer->octets, network->bits));
}

bool networks_contain(const struct networks *set, const struct sockaddr *peer)
{
	struct network one;
	bool known;

	if (set->count == 0)
		return false;
	known = of_peer(peer, &one);
	for (size_t i = 0; i < set->count; i++) {
		if (holds(&set->list[i], &one, known))
			return true;
	}
	return false;
}

static bool has(const struct networks *set, const struct network *network)
{
	for (size_t i = 0; i < set->count; i++) {
		if (network_equal(&set->list[i], network))
			return true;
	}
	return false;
}

int networks_add(struct networks *set, const char *text, char *reason, size_t reason_room)
{
	struct network network, *larger;
	int rc = network_parse(text, &network, reason, reason_room);

	if (rc < 0)
		return rc;
	if (has(set, &network))
		return 0;
	if (set->count == NETWORKS_MAX) {
		snprintf(reason, reason_room, "%d networks at most", NETWORKS_MAX);
		return -EINVAL;
	}
	larger = reallocarray(set->list, set->count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	larger[set->count++] = network;
	set->list = larger;
	return 0;
}

int networks_parse(struct networks *set, const char *text, char *reason, size_t reason_room)
{
	bool empty = text[strspn(text, blanks)] == '\0';
	char *copy = strdup(text), *rest = empty ? NULL : copy, *part;
	struct networks fresh = {0};
	int rc = copy ? 0 : -ENOMEM;

	while (rc == 0 && (part = strsep(&rest, ",")) != NULL)
		rc = networks_add(&fresh, part, reason, reason_room);
	free(copy);
	if (rc < 0) {
		networks_free(&fresh);
		return rc;
	}
	networks_free(set);
	*set = fresh;
	return 0;
}

/* Neither has a network twice, so that one look is enough. */
bool networks_equal(const struct networks *a, const struct networks *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!has(b, &a->list[i]))
			return false;
	}
	return true;
}

void networks_free(struct networks *set)
{
	free(set->list);
	memset(set, 0, sizeof(*set));
}
