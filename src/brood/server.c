/* SPDX-License-Identifier: MIT
 *
 * The master's half of the server (server.h): from a checked configuration to a running cluster.
 * Master only, but that workers find it in their memory. */
#include "brood/server.h"

#include "base/address.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "brood/admin/admin.h"
#include "brood/certificates/certificate_check.h"
#include "brood/config/config_balancer.h"
#include "brood/limits.h"
#include "brood/log/log_process.h"
#include "brood/admin/obituary_file.h"
#include "brood/config/options.h"
#include "brood/system/program_path.h"
#include "brood/ready_line.h"
#include "brood/start_wait.h"
#include "brood/server_upgrade.h"
#include "brood/version.h"
#include "cluster/policy/obituary.h"
#include "http/site/epochs.h"
#include "http/http.h"
#include "http/client/quota.h"
#include "http/tls/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REASON_MAX = 512 };

/* --- what the cluster asks the master's side --- */

static void log_lines(const char *text)
{
	for (const char *line = text; *line != '\0';) {
		size_t size = strcspn(line, "\n");

		log_error("%.*s", (int)size, line);
		line += size + (line[size] == '\n');
	}
}

static void on_reopen(void *context)
{
	struct server *server = context;

	log_files_reopen(&server->logs);
}

static int on_log_files(void *context, struct master *master, bool all)
{
	struct server *server = context;

	return log_files_tell(&server->logs, master, all);
}

static int on_log(void *context, int channel)
{
	struct server *server = context;

	server_in_child(server, NULL);
	return log_process_main(channel, &server->now.config->privilege);
}

/* What a worker inherits: see serving.c. */
static size_t on_worker_fds(void *context, int *fds, size_t room)
{
	const struct server *server = context;
	const struct setup *chosen = server->chosen;
	const struct http_sites *sites = &chosen->sites.http;
	size_t count = 0;

	for (size_t i = 0; i < sites->count && count < room; i++)
		fds[count++] = sites->list[i].root.fd;
	return count + certificates_keep(&chosen->certificates, fds + count, room - count);
}

static void on_ready(void *context, const struct listeners *listeners, unsigned workers)
{
	struct server *server = context;
	struct buffer line = {0};
	int error;

	start_log_end(&server->start_log);
	server_look_at_roots(server);
	if (ready_line(&line, server, listeners, workers) == 0) {
		if (server->now.config->error_log_is_found)
			dprintf(STDERR_FILENO, "brood: the error log is %s\n", server->now.config->error_log);
		/* On standard error as it is: people and scripts wait for exactly this. */
		if (write(STDERR_FILENO, line.data, line.used) < 0)
			log_warn("cannot say on standard error that the server is ready");
		if (log_files_fd(&server->logs, server->now.error_log) != STDERR_FILENO)
			log_info("%.*s", (int)line.used - 1, line.data);
		if (!notify_ready_line(&server->ready_fd, line.data))
			log_warn("cannot write to the descriptor of BROOD_READY_FD");
	}
	manager_ready(server);
	buffer_free(&line);
	/* Not before: a server that cannot start has one reason to tell, and this is none. */
	if (server->no_control)
		log_warn("%s: running without one", server->no_control);
	config_balancer_warn(server->now.config);
	error = daemon_ready(&server->daemon);
	if (error < 0)
		log_warn("cannot tell the starting process: %s", strerror(-error));
	log_files_standard_changed(&server->logs);
}

static void on_tick(void *context, struct master *master)
{
	struct server *server = context;
	struct setup *now = &server->now;

	server_look_at_roots(server);
	renewal_look(&server->renewal, &now->certificates, &now->config->privilege, master);
	tickets_look(&server->ticket_keys, &now->shared_tickets, now->config, master);
}

static int on_config(void *context, unsigned workers, struct buffer *out)
{
	const struct server *server = context;
	struct config shown = *server->now.config; /* what it points to stays there */

	if (workers > 0)
		shown.workers = workers;
	return config_text(&shown, out);
}

static void on_obituary(void *context, const struct cluster_obituary *obituary)
{
	struct server *server = context;
	char name[OBITUARY_SERVER_MAX];

	start_log_add_words(&server->start_log, obituary->slot, obituary->log);
	obituary_server(server->options, server->argv, server->now.config, server->pid, name);
	obituaries_add(&server->obituaries, server->now.config->state_dir, name, obituary);
}

