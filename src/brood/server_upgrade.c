/* SPDX-License-Identifier: MIT
 *
 * The program's part of an upgrade (server_upgrade.h). Master only. */
#include "brood/server_upgrade.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/socket.h"
#include "base/trusted_path.h"
#include "brood/system/daemon_log.h"
#include "http/site/epochs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	RECORD_FOLDER = RECORD_PROGRAM,
	RECORD_BINARY,
	RECORD_PIDFILE,
	RECORD_CONTROL,
	RECORD_INHERITED,
	RECORD_CONFIG, /* the one in force, as text */
	RECORD_OBITUARY,
	RECORD_TICKET_KEYS, /* as many struct ticket_key as there are */
	RECORD_CERTIFICATE,
	RECORD_LOG_FILE,
	RECORD_EPOCHS,
	RECORD_ROOT,
};

struct upgrade_epochs {
	uint64_t seed;
	int32_t fd;
	uint32_t unused;
};

/* The path stands behind it, with its NUL. */
struct upgrade_file {
	uint64_t device, inode;
	int32_t fd;
	uint32_t unused;
};

/* The same. */
struct upgrade_root {
	uint64_t version;
	int32_t fd;     /* of the folder; -1: it was gone */
	uint32_t given; /* it is that folder, which is not to be opened */
};

const char *server_upgrade_binary(void *context)
{
	const struct server *server = context;
	const char *setting = server->now.config->binary;

	if (setting)
		return setting;
	return server->binary ? server->binary : "/proc/self/exe";
}

static void put_text(struct upgrade_writer *writer, uint32_t type, const char *text)
{
	upgrade_put(writer, type, text, strlen(text) + 1);
}

/* Something of a fixed size, and a path. */
static void put_with_path(struct upgrade_writer *writer, uint32_t type, const void *what, size_t size, const char *path)
{
	struct buffer octets = {0};

	if (buffer_append(&octets, what, size) < 0 || buffer_append(&octets, path, strlen(path) + 1) < 0)
		writer->failed = true;
	else
		upgrade_put(writer, type, octets.data, octets.used);
	buffer_free(&octets);
}

static void put_config(struct upgrade_writer *writer, const struct config *config)
{
	struct buffer text = {0};

	if (config_text(config, &text) < 0)
		writer->failed = true;
	else
		upgrade_put(writer, RECORD_CONFIG, text.data, text.used);
	buffer_free(&text);
}

static void put_root(struct upgrade_writer *writer, const char *path, bool given, int fd, uint64_t version)
{
	const struct upgrade_root saved = {.version = version, .fd = upgrade_keep_fd(writer, fd), .given = given};

	put_with_path(writer, RECORD_ROOT, &saved, sizeof(saved), path);
}

/* They are what they are, and followed by the next version as by this one: it need not open them, which might wait, nor
 * fail for one that nobody has missed yet. What is gone it may look for itself. */
static void put_roots(struct upgrade_writer *writer, const struct server *server)
{
	const struct http_sites *sites = &server->now.sites.http;

	for (size_t i = 0; i < sites->count; i++) {
		const struct root_follow *follow = &sites->list[i].follow;
		bool stuck = root_watch_waits(&server->roots, follow->path);

		put_root(writer, follow->path, stuck || follow->error == 0, sites->list[i].root.fd, follow->version);
	}
}

void server_upgrade_save(void *context, struct upgrade_writer *writer)
{
	const struct server *server = context;
	const struct upgrade_epochs epochs = {.seed = epochs_seed(server->epochs),
					      .fd = upgrade_keep_fd(writer, epochs_fd(server->epochs))};
	struct upgrade_file file = {0};

	put_text(writer, RECORD_FOLDER, server->options->directory);
	put_config(writer, server->now.config);
	put_roots(writer, server);
	obituaries_save(&server->obituaries, RECORD_OBITUARY, writer);
	upgrade_put(writer, RECORD_TICKET_KEYS, server->ticket_keys.keys,
		    server->ticket_keys.count * sizeof(server->ticket_keys.keys[0]));
	certificates_save(&server->now.certificates, RECORD_CERTIFICATE, writer);
	log_files_save(&server->logs, RECORD_LOG_FILE, writer);
	upgrade_put(writer, RECORD_EPOCHS, &epochs, sizeof(epochs));
	if (server->binary)
		put_text(writer, RECORD_BINARY, server->binary);
	if (server->pidfile.fd >= 0) {
		file.fd = upgrade_keep_fd(writer, server->pidfile.fd);
		put_with_path(writer, RECORD_PIDFILE, &file, sizeof(file), server->pidfile.path);
	}
	if (server->control.fd >= 0) {
		file.fd = upgrade_keep_fd(writer, server->control.fd);
		file.device = server->control.device;
		file.inode = server->control.inode;
		put_with_path(writer, RECORD_CONTROL, &file, sizeof(file), server->control.path);
	}
	/* The sockets are the cluster's; their numbers tell which addresses were inherited. */
	upgrade_put(writer, RECORD_INHERITED, server->inherited, server->inherited_count * sizeof(*server->inherited));
}

