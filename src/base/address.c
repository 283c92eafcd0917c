/* SPDX-License-Identifier: MIT
 *
 * Addresses to listen on: from text to what bind(2) takes, and back. Nothing is resolved by name.
 */
#include "base/address.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const struct sockaddr_in *as_ipv4(const struct address *address)
{
	return (const struct sockaddr_in *)&address->storage;
}

static const struct sockaddr_in6 *as_ipv6(const struct address *address)
{
	return (const struct sockaddr_in6 *)&address->storage;
}

static const struct sockaddr_un *as_unix(const struct address *address)
{
	return (const struct sockaddr_un *)&address->storage;
}

/* The path is cut by the address's size, not always by a NUL; an abstract name begins with one. */
static void format_unix(struct address *address)
{
	const struct sockaddr_un *name = as_unix(address);
	size_t offset = offsetof(struct sockaddr_un, sun_path);
	size_t length = address->size > offset ? address->size - offset : 0;

	if (length > 0 && name->sun_path[0] == '\0')
		snprintf(address->text, sizeof(address->text), "unix:@%.*s", (int)(length - 1), name->sun_path + 1);
	else
		snprintf(address->text, sizeof(address->text), "unix:%.*s", (int)length, name->sun_path);
}

static void format_text(struct address *address)
{
	char host[INET6_ADDRSTRLEN] = "", zone[IF_NAMESIZE + 1] = "";
	const struct sockaddr_in6 *ipv6 = as_ipv6(address);
	unsigned port = address_port(address);

	if (address->storage.ss_family == AF_UNIX) {
		format_unix(address);
	} else if (address->wildcard) {
		snprintf(address->text, sizeof(address->text), "*:%u", port);
	} else if (address->storage.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof(host));
		if (ipv6->sin6_scope_id != 0 && if_indextoname(ipv6->sin6_scope_id, zone + 1))
			zone[0] = '%';
		snprintf(address->text, sizeof(address->text), "[%s%s]:%u", host, zone, port);
	} else {
		inet_ntop(AF_INET, &as_ipv4(address)->sin_addr, host, sizeof(host));
		snprintf(address->text, sizeof(address->text), "%s:%u", host, port);
	}
}

static int parse_unix(const char *path, struct address *out, char *reason, size_t room)
{
	struct sockaddr_un *name = (struct sockaddr_un *)&out->storage;
	size_t length = strlen(path);

	if (length == 0) {
		snprintf(reason, room, "no path after \"unix:\"");
		return -EINVAL;
	}
	if (length >= sizeof(name->sun_path)) {
		snprintf(reason, room, "the path of a Unix socket has %zu octets, at most %zu fit", length,
			 sizeof(name->sun_path) - 1);
		return -EINVAL;
	}
	name->sun_family = AF_UNIX;
	memcpy(name->sun_path, path, length + 1);
	out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
	return 0;
}

static int parse_port(const char *text, uint16_t *out, char *reason, size_t room)
{
	uint64_t port;
	int rc = text_parse_u64(text, &port);

	if (rc == -EINVAL) {
		snprintf(reason, room, "\"%.32s\" is not a port number", text);
		return -EINVAL;
	}
	if (rc < 0 || port > UINT16_MAX) {
		snprintf(reason, room, "port %.32s is not between 0 and 65535", text);
		return -EINVAL;
	}
	*out = (uint16_t)port;
	return 0;
}

static void set_wildcard(struct address *out)
{
	struct sockaddr_in6 *name = (struct sockaddr_in6 *)&out->storage;

	name->sin6_family = AF_INET6;
	name->sin6_addr = in6addr_any;
	out->size = sizeof(*name);
	out->wildcard = true;
}

static bool set_ipv4(struct address *out, const char *host)
{
	struct sockaddr_in *name = (struct sockaddr_in *)&out->storage;

	if (inet_pton(AF_INET, host, &name->sin_addr) != 1)
		return false;
	name->sin_family = AF_INET;
	out->size = sizeof(*name);
	return true;
}

