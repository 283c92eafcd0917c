/* SPDX-License-Identifier: MIT
 *
 * The server of an experiment (private_server.h). */
#include "prove/private_server.h"

#include "base/address.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { STOP_MS = 10000, KILL_MS = 5000, READ_MAX = 4096 };

/* --- what it says --- */

static void understand(struct private_server *server, const char *line)
{
	const char *generation = strstr(line, " of generation ");

	if (strstr(line, " done: ") && generation) {
		server->rolls_done++;
		server->generation = (unsigned)strtoul(generation + 15, NULL, 10);
	} else if (strstr(line, "restart failed") || strstr(line, "reload failed") || strstr(line, "upgrade failed")) {
		server->rolls_failed++;
	}
}

/* Lines longer than there is room for are cut; what they say stands in front. */
static void take_octet(struct private_server *server, char octet)
{
	char *line = server->line[server->lines % PRIVATE_SERVER_LINES];

	if (octet == '\n') {
		line[server->line_size] = '\0';
		understand(server, line);
		server->lines++;
		server->line_size = 0;
	} else if (server->line_size < PRIVATE_SERVER_LINE_MAX - 1) {
		line[server->line_size++] = octet;
	}
}

static void on_stderr(evutil_socket_t fd, short what, void *argument)
{
	struct private_server *server = argument;
	char octets[READ_MAX];
	ssize_t got = read(fd, octets, sizeof(octets));

	(void)what;
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		event_del(&server->stderr_event);
	for (ssize_t i = 0; i < got; i++)
		take_octet(server, octets[i]);
}

const char *private_server_line(const struct private_server *server, size_t index)
{
	/* One of the ring is the line that is being read. */
	size_t have = server->lines < PRIVATE_SERVER_LINES ? server->lines : PRIVATE_SERVER_LINES - 1;

	if (index >= have)
		return NULL;
	return server->line[(server->lines - have + index) % PRIVATE_SERVER_LINES];
}

/* "brood: ready on http://127.0.0.1:43211 (4 workers, shared, pid 4711)" comes in one write. */
static void on_ready(evutil_socket_t fd, short what, void *argument)
{
	static const char url[] = "http://";
	struct private_server *server = argument;
	char line[512], reason[128], *text;
	struct address address;
	ssize_t got = read(fd, line, sizeof(line) - 1);

	(void)what;
	event_del(&server->ready_event);
	if (got <= 0)
		return; /* it has ended, which is told in another way */
	line[got] = '\0';
	text = strstr(line, url);
	if (!text)
		return;
	text += strlen(url);
	text[strcspn(text, " \n")] = '\0';
	if (address_parse(text, &address, reason, sizeof(reason)) < 0)
		return;
	server->address = address.storage;
	server->ready = true;
}

/* --- starting --- */

struct birth {
	char **argv;
	int ready_fd, stderr_fd;
	pid_t parent;
};

/* In the child. The server's group is its own, so that ^C on a terminal reaches us alone and we
 * stop the server, in order. When we die it goes, too. */
static int become_server(void *context)
{
	const struct birth *birth = context;
	char number[16], program[4096];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);

	snprintf(number, sizeof(number), "%d", birth->ready_fd);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(birth->stderr_fd, STDERR_FILENO) < 0 || fd_set_cloexec(birth->ready_fd, false) < 0 ||
	    setenv("BROOD_READY_FD", number, 1) < 0)
		return EXIT_FAILURE;
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	(void)setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != birth->parent)
		return EXIT_FAILURE;
	/* By its name, which is what ps shows and an upgrade executes; if that file has gone
	 * meanwhile, by the program that we are. */
	if (size > 0) {
		program[size] = '\0';
		execv(program, birth->argv);
	}
	execv("/proc/self/exe", birth->argv);
	fprintf(stderr, "cannot execute %s: %s\n", birth->argv[0], strerror(errno));
	return EXIT_FAILURE;
}

static void on_child_ended(void *context, const struct brood_process_end *end)
{
	struct private_server *server = context;

	if (end->pid != server->pid)
		return;
	server->ended = true;
	server->end = *end;
}

