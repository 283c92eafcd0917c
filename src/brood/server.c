/* SPDX-License-Identifier: MIT
 *
 * The master's half of the server (server.h): from a checked configuration to a running cluster.
 * Master only, but that workers find it in their memory. */
#include "brood/server.h"

#include "base/address.h"
#include "base/cpu.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/notify.h"
#include "brood/options.h"
#include "brood/version.h"
#include "http/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REASON_MAX = 512 };

static const char *const accept_names[] = {
	[ACCEPT_SHARED] = "shared", [ACCEPT_HANDOFF] = "handoff", [ACCEPT_REUSEPORT] = "reuseport"};

static const enum cluster_accept accepts[] = {[ACCEPT_SHARED] = CLUSTER_ACCEPT_SHARED,
					      [ACCEPT_HANDOFF] = CLUSTER_ACCEPT_HANDOFF,
					      [ACCEPT_REUSEPORT] = CLUSTER_ACCEPT_REUSEPORT};

static const enum cluster_policy policies[] = {
	[HANDOFF_LEAST_CONNECTIONS] = CLUSTER_LEAST_CONNECTIONS,
	[HANDOFF_ROUND_ROBIN] = CLUSTER_ROUND_ROBIN};

static struct cluster_options cluster_options_of(const struct config *config)
{
	unsigned workers = config->workers > 0 ? config->workers : cpu_count_usable();

	return (struct cluster_options){
		.workers = workers < CLUSTER_SLOTS_MAX ? workers : CLUSTER_SLOTS_MAX,
		.policy = policies[config->handoff_policy],
		.max_connections = config->max_connections,
		.start_timeout_ms = (unsigned)config->start_timeout_ms,
		.drain_timeout_ms = (unsigned)config->drain_timeout_ms,
		.stop_timeout_ms = (unsigned)config->stop_timeout_ms,
		.privilege = config->privilege,
	};
}

/* --- what a configuration needs opened --- */

struct opened {
	int root_fd;
	struct mime_table *mime;
	struct log_file error_log, access_log;
};

static void opened_close(struct opened *opened)
{
	fd_close(&opened->root_fd);
	mime_table_free(opened->mime);
	log_file_close(&opened->error_log);
	log_file_close(&opened->access_log);
}

/* All or nothing; what failed has been logged. */
static int open_for(struct opened *opened, const struct config *config)
{
	char reason[REASON_MAX];

	*opened = (struct opened){.error_log.fd = -1, .access_log.fd = -1};
	opened->root_fd = privilege_open_directory(&config->privilege, config->root);
	if (opened->root_fd < 0) {
		log_error("root '%s': %s", config->root, strerror(-opened->root_fd));
		opened->root_fd = -1;
		return -1;
	}
	opened->mime = mime_table_new(NULL);
	if (!opened->mime) {
		log_error("no memory for the table of types");
		goto fail;
	}
	if (log_file_open(&opened->error_log, config->error_log, reason, sizeof(reason)) < 0 ||
	    log_file_open(&opened->access_log, config->access_log, reason, sizeof(reason)) < 0) {
		log_error("%s", reason);
		goto fail;
	}
	return 0;
fail:
	opened_close(opened);
	return -1;
}

/* Puts a configuration and what was opened for it in the place of the old ones. */
static void put_in_force(struct server *server, struct config *config, struct opened *now)
{
	struct opened old = {server->root_fd, server->mime, server->error_log, server->access_log};

	server->root_fd = now->root_fd;
	server->mime = now->mime;
	server->error_log = now->error_log;
	server->access_log = now->access_log;
	log_set_fd(server->error_log.fd);
	log_set_level(config->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	opened_close(&old);
	config_free(server->config);
	server->config = config;
}

/* --- what the cluster asks the master's side --- */

static void log_lines(const struct buffer *text)
{
	const char *line = text->data, *end = text->data + text->used;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		stop = stop ? stop : end;
		log_error("%.*s", (int)(stop - line), line);
		line = stop + 1;
	}
}

