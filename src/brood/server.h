/* SPDX-License-Identifier: MIT
 *
 * The server: where the cluster, which knows nothing of HTTP, and HTTP, which knows nothing of
 * clusters, are joined.
 *
 *     server.c   the master's half: configuration, logs, readiness
 *     setup.c    a configuration and what it needs opened
 *     server_reload.c  the next configuration, prepared and put in force
 *     server_roots.c  where its roots are
 *     service_manager.c  what systemd is told of it
 *     serving.c  a worker's half: connections to http, the self-test, the access log */
#ifndef BROOD_BROOD_SERVER_H
#define BROOD_BROOD_SERVER_H

#include "brood/certificates/certificates.h"
#include "brood/config/configuration.h"
#include "brood/admin/control_socket.h"
#include "brood/system/daemon.h"
#include "brood/system/listener_tag.h"
#include "brood/config/known_roots.h"
#include "brood/log/log_files.h"
#include "brood/system/notify.h"
#include "brood/admin/obituary_store.h"
#include "brood/system/pidfile.h"
#include "brood/reload_look.h"
#include "brood/certificates/renewal.h"
#include "brood/sites/root_watch.h"
#include "brood/sites/site_logs.h"
#include "brood/sites/sites.h"
#include "brood/log/start_log.h"
#include "brood/certificates/ticket_source.h"
#include "cluster/cluster.h"

struct epochs;
struct event_base;
struct mime_table;
struct options;
struct quota;
struct serving;
struct upgrade_state;

/* A configuration and what was opened for it. */
struct setup {
	struct config *config; /* NULL: there is none */
	struct sites sites;    /* of config */
	struct certificates certificates;
	struct shared_tickets shared_tickets;
	struct mime_table *mime;
	unsigned number;    /* log_files.h */
	unsigned error_log; /* its number; the files are in server.logs */
	struct site_logs access_logs;
	struct cluster_listen *listen;
};

/* What a service manager, if there is one, is told. */
struct service_manager {
	struct notify_pulse pulse;
	char failure[256]; /* what failed last, until something of the kind is tried again; "" */
	bool stopping;
};

/* What the master keeps; workers inherit it as it was when they were forked. */
struct server {
	const struct options *options;
	struct log_files logs;  /* of all setups */
	struct setup now, next; /* in force; prepared by a reload that is not over yet */
	struct setup *chosen;   /* the worker's: one of these */
	pid_t pid;              /* the master's */
	struct quota *quota;    /* limits that hold for all workers; mapped by all of them */
	struct epochs *epochs;  /* what they all have seen of files last; the same */
	struct pidfile pidfile;
	struct control_socket control; /* fd -1: off */
	char *no_control;              /* owned: why there is none, to be told when ready; or NULL */
	struct obituaries obituaries;
	struct start_log start_log;     /* until it is ready */
	struct renewal renewal;         /* of now.certificates */
	struct root_watch roots;        /* of both setups */
	struct known_roots known;       /* of them, when a configuration is loaded that may name them again */
	struct reload_look look;        /* at what is to be loaded next */
	struct ticket_keys ticket_keys; /* made here */
	bool keeps_certificates;        /* when it next reads its configuration: that is an upgrade's end */
	struct daemon daemon;
	struct service_manager manager;
	int ready_fd;         /* BROOD_READY_FD, or -1 */
	const int *inherited; /* listening sockets; the cluster's once they are taken */
	size_t inherited_count;
	bool inherited_taken;
	int *inherited_owned; /* that list, when it is our own */
	char *binary;         /* owned: the path that this program was started by; NULL: not known */
	char **argv;
	struct serving *serving; /* in a worker only */
};

/* Runs the server that the command line asks for; returns its exit status. Takes ready_fd and the
 * inherited sockets. */
int server_run(const struct options *options, char **argv, int ready_fd, const int *inherited, size_t inherited_count);

/* The same, going on where another image of this process left off; comes back only when it was the
 * master until the end. Takes the state. */
int server_resume(const struct options *options, char **argv, struct upgrade_state *state);

/* --- setup.c --- */

/* With nothing open yet. */
extern const struct server server_closed;

/* Opens for setup->config, all or nothing; logs in the table for all setups. `before`: the one in force, or
 * NULL; `keep`: its certificates, whatever is in their files by now. 0, or -1 with a reason. */
int setup_open(struct setup *setup, struct log_files *logs, const struct setup *before, bool keep, char *reason,
	       size_t room) __attribute__((warn_unused_result));
void setup_close(struct setup *setup, struct log_files *logs);

/* Becomes a daemon, which has a place for its logs. 0, or -1 (logged). */
int server_go_to_background(struct server *server) __attribute__((warn_unused_result));

/* What the master says goes to the error log in force. */
void server_use_log(struct server *server);

/* In a child of the master, which finds all this in its memory: what is not open there (the fork has closed it) has no
 * number any more, which by now may be another file's. `kept`: the setup that it serves, or NULL. */
void server_in_child(struct server *server, const struct setup *kept);

/* --- server_reload.c: as cluster_master_callbacks has them --- */

int server_look(void *server);
int server_looked(void *server);
void server_look_away(void *server, char *what, size_t room);
int server_prepare(void *server, struct cluster_options *options, char *reason, size_t room);
void server_commit(void *server);
void server_abandon(void *server);
void server_use_config(void *server, bool next);

/* --- server_roots.c --- */

/* A few times a second. */
void server_look_at_roots(struct server *server);
int server_trouble(void *server, struct buffer *out); /* cluster_master_callbacks.trouble */

/* config_load for a server that runs, which must not wait for a root: with those that server_know_roots has noted just
 * now, and those that were looked at. `goes_on`: as another image of it, which is to know what the former one did. */
void server_know_roots(struct server *server, bool goes_on);
int server_load(struct server *server, struct config **out, bool goes_on, struct buffer *reason)
	__attribute__((warn_unused_result));

/* --- server_options.c --- */

/* What the cluster has to know of a setup. The list of listeners stays the setup's. 0 or -ENOMEM. */
int server_cluster_options(const struct server *server, struct setup *setup, struct cluster_options *options)
	__attribute__((warn_unused_result));

/* --- service_manager.c, but for the first for the cluster's callbacks --- */

/* Once, as the first thing, in the process that was started; `starts`: not in place of another version. */
void manager_begin(struct service_manager *manager, bool starts);
void manager_ready(void *server);
void manager_rolling(void *server);
void manager_rolled(void *server);
void manager_failed(void *server, const char *kind, const char *reason);
void manager_stopping(void *server);
void manager_alive(void *server);

/* --- serving.c: a worker's half; its context is a struct server --- */

extern const struct cluster_worker_callbacks serving_callbacks;

#endif