/* `host` is without its brackets, perhaps with a zone ("fe80::1%eth0", RFC 4007 section 11). */
static bool set_ipv6(struct address *out, char *host)
{
	struct sockaddr_in6 *name = (struct sockaddr_in6 *)&out->storage;
	char *zone = strchr(host, '%');

	if (zone) {
		*zone++ = '\0';
		name->sin6_scope_id = if_nametoindex(zone);
		if (name->sin6_scope_id == 0)
			return false;
	}
	if (inet_pton(AF_INET6, host, &name->sin6_addr) != 1)
		return false;
	name->sin6_family = AF_INET6;
	out->size = sizeof(*name);
	return true;
}

/* The text before the port's colon. */
static int parse_host(const char *text, size_t length, struct address *out, char *reason, size_t room)
{
	char host[ADDRESS_TEXT_MAX];
	bool ok = false;

	if (length < sizeof(host)) {
		memcpy(host, text, length);
		host[length] = '\0';
		if (strcmp(host, "*") == 0) {
			set_wildcard(out);
			ok = true;
		} else if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
			host[length - 1] = '\0';
			ok = set_ipv6(out, host + 1);
		} else {
			ok = set_ipv4(out, host);
		}
	}
	if (ok)
		return 0;
	snprintf(reason, room, "\"%.*s\" is not a numeric address (like 127.0.0.1, [::1] or *)",
		 length < 64 ? (int)length : 64, text);
	return -EINVAL;
}

int address_parse(const char *text, struct address *out, char *reason, size_t reason_room)
{
	const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
	uint16_t port;
	int rc;

	memset(out, 0, sizeof(*out));
	if (strncmp(text, "unix:", 5) == 0) {
		rc = parse_unix(text + 5, out, reason, reason_room);
		if (rc == 0)
			format_text(out);
		return rc;
	}
	/* Without a colon only a number can be meant; "[::1]" has colons, but none for a port. */
	if (text[0] == '\0' || (!colon && strspn(text, "0123456789") != strlen(text)) ||
	    (colon && bracket && colon < bracket)) {
		snprintf(reason, reason_room, "\"%.64s\" has no port (write ADDRESS:PORT)", text);
		return -EINVAL;
	}
	rc = parse_port(colon ? colon + 1 : text, &port, reason, reason_room);
	if (rc < 0)
		return rc;
	if (colon) {
		rc = parse_host(text, (size_t)(colon - text), out, reason, reason_room);
		if (rc < 0)
			return rc;
	} else {
		set_wildcard(out);
	}
	address_set_port(out, port);
	return 0;
}

int address_of_socket(int fd, struct address *out)
{
	int only = 1;
	socklen_t only_size = sizeof(only);

	memset(out, 0, sizeof(*out));
	out->size = sizeof(out->storage);
	if (getsockname(fd, (struct sockaddr *)&out->storage, &out->size) < 0)
		return -errno;
	switch (out->storage.ss_family) {
	case AF_INET6:
		if (getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &only_size) < 0)
			return -errno;
		out->wildcard = !only && IN6_IS_ADDR_UNSPECIFIED(&as_ipv6(out)->sin6_addr);
		break;
	case AF_INET:
	case AF_UNIX:
		break;
	default:
		return -EAFNOSUPPORT;
	}
	format_text(out);
	return 0;
}

static bool is_any(const struct address *address)
{
	if (address->storage.ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&as_ipv6(address)->sin6_addr);
	return address->storage.ss_family == AF_INET && as_ipv4(address)->sin_addr.s_addr == htonl(INADDR_ANY);
}

bool address_equal(const struct address *a, const struct address *b)
{
	if (address_port(a) != address_port(b))
		return false;
	if (a->wildcard || b->wildcard)
		return is_any(a) && is_any(b);
	if (a->storage.ss_family != b->storage.ss_family)
		return false;
	switch (a->storage.ss_family) {
	case AF_INET:
		return as_ipv4(a)->sin_addr.s_addr == as_ipv4(b)->sin_addr.s_addr;
	case AF_INET6:
		return IN6_ARE_ADDR_EQUAL(&as_ipv6(a)->sin6_addr, &as_ipv6(b)->sin6_addr) &&
		       as_ipv6(a)->sin6_scope_id == as_ipv6(b)->sin6_scope_id;
	default:
		return strcmp(a->text, b->text) == 0;
	}
}