static int on_why(void *context, unsigned slot, struct buffer *out)
{
	const struct server *server = context;

	return obituaries_text(&server->obituaries, slot, out);
}

static int on_admin(void *context, int channel, struct board *boards, unsigned board_count)
{
	struct server *server = context;
	const struct admin_birth birth = {
		.channel = channel,
		.control_fd = server->control.fd,
		.boards = boards,
		.board_count = board_count,
		.privilege = &server->now.config->privilege,
		.owner = geteuid(),
		.master = server->pid,
	};

	server_in_child(server, NULL);
	/* It has no use for them. */
	start_log_end(&server->start_log);
	ticket_keys_forget(&server->ticket_keys);
	ticket_keys_forget(&server->now.shared_tickets.keys);
	ticket_keys_forget(&server->next.shared_tickets.keys);
	return admin_main(&birth);
}

static size_t on_admin_fds(void *context, int *fds, size_t room)
{
	const struct server *server = context;

	(void)room;
	fds[0] = server->control.fd;
	return 1;
}

static const struct cluster_master_callbacks master_callbacks = {
	.look = server_look,
	.looked = server_looked,
	.look_away = server_look_away,
	.prepare = server_prepare,
	.commit = server_commit,
	.abandon = server_abandon,
	.use_config = server_use_config,
	.ready = on_ready,
	.rolling = manager_rolling,
	.rolled = manager_rolled,
	.failed = manager_failed,
	.stopping = manager_stopping,
	.obituary = on_obituary,
	.worker_ended = limits_worker_ended,
	.reopen = on_reopen,
	.tick = on_tick,
	.alive = manager_alive,
	.worker_fds = on_worker_fds,
	.admin_fds = on_admin_fds,
	.log_files = on_log_files,
	.trouble = server_trouble,
	.config = on_config,
	.why = on_why,
	.binary = server_upgrade_binary,
	.save = server_upgrade_save,
};

/* --- from start to end --- */

static int run_cluster(struct server *server, struct upgrade_state *resumed)
{
	struct cluster_options options;
	const struct cluster_program program = {
		.context = server,
		.version = brood_version(),
		.argv = server->argv,
		.resumed = resumed,
		.master = master_callbacks,
		.admin.run = server->control.fd >= 0 ? on_admin : NULL,
		.log.run = on_log,
		.worker = serving_callbacks,
	};
	int status;

	server->pid = getpid();
	fd_raise_limit();
	tickets_begin(&server->ticket_keys, server->now.config);
	server->quota = quota_new();
	if (!server->epochs)
		server->epochs = epochs_new();
	if (!server->quota || !server->epochs || server_cluster_options(server, &server->now, &options) < 0) {
		log_error("no memory");
		if (resumed)
			upgrade_give_up(resumed);
		return CLUSTER_EXIT_CRASH;
	}
	server->inherited_taken = true;
	status = cluster_run(&options, &program);
	root_watch_end(&server->roots);
	quota_free(server->quota);
	epochs_free(server->epochs);
	return status;
}

/* The pid file is locked before anything is bound, and written once the pid is final. */
static int open_pidfile(struct server *server)
{
	const char *path = server->now.config->pid_file;
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
		log_error("cannot write pid file %s: %s", path, strerror(-error));
	return error;
}

/* The default socket is a convenience that must not keep a server from serving; one that somebody
 * named is wanted. */
static int open_control(struct server *server)
{
	const char *setting = server->now.config->control;
	bool optional = strcmp(setting, "auto") == 0;
	char reason[REASON_MAX];

	if (control_socket_open(&server->control, setting, reason, sizeof(reason)) == 0)
		return 0;
	if (!optional) {
		log_error("%s", reason);
		return -1;
	}
	server->no_control = strdup(reason);
	return 0;
}

static void tell_of_certificate(bool error, const char *text)
{
	if (error)
		log_error("%s", text);
	else
		log_warn("%s", text);
}

/* The last thing: from here on what there is to say goes to standard error. */
static void close_setup(struct server *server)
{
	log_set_sink(NULL, NULL);
	ticket_keys_forget(&server->ticket_keys);
	known_roots_free(&server->known);
	reload_look_close(&server->look);
	setup_close(&server->now, &server->logs);
	log_files_close(&server->logs);
}

