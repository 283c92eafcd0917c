/* SPDX-License-Identifier: MIT
 *
 * Which server's an obituary is (obituary_file.h). Master only. */
#include "brood/admin/obituary_file.h"

#include "brood/config/configuration.h"
#include "brood/config/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* FNV-1a, with the NUL, so that "a", "b" is something else than "ab". */
static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *octets = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ octets[i]) * 0x100000001b3u;
	return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
	return mix(hash, text, strlen(text) + 1);
}

/* The kernel chooses a port, another one at each start: so two that were started alike can be there at a time. */
static bool has_no_fixed_address(const struct config *config)
{
	for (size_t i = 0; i < config->listen_count; i++) {
		const char *text = config->listen[i].address.text;
		size_t length = strlen(text);

		if (!address_is_unix(&config->listen[i].address) && length >= 2 && strcmp(text + length - 2, ":0") == 0)
			return true;
	}
	return false;
}

void obituary_server(const struct options *options, char *const *argv, const struct config *config, pid_t master,
		     char out[OBITUARY_SERVER_MAX])
{
	uint64_t hash = 0xcbf29ce484222325u;
	uid_t user = geteuid();

	hash = mix(hash, &user, sizeof(user));
	hash = mix_text(hash, options->directory);
	/* By whatever name the program was called. */
	for (size_t i = 1; argv[0] && argv[i]; i++)
		hash = mix_text(hash, argv[i]);
	if (has_no_fixed_address(config))
		hash = mix(hash, &master, sizeof(master));
	snprintf(out, OBITUARY_SERVER_MAX, "%08" PRIx32, (uint32_t)(hash ^ hash >> 32));
}