static void warn_start_only(void *context, const char *name)
{
	(void)context;
	log_warn("'%s' has changed: it takes effect at the next start", name);
}

static int on_reload(void *context, struct cluster_options *options)
{
	struct server *server = context;
	struct config *config = NULL;
	struct buffer reason = {0};
	struct opened opened;
	int error = config_load(&config, server->options, &reason);

	if (error)
		log_lines(&reason);
	else
		error = open_for(&opened, config);
	buffer_free(&reason);
	if (error) {
		log_error("reload failed: nothing has changed");
		config_free(config);
		return -1;
	}
	config_compare(server->config, config, warn_start_only, NULL);
	*options = cluster_options_of(config);
	options->privilege = server->config->privilege; /* of the start: sockets and logs are owned so */
	put_in_force(server, config, &opened);
	return 0;
}

static size_t on_reopen(void *context, int *fds, size_t room)
{
	struct server *server = context;
	size_t count = 0;

	(void)room;
	log_file_reopen(&server->error_log);
	log_set_fd(server->error_log.fd);
	log_file_reopen(&server->access_log);
	fds[count++] = server->error_log.fd;
	if (server->access_log.fd >= 0)
		fds[count++] = server->access_log.fd;
	return count;
}

/* What a worker keeps: see serving.c. */
static size_t on_keep(void *context, int *fds, size_t room)
{
	const struct server *server = context;
	const int kept[] = {server->root_fd, server->error_log.fd, server->access_log.fd};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && count < room; i++)
		if (kept[i] >= 0)
			fds[count++] = kept[i];
	return count;
}

/* "brood: ready on http://127.0.0.1:8000 http://[::1]:8000 (4 workers, shared, pid 4711)" */
static int ready_line(struct buffer *line, const struct server *server,
		      const struct listeners *listeners, unsigned workers)
{
	char url[ADDRESS_TEXT_MAX + 16];
	const struct address *address;
	int error = buffer_printf(line, "brood: ready on");

	for (unsigned i = 0; error == 0 && (address = cluster_address(listeners, i)); i++) {
		address_url(address, url, sizeof(url));
		error = buffer_printf(line, " %s", url);
	}
	if (error == 0)
		error = buffer_printf(line, " (%u worker%s, %s, pid %d)\n", workers,
				      workers == 1 ? "" : "s", accept_names[server->config->accept],
				      getpid());
	return error;
}

/* What nobody hears is worth a line, and no more. */
static void warn_unheard(const char *who, int error)
{
	if (error < 0)
		log_warn("cannot tell %s: %s", who, strerror(-error));
}

static void on_ready(void *context, const struct listeners *listeners, unsigned workers)
{
	struct server *server = context;
	struct buffer line = {0};

	if (ready_line(&line, server, listeners, workers) == 0) {
		/* On standard error as it is: people and scripts wait for exactly this. */
		if (write(STDERR_FILENO, line.data, line.used) < 0)
			log_warn("cannot say on standard error that the server is ready");
		if (server->error_log.fd != STDERR_FILENO)
			log_info("%.*s", (int)line.used - 1, line.data);
		if (!notify_ready_line(&server->ready_fd, line.data))
			log_warn("cannot write to the descriptor of BROOD_READY_FD");
		warn_unheard("the service manager", notify_ready("serving"));
	}
	buffer_free(&line);
	warn_unheard("the starting process", daemon_ready(&server->daemon));
}

static void on_stopping(void *context)
{
	(void)context;
	warn_unheard("the service manager", notify_stopping("stopping"));
}

static const struct cluster_program program = {
	.reload = on_reload,
	.reopen = on_reopen,
	.ready = on_ready,
	.stopping = on_stopping,
	.keep = on_keep,
	.start = serving_start,
	.connection = serving_connection,
	.retire = serving_retire,
	.stop = serving_stop,
	.abort = serving_abort,
	.tick = serving_tick,
	.logs = serving_logs,
	.finish = serving_finish,
};