int server_resume(const struct options *options, char **argv, struct upgrade_state *state)
{
	struct server server = server_closed;
	struct buffer text = {0};
	char reason[REASON_MAX];
	int status;

	server.options = options;
	server.argv = argv;
	manager_begin(&server.manager, false);
	obituaries_init(&server.obituaries);
	if (server_upgrade_config(&server, state, &text) < 0) {
		if (buffer_append(&text, "", 1) == 0)
			log_lines(text.data);
		upgrade_give_up(state);
	}
	if (server_upgrade_logs(&server, state, reason, sizeof(reason)) < 0 ||
	    setup_open(&server.now, &server.logs, NULL, false, reason, sizeof(reason)) < 0) {
		log_error("%s", reason);
		upgrade_give_up(state);
	}
	log_files_settle(&server.logs, true);
	if (state->mode != UPGRADE_DRY) /* what a trial says is the reason of its failure */
		server_use_log(&server);
	if (server_upgrade_restore(&server, state) < 0)
		upgrade_give_up(state);
	server.keeps_certificates = true;
	if (state->mode != UPGRADE_DRY)
		certificates_tell(&server.now.certificates);
	status = run_cluster(&server, state);
	control_socket_close(&server.control);
	pidfile_close(&server.pidfile);
	obituaries_free(&server.obituaries);
	free(server.inherited_owned);
	free(server.binary);
	buffer_free(&text);
	close_setup(&server);
	return status;
}

/* Asked while the master may still be root, who makes the kernel load what it has for that. */
static void tell_of_kernel_tls(const struct setup *setup)
{
	if (!certificates_exist(&setup->certificates) || !setup->config->tls_kernel)
		return;
	if (tls_kernel_exists())
		log_debug("the kernel has TLS: connections with it can move to another worker");
	else
		log_debug("the kernel has no TLS (module tls): connections with it end when their "
			  "worker is replaced");
}

/* Its configuration, which opens for a look all that it names. 0, or -1 (logged). */
static int load_first(struct server *server)
{
	struct options options = *server->options;
	struct buffer text = {0};
	struct start_wait wait;
	int error;

	start_wait_begin(&wait);
	options.looking = wait.looking;
	error = config_load(&server->now.config, &options, &text);
	start_wait_end(&wait);
	if (error && buffer_append(&text, "", 1) == 0)
		log_lines(text.data);
	else if (!error)
		server->now.config->looking = NULL;
	buffer_free(&text);
	return error;
}

int server_run(const struct options *options, char **argv, int ready_fd, const int *inherited, size_t inherited_count)
{
	struct server server = server_closed;
	char reason[REASON_MAX];
	int status = CLUSTER_EXIT_CRASH;

	server.options = options;
	server.argv = argv;
	server.binary = program_path_find(argv[0]);
	server.ready_fd = ready_fd;
	server.inherited = inherited;
	server.inherited_count = inherited_count;
	manager_begin(&server.manager, true); /* before a daemon is another process */
	obituaries_init(&server.obituaries);
	if (load_first(&server) < 0)
		goto done;
	if (options->daemon && server_go_to_background(&server) < 0)
		goto done;
	if (setup_open(&server.now, &server.logs, NULL, false, reason, sizeof(reason)) < 0) {
		log_error("%s", reason);
		goto done;
	}
	if (certificates_check(&server.now.certificates, &server.now.config->privilege, tell_of_certificate) < 0)
		goto done;
	server_use_log(&server);
	start_log_begin(&server.start_log, log_files_fd(&server.logs, server.now.error_log));
	certificates_tell(&server.now.certificates);
	tell_of_kernel_tls(&server.now);
	sites_tell(&server.now.sites);
	signals_await(true, NULL); /* files that are made from here on are not to be left behind */
	if (open_pidfile(&server) == 0 && open_control(&server) == 0)
		status = run_cluster(&server, NULL);
	control_socket_close(&server.control);
	free(server.no_control);
	pidfile_close(&server.pidfile);
	if (status == CLUSTER_EXIT_CRASH)
		start_log_tell(&server.start_log);
	start_log_end(&server.start_log);
done:
	obituaries_free(&server.obituaries);
	free(server.binary);
	close_setup(&server);
	return status;
}
