/* SPDX-License-Identifier: MIT
 *
 * See fd_claims.h. Master only. */
#include "cluster/upgrade/fd_claims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fd_claim(struct fd_claims *claims, int fd)
{
	size_t octet = fd > STDERR_FILENO ? (size_t)fd / 8 : 0;
	unsigned char bit = (unsigned char)(1u << (unsigned)fd % 8), *bits;

	if (fd <= STDERR_FILENO || fcntl(fd, F_GETFD) < 0)
		return -EBADMSG;
	if (octet >= claims->size) {
		bits = realloc(claims->bits, octet + 1);
		if (!bits)
			return -ENOMEM;
		memset(bits + claims->size, 0, octet + 1 - claims->size);
		claims->bits = bits;
		claims->size = octet + 1;
	}
	if (claims->bits[octet] & bit)
		return -EBADMSG;
	claims->bits[octet] |= bit;
	return 0;
}

int fd_claim_socket(struct fd_claims *claims, int fd, enum socket_role role)
{
	int error = fd_claim(claims, fd);

	if (error)
		return error;
	return socket_has_role(fd, role) ? 0 : -EBADMSG;
}

int fd_claim_channel(struct fd_claims *claims, int fd)
{
	return fd == -1 ? 0 : fd_claim_socket(claims, fd, SOCKET_CHANNEL);
}

void fd_claims_free(struct fd_claims *claims)
{
	free(claims->bits);
	*claims = (struct fd_claims){0};
}