/* The text in a record, which ends in NUL; NULL: it does not. */
static const char *text_of(const struct upgrade_record *record, size_t from)
{
	const char *octets = record->data;

	return record->size > from && octets[record->size - 1] == '\0' ? octets + from : NULL;
}

static int get_file(const struct upgrade_state *state, uint32_t type, struct upgrade_file *file, char **path)
{
	struct upgrade_record record;
	const char *text;

	if (!upgrade_find(&state->reader, type, &record))
		return 0;
	upgrade_get(&record, file, sizeof(*file));
	text = text_of(&record, sizeof(*file));
	*path = text ? strdup(text) : NULL;
	if (!text)
		return -EBADMSG;
	return *path ? 1 : -ENOMEM;
}

int server_upgrade_options(struct options *out, int argc, char **argv, const struct upgrade_state *state)
{
	struct upgrade_record record;
	const char *folder = NULL;

	memset(out, 0, sizeof(*out));
	/* An image that was executed by descriptor is named after its number. */
	prctl(PR_SET_NAME, "brood");
	if (upgrade_find(&state->reader, RECORD_FOLDER, &record))
		folder = text_of(&record, 0);
	if (folder)
		return options_parse_in(out, argc, argv, folder);
	log_error("the state of the running server does not tell the folder that it was started in");
	return EXIT_FAILURE;
}

/* A folder's descriptor is told by its flags: where it does not answer, all else would wait. */
static bool is_folder(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return fd > STDERR_FILENO && flags >= 0 && (flags & O_DIRECTORY);
}

static void restore_roots(struct server *server, const struct upgrade_state *state)
{
	struct upgrade_reader reader = state->reader;
	struct upgrade_record record;

	while (upgrade_next(&reader, &record)) {
		const char *path = record.type == RECORD_ROOT ? text_of(&record, sizeof(struct upgrade_root)) : NULL;
		struct upgrade_root saved;

		if (!path)
			continue;
		upgrade_get(&record, &saved, sizeof(saved));
		if (saved.fd == -1 || is_folder(saved.fd))
			known_roots_add(&server->known, path, saved.given == 1, saved.fd, saved.version);
	}
}

/* The options on top of this text say what they say anyway. */
static int load_text(struct config **out, const struct options *options, const struct upgrade_record *text,
		     struct buffer *reason)
{
	struct options instead = *options;
	char path[32];
	int fd = memfd_create("brood-config", MFD_CLOEXEC), error = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	instead.file = path;
	if (fd >= 0 && write(fd, text->data, text->size) == (ssize_t)text->size)
		error = config_load(out, &instead, reason);
	fd_close(&fd);
	return error;
}

/* A version before this one has not made it. */
static bool has_log_folder(const struct config *config)
{
	char reason[TRUSTED_REASON_MAX];

	return !config->error_log_is_found || daemon_log_make_folder(config->error_log, reason, sizeof(reason)) == 0;
}

int server_upgrade_config(struct server *server, const struct upgrade_state *state, struct buffer *reason)
{
	struct options options = *server->options;
	struct upgrade_record text;

	restore_roots(server, state);
	options.known_roots = &server->known;
	/* Standard error is the trial's own then, and tells nothing of a daemon's logs; nor does it matter where
	 * those of the configuration in force go, perhaps by a version that has lost them. */
	options.daemon &= state->mode != UPGRADE_DRY;
	if (config_load(&server->now.config, &options, reason) == 0 && has_log_folder(server->now.config))
		return 0;
	config_free(server->now.config);
	server->now.config = NULL;
	if (state->mode == UPGRADE_DRY || !upgrade_find(&state->reader, RECORD_CONFIG, &text))
		return -1;
	options.daemon = false;
	return load_text(&server->now.config, &options, &text, reason);
}