bool address_same(const struct address *a, const struct address *b)
{
	return a->wildcard == b->wildcard && address_equal(a, b);
}

/* What an address takes of one family: nothing, one address, or all. */
enum reach { NOTHING, ONE, ALL };

static enum reach reach_ipv4(const struct address *address, struct in_addr *one)
{
	const struct in6_addr *ipv6 = &as_ipv6(address)->sin6_addr;

	if (address->storage.ss_family == AF_INET)
		*one = as_ipv4(address)->sin_addr;
	else if (IN6_IS_ADDR_V4MAPPED(ipv6))
		memcpy(one, ipv6->s6_addr + 12, sizeof(*one));
	else
		return address->wildcard ? ALL : NOTHING;
	return one->s_addr == htonl(INADDR_ANY) ? ALL : ONE;
}

static enum reach reach_ipv6(const struct address *address)
{
	if (address->storage.ss_family != AF_INET6 || IN6_IS_ADDR_V4MAPPED(&as_ipv6(address)->sin6_addr))
		return NOTHING;
	return is_any(address) ? ALL : ONE;
}

bool address_overlaps(const struct address *a, const struct address *b)
{
	struct in_addr one, other;
	enum reach left, right;

	if (address_is_unix(a) || address_is_unix(b) || address_port(a) != address_port(b) || address_port(a) == 0)
		return false;
	left = reach_ipv4(a, &one);
	right = reach_ipv4(b, &other);
	if (left != NOTHING && right != NOTHING && (left == ALL || right == ALL || one.s_addr == other.s_addr))
		return true;
	left = reach_ipv6(a);
	right = reach_ipv6(b);
	return left != NOTHING && right != NOTHING &&
	       (left == ALL || right == ALL ||
		(IN6_ARE_ADDR_EQUAL(&as_ipv6(a)->sin6_addr, &as_ipv6(b)->sin6_addr) &&
		 as_ipv6(a)->sin6_scope_id == as_ipv6(b)->sin6_scope_id));
}

bool address_is_unix(const struct address *address)
{
	return address->storage.ss_family == AF_UNIX;
}

const char *address_unix_path(const struct address *address)
{
	const struct sockaddr_un *name = as_unix(address);

	/* The storage is larger than a sockaddr_un and zeroed: there is always a NUL. */
	return address_is_unix(address) && name->sun_path[0] != '\0' ? name->sun_path : NULL;
}

uint16_t address_port(const struct address *address)
{
	switch (address->storage.ss_family) {
	case AF_INET:
		return ntohs(as_ipv4(address)->sin_port);
	case AF_INET6:
		return ntohs(as_ipv6(address)->sin6_port);
	default:
		return 0;
	}
}

void address_set_port(struct address *address, uint16_t port)
{
	if (address->storage.ss_family == AF_INET)
		((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
	else if (address->storage.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&address->storage)->sin6_port = htons(port);
	format_text(address);
}

void address_url(const struct address *address, bool tls, char *out, size_t room)
{
	const char *scheme = tls ? "https" : "http";

	if (address_is_unix(address))
		snprintf(out, room, "%s", address->text);
	else if (!is_any(address))
		snprintf(out, room, "%s://%s", scheme, address->text);
	else if (address->wildcard || address->storage.ss_family == AF_INET)
		snprintf(out, room, "%s://localhost:%u", scheme, address_port(address));
	else /* [::] answers no IPv4, which localhost may mean */
		snprintf(out, room, "%s://[::1]:%u", scheme, address_port(address));
}

void address_host(const struct sockaddr *name, char *out, size_t room)
{
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)name;
	const char *done = NULL;

	if (name->sa_family == AF_INET)
		done = inet_ntop(AF_INET, &((const struct sockaddr_in *)name)->sin_addr, out, (socklen_t)room);
	else if (name->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr))
		/* An IPv4 client of a dual-stack socket. */
		done = inet_ntop(AF_INET, &ipv6->sin6_addr.s6_addr[12], out, (socklen_t)room);
	else if (name->sa_family == AF_INET6)
		done = inet_ntop(AF_INET6, &ipv6->sin6_addr, out, (socklen_t)room);
	if (!done)
		snprintf(out, room, "-");
}
