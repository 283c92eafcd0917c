/* SPDX-License-Identifier: MIT
 *
 * The program's part of an upgrade: what the server's image leaves to the next one beside the cluster's
 * state (cluster/upgrade/upgrade.h). Master only. */
#ifndef BROOD_BROOD_SERVER_UPGRADE_H
#define BROOD_BROOD_SERVER_UPGRADE_H

#include "brood/config/options.h"
#include "brood/server.h"
#include "cluster/upgrade/upgrade.h"

/* As cluster_master_callbacks.binary: the setting, or the path that the server was started by (program_path.h). */
const char *server_upgrade_binary(void *server);

/* As cluster_master_callbacks.save. */
void server_upgrade_save(void *server, struct upgrade_writer *writer);

/* options_parse, as it was at the start: relative to the folder of the start. */
int server_upgrade_options(struct options *out, int argc, char **argv, const struct upgrade_state *state)
	__attribute__((warn_unused_result));

/* The configuration into server->now, which is to be the configuration in force. In a trial that is all. In the
 * server's own process it must not fail for what has happened to the file since: then it is what it was before. */
int server_upgrade_config(struct server *server, const struct upgrade_state *state, struct buffer *reason)
	__attribute__((warn_unused_result));

/* The numbers of its logs, which those who live on go by. Before the configuration's logs are opened. 0, or
 * -errno with a reason. */
int server_upgrade_logs(struct server *server, const struct upgrade_state *state, char *reason, size_t room)
	__attribute__((warn_unused_result));

/* Into a server that has its configuration and nothing else. 0, or -errno (logged). */
int server_upgrade_restore(struct server *server, const struct upgrade_state *state)
	__attribute__((warn_unused_result));

#endif
