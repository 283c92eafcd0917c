/* SPDX-License-Identifier: MIT
 *
 * Keys of clients. Workers. */
#include "http/client/client_key.h"

#include <netinet/in.h>
#include <string.h>

/* What is hashed: an IPv6 address in two words, or an IPv4 one in the second, and their kind. */
struct network {
	uint64_t words[3];
};

enum { KIND_IPV4 = 4, KIND_IPV6 = 6 };

static uint64_t rotate(uint64_t word, unsigned by)
{
	return word << by | word >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t hash(const struct client_secret *secret, const struct network *network)
{
	uint64_t v[4] = {
		secret->words[0] ^ 0x736f6d6570736575u,
		secret->words[1] ^ 0x646f72616e646f6du,
		secret->words[0] ^ 0x6c7967656e657261u,
		secret->words[1] ^ 0x7465646279746573u,
	};

	for (unsigned i = 0; i < 3; i++) {
		v[3] ^= network->words[i];
		sip_round(v);
		v[0] ^= network->words[i];
	}
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* A word whose first `bits` bits are set; all of them from 64 on. */
static uint64_t leading(unsigned bits)
{
	return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
}

static uint64_t word_at(const uint8_t *octets)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < 8; i++)
		word = word << 8 | octets[i];
	return word;
}

static struct network ipv4_network(uint32_t address, unsigned bits)
{
	return (struct network){{0, address & (uint32_t)(leading(bits) >> 32), KIND_IPV4}};
}

static struct network ipv6_network(const uint8_t *address, unsigned bits)
{
	return (struct network){{word_at(address) & leading(bits),
				 word_at(address + 8) & leading(bits > 64 ? bits - 64 : 0), KIND_IPV6}};
}

uint64_t client_key(const struct client_secret *secret, const struct client_prefixes *prefixes,
		    const struct sockaddr *name)
{
	const struct sockaddr_in *ipv4 = (const void *)name;
	const struct sockaddr_in6 *ipv6 = (const void *)name;
	struct network network;
	uint64_t key;

	switch (name->sa_family) {
	case AF_INET:
		network = ipv4_network(ntohl(ipv4->sin_addr.s_addr), prefixes->ipv4);
		break;
	case AF_INET6:
		if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr))
			network = ipv4_network((uint32_t)word_at(ipv6->sin6_addr.s6_addr + 8), prefixes->ipv4);
		else
			network = ipv6_network(ipv6->sin6_addr.s6_addr, prefixes->ipv6);
		break;
	default:
		return 0;
	}
	key = hash(secret, &network);
	return key != 0 ? key : 1;
}