static int run(struct private_server *server, const struct site *site, const char *accept, unsigned workers,
	       int ready_writer, int stderr_writer)
{
	char count[16], root[sizeof(site->root)], config[sizeof(site->config)], mode[16];
	char *argv[] = {(char[]){"brood"},
			(char[]){"-l"},
			(char[]){"127.0.0.1:0"},
			(char[]){"-s"},
			(char[]){"debug_headers=true"},
			(char[]){"-s"},
			(char[]){"state_dir=off"},
			(char[]){"--control"},
			(char[]){"off"},
			(char[]){"-c"},
			config,
			(char[]){"-w"},
			count,
			(char[]){"-a"},
			mode,
			root,
			NULL};
	const int keep[] = {ready_writer, stderr_writer};
	struct birth birth = {argv, ready_writer, stderr_writer, getpid()};
	struct brood_process_options options = {
		.main = become_server,
		.context = &birth,
		.keep_fds = keep,
		.keep_count = 2,
	};
	pid_t pid;

	snprintf(count, sizeof(count), "%u", workers);
	snprintf(mode, sizeof(mode), "%s", accept);
	memcpy(root, site->root, sizeof(root));
	memcpy(config, site->config, sizeof(config));
	pid = brood_process_fork(&options);
	if (pid < 0)
		return (int)pid;
	server->pid = pid;
	return 0;
}

static int watch(struct private_server *server)
{
	struct event_base *base = server->stage->base;

	if (event_assign(&server->ready_event, base, server->ready_fd, EV_READ | EV_PERSIST, on_ready, server) < 0 ||
	    event_assign(&server->stderr_event, base, server->stderr_fd, EV_READ | EV_PERSIST, on_stderr, server) < 0 ||
	    event_add(&server->ready_event, NULL) < 0 || event_add(&server->stderr_event, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int private_server_start(struct private_server *server, struct stage *stage, const struct site *site,
			 const char *accept, unsigned workers)
{
	int ready[2], errors[2], error;

	memset(server, 0, sizeof(*server));
	server->stage = stage;
	server->ready_fd = server->stderr_fd = -1;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	server->ready_fd = ready[0];
	if (pipe2(errors, O_CLOEXEC) < 0) {
		error = -errno;
		fd_close(&ready[1]);
		return error;
	}
	server->stderr_fd = errors[0];
	stage->ended = on_child_ended;
	stage->context = server;
	error = watch(server);
	if (error == 0)
		error = fd_set_nonblock(server->stderr_fd, true);
	if (error == 0)
		error = run(server, site, accept, workers, ready[1], errors[1]);
	fd_close(&ready[1]);
	fd_close(&errors[1]);
	return error;
}

/* --- signals, death --- */

void private_server_signal(const struct private_server *server, int signal)
{
	/* Until it is reaped, which is told to us, nobody else can have its pid. */
	if (server->pid > 0 && !server->ended)
		kill(server->pid, signal);
}

static pid_t parent_of(pid_t pid)
{
	char path[32], text[512], *name_end;
	int parent = 0, fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	text[got > 0 ? got : 0] = '\0';
	name_end = strrchr(text, ')'); /* a name may have anything in it */
	if (!name_end || sscanf(name_end, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

int private_server_kill(const struct private_server *server, pid_t worker)
{
	int fd = pidfd_open(worker, 0), error = 0;

	if (fd < 0)
		return -errno;
	/* After the open: what the descriptor stands for cannot become another process. */
	if (server->ended || parent_of(worker) != server->pid)
		error = -ESRCH;
	else if (pidfd_send_signal(fd, SIGKILL, NULL, 0) < 0)
		error = -errno;
	if (error == 0)
		return fd;
	fd_close(&fd);
	return error;
}

static bool has_ended(const void *context)
{
	const struct private_server *server = context;

	return server->ended;
}

/* What it has said last is still in the pipe. */
static void read_rest(struct private_server *server)
{
	struct pollfd wait = {.fd = server->stderr_fd, .events = POLLIN};

	for (unsigned i = 0; i < 64 && poll(&wait, 1, 0) > 0 && wait.revents & POLLIN; i++)
		on_stderr(server->stderr_fd, EV_READ, server);
}

bool private_server_stop(struct private_server *server)
{
	bool in_order = server->pid > 0;

	if (!server->stage)
		return false;
	if (server->pid > 0) {
		private_server_signal(server, SIGTERM);
		if (stage_wait_on(server->stage, has_ended, server, STOP_MS) < 0) {
			private_server_signal(server, SIGKILL);
			(void)!stage_wait_on(server->stage, has_ended, server, KILL_MS);
			in_order = false;
		}
		read_rest(server);
	}
	in_order = in_order && server->ended && server->end.exit_code == 0;
	if (server->ready_fd >= 0)
		event_del(&server->ready_event);
	if (server->stderr_fd >= 0)
		event_del(&server->stderr_event);
	fd_close(&server->ready_fd);
	fd_close(&server->stderr_fd);
	server->stage->ended = NULL;
	server->pid = 0;
	return in_order;
}
