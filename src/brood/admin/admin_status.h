/* SPDX-License-Identifier: MIT
 *
 * The server's state as `broodctl status --json` shows it: what the master says, joined with the
 * workers' own figures from the scoreboard. So it is right also when all workers hang. Admin only. */
#ifndef BROOD_BROOD_ADMIN_ADMIN_STATUS_H
#define BROOD_BROOD_ADMIN_ADMIN_STATUS_H

#include "cluster/ipc/board.h"
#include "cluster/ipc/command.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A message of MESSAGE_STATUS: is it as long as it says? */
bool admin_status_is_whole(const void *message, size_t size);

/* The JSON object of such a message. NULL: no memory. */
json_t *admin_status_json(const void *message, const struct board *boards, unsigned board_count)
	__attribute__((warn_unused_result));

#endif