/* --- from start to end --- */

/* The configured addresses; sockets that were inherited take the place of those that are equal, and
 * of the default. Returns the count, 0 without memory. */
static size_t list_listeners(const struct config *config, const int *inherited,
			     size_t inherited_count, struct cluster_listen **out)
{
	size_t count = 0;
	struct cluster_listen *all =
		calloc(config->listen_count + inherited_count, sizeof(struct cluster_listen));

	*out = all;
	if (!all)
		return 0;
	for (size_t i = 0; i < inherited_count; i++) {
		struct cluster_listen *listen = &all[count];

		listen->fd = inherited[i];
		if (address_of_socket(inherited[i], &listen->address) == 0)
			count++;
	}
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_listener *wish = &config->listen[i];
		bool have = inherited_count > 0 && config->listen_is_default;

		for (size_t k = 0; k < inherited_count && !have; k++)
			have = address_equal(&wish->address, &all[k].address);
		if (have)
			continue;
		all[count++] = (struct cluster_listen){
			.address = wish->address,
			.fd = -1,
			.backlog = (int)(wish->backlog ? wish->backlog : config->backlog),
			.unix_mode = wish->unix_mode ? wish->unix_mode : 0666,
		};
	}
	return count;
}

static int run_cluster(struct server *server, const int *inherited, size_t inherited_count)
{
	struct cluster_options options = cluster_options_of(server->config);
	struct cluster_program joined = program;
	struct cluster_listen *listen;
	size_t count = list_listeners(server->config, inherited, inherited_count, &listen);
	int status = CLUSTER_EXIT_CRASH;

	joined.context = server;
	fd_raise_limit();
	if (count > 0)
		status = cluster_run(accepts[server->config->accept], listen, count, &options, &joined);
	else
		log_error("no memory");
	free(listen);
	return status;
}

/* The pid file is locked before anything is bound, and written once the pid is final. */
static int open_pidfile(struct server *server)
{
	const char *path = server->config->pid_file;
	char reason[REASON_MAX];
	int error;

	if (!path)
		return 0;
	if (pidfile_open(&server->pidfile, path, reason, sizeof(reason)) < 0) {
		log_error("%s", reason);
		return -1;
	}
	error = pidfile_write(&server->pidfile);
	if (error)
		log_error("cannot write to '%s': %s", path, strerror(-error));
	return error;
}

int server_run(const struct options *options, int ready_fd, const int *inherited,
	       size_t inherited_count)
{
	struct server server = {
		.options = options,
		.root_fd = -1,
		.error_log.fd = -1,
		.access_log.fd = -1,
		.pidfile.fd = -1,
		.daemon.ready_fd = -1,
		.ready_fd = ready_fd,
	};
	struct config *config = NULL;
	struct buffer reason = {0};
	struct opened opened;
	int status = CLUSTER_EXIT_CRASH, error;

	if (config_load(&config, options, &reason) < 0) {
		log_lines(&reason);
		goto done;
	}
	if (options->daemon && (error = daemon_start(&server.daemon)) < 0) {
		log_error("cannot become a daemon: %s", strerror(-error));
		goto done;
	}
	if (open_for(&opened, config) < 0)
		goto done;
	put_in_force(&server, config, &opened);
	config = NULL;
	if (open_pidfile(&server) == 0)
		status = run_cluster(&server, inherited, inherited_count);
	pidfile_close(&server.pidfile);
done:
	buffer_free(&reason);
	config_free(config);
	config_free(server.config);
	fd_close(&server.root_fd);
	mime_table_free(server.mime);
	log_set_fd(STDERR_FILENO);
	log_file_close(&server.error_log);
	log_file_close(&server.access_log);
	return status;
}