static int restore_inherited(struct server *server, const struct upgrade_state *state)
{
	struct upgrade_record record;
	int *fds;

	if (!upgrade_find(&state->reader, RECORD_INHERITED, &record) || record.size == 0)
		return 0;
	if (record.size % sizeof(*fds) != 0 || record.size / sizeof(*fds) > CLUSTER_LISTEN_MAX)
		return -EBADMSG;
	fds = malloc(record.size);
	if (!fds)
		return -ENOMEM;
	memcpy(fds, record.data, record.size);
	server->inherited = server->inherited_owned = fds;
	server->inherited_count = record.size / sizeof(*fds);
	return 0;
}

static void restore_certificates(struct server *server, const struct upgrade_state *state)
{
	struct upgrade_reader reader = state->reader;
	struct upgrade_record record;

	while (upgrade_next(&reader, &record))
		if (record.type == RECORD_CERTIFICATE)
			certificates_restore(&server->now.certificates, &record);
}

static int restore_obituaries(struct server *server, const struct upgrade_state *state)
{
	struct upgrade_reader reader = state->reader;
	struct upgrade_record record;
	int error = 0;

	while (error == 0 && upgrade_next(&reader, &record))
		if (record.type == RECORD_OBITUARY)
			error = obituaries_restore(&server->obituaries, &record);
	return error;
}

/* Keys that cannot be read are made anew: whoever comes with a ticket begins from the start. */
static void restore_ticket_keys(struct server *server, const struct upgrade_state *state)
{
	struct ticket_keys *keys = &server->ticket_keys;
	struct upgrade_record record;

	if (!upgrade_find(&state->reader, RECORD_TICKET_KEYS, &record) || record.size % sizeof(keys->keys[0]) != 0 ||
	    record.size > sizeof(keys->keys))
		return;
	memcpy(keys->keys, record.data, record.size);
	keys->count = record.size / sizeof(keys->keys[0]);
}

/* Workers that live on have it, too. Without it, or with one of another kind, each half of them has its own, and until
 * the old ones are gone sees the other's changes as late as without any. */
static void restore_epochs(struct server *server, const struct upgrade_state *state)
{
	struct upgrade_epochs saved = {.fd = -1};
	struct upgrade_record record;

	if (!upgrade_find(&state->reader, RECORD_EPOCHS, &record))
		return;
	upgrade_get(&record, &saved, sizeof(saved));
	if (saved.fd > STDERR_FILENO)
		server->epochs = epochs_take(saved.fd, saved.seed);
	if (!server->epochs)
		log_warn("what workers know of changed files could not be taken over: %m");
}

/* The pid file is a regular one, the control socket a socket that listens. */
static bool are_right(const struct upgrade_file *pidfile, const struct upgrade_file *control)
{
	struct stat status;

	if (pidfile->fd != -1 &&
	    (pidfile->fd <= STDERR_FILENO || fstat(pidfile->fd, &status) < 0 || !S_ISREG(status.st_mode)))
		return false;
	return control->fd == -1 || (control->fd > STDERR_FILENO && control->fd != pidfile->fd &&
				     socket_has_role(control->fd, SOCKET_LISTENING));
}

int server_upgrade_logs(struct server *server, const struct upgrade_state *state, char *reason, size_t room)
{
	int error = log_files_restore(&server->logs, RECORD_LOG_FILE, &state->reader);

	if (error)
		snprintf(reason, room, "the logs of the running server: %s", strerror(-error));
	return error;
}

int server_upgrade_restore(struct server *server, const struct upgrade_state *state)
{
	struct upgrade_file pidfile = {.fd = -1}, control = {.fd = -1};
	struct upgrade_record record;
	int error;

	if (upgrade_find(&state->reader, RECORD_BINARY, &record) && text_of(&record, 0)) {
		free(server->binary);
		server->binary = strdup(text_of(&record, 0));
	}
	error = get_file(state, RECORD_PIDFILE, &pidfile, &server->pidfile.path);
	if (error >= 0)
		error = get_file(state, RECORD_CONTROL, &control, &server->control.path);
	if (error >= 0 && !are_right(&pidfile, &control))
		error = -EBADMSG;
	if (error >= 0)
		error = restore_inherited(server, state);
	if (error >= 0)
		error = restore_obituaries(server, state);
	restore_ticket_keys(server, state);
	restore_epochs(server, state);
	restore_certificates(server, state);
	if (error < 0) {
		log_error("the state of the running server: %s", strerror(-error));
		return error;
	}
	server->pidfile.fd = pidfile.fd;
	server->pidfile.pid = getpid();
	server->control.fd = control.fd;
	server->control.device = (dev_t)control.device;
	server->control.inode = (ino_t)control.inode;
	server->control.pid = getpid();
	server->inherited_taken = true;
	return 0;
}
