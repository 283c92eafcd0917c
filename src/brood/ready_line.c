/* SPDX-License-Identifier: MIT
 *
 * See ready_line.h. Master only. */
#include "brood/ready_line.h"

#include "base/address.h"
#include "base/buffer.h"
#include "brood/server.h"

#include <unistd.h>

int ready_line(struct buffer *line, const struct server *server, const struct listeners *listeners, unsigned workers)
{
	char url[ADDRESS_TEXT_MAX + 16];
	const struct address *address;
	int error = buffer_printf(line, "brood: ready on");

	for (unsigned i = 0; error == 0 && (address = cluster_address(listeners, i)); i++) {
		address_url(address, cluster_tag(listeners, i) & LISTENER_TLS, url, sizeof(url));
		error = buffer_printf(line, " %s", url);
	}
	if (error == 0)
		error = buffer_printf(line, " (%u worker%s, %s, pid %d)\n", workers, workers == 1 ? "" : "s",
				      setting_find("accept")->words[server->now.config->accept], getpid());
	return error;
}
