/* SPDX-License-Identifier: MIT
 *
 * What a process can and cannot do behind the lock. Each try has a child of its own, which becomes
 * like a worker: it is who it was (or nobody, where root runs the test), without new privileges. */
#include "base/sandbox.h"

#include "base/privilege.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SURVIVED = 0, NO_FILTER = 77, NOT_LOCKED = 78 };

static struct privilege nobody;
static int listener; /* shared with the children, as with workers */
static int one = 1;

static int locked(int (*body)(void))
{
	if (privilege_drop(&nobody) < 0)
		return NOT_LOCKED;
	if (sandbox_enter() < 0)
		return NO_FILTER;
	return body();
}

/* Its wait status. */
static int run(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(locked(body));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* The error of a call that was refused; 0 when it was not. Where it has made a process, that one
 * ends at once. */
static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static int error_of_process(long pid)
{
	if (pid == 0)
		_exit(0);
	return error_of(pid);
}

static void refuses(const char *what, int (*body)(void), int error)
{
	int status = run(body);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != error)
		fail_msg("%s: wait status %#x, and not the error %d", what, (unsigned)status, error);
}

/* --- processes --- */

static int by_fork(void)
{
	return error_of_process(fork());
}

static int by_clone(void)
{
	return error_of_process(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int by_clone3(void)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};

	return error_of_process(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

static int by_sharing_all(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	return error_of_process(
		syscall(SYS_clone, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, stack + sizeof(stack) - 4096, 0, 0, 0));
}

static int by_thread(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	return error_of_process(syscall(SYS_clone, CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD,
					stack + sizeof(stack) - 4096, 0, 0, 0));
}

static char true_word[] = "true";
static char *const no_words[] = {true_word, NULL};

static int by_spawn(void)
{
	pid_t pid;

	return posix_spawn(&pid, "/bin/true", NULL, NULL, no_words, no_words + 1);
}

static int by_execve(void)
{
	return error_of(execve("/bin/true", no_words, no_words + 1));
}

static int by_execveat(void)
{
	int file = open("/bin/true", O_PATH | O_CLOEXEC);

	return error_of(syscall(SYS_execveat, file, "", no_words, no_words + 1, AT_EMPTY_PATH));
}

static int by_namespace(void)
{
	return error_of(unshare(CLONE_NEWUSER));
}

static void it_makes_no_process_and_runs_no_program(void **state)
{
	(void)state;
	refuses("fork", by_fork, EPERM);
	refuses("clone", by_clone, EPERM);
	refuses("clone3", by_clone3, EPERM);
	refuses("clone with shared memory", by_sharing_all, EPERM);
	refuses("a thread", by_thread, EPERM);
	refuses("posix_spawn", by_spawn, EPERM);
	refuses("execve", by_execve, EPERM);
	refuses("execveat", by_execveat, EPERM);
	refuses("unshare", by_namespace, EPERM);
}

/* --- by the doors of other ABIs --- */

static int foreign_call;

#if defined(__x86_64__)
enum { FORK = 57, VFORK = 58, X32 = 0x40000000, FORK_I386 = 2, VFORK_I386 = 190, CLONE_I386 = 120 };

static int by_int_0x80(void)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"((long)foreign_call), "b"((long)SIGCHLD), "c"(0L), "d"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	if (result == 0)
		_exit(0);
	return result < 0 ? (int)-result : 0;
}

static int by_call(void)
{
	return error_of_process(syscall(foreign_call));
}

/* Kernels without these doors end a process that tries the first. */
static void other_abis_do_not_exist_for_it(void **state)
{
	static const int i386[] = {FORK_I386, VFORK_I386, CLONE_I386}, x32[] = {X32 | FORK, X32 | VFORK, -1};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int status;

		foreign_call = i386[i];
		status = run(by_int_0x80);
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == ENOSYS);
		foreign_call = x32[i];
		refuses("x32", by_call, ENOSYS);
	}
}
#else
static void other_abis_do_not_exist_for_it(void **state)
{
	(void)state;
}
#endif

/* --- others --- */

static int to_parent(void)
{
	return error_of(kill(getppid(), 0));
}
static int to_group(void)
{
	return error_of(kill(0, 0));
}
static int to_all(void)
{
	return error_of(kill(-1, 0));
}
static int to_thread(void)
{
	return error_of(syscall(SYS_tgkill, getppid(), getppid(), 0));
}
static int to_any_thread(void)
{
	return error_of(syscall(SYS_tkill, getppid(), 0));
}
static int queued(void)
{
	return error_of(sigqueue(getppid(), 0, (union sigval){0}));
}
static int by_trace(void)
{
	return error_of(syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0));
}
static int by_priority(void)
{
	return error_of(setpriority(PRIO_PROCESS, (id_t)getppid(), 0));
}

static int by_pidfd(void)
{
	int other = (int)syscall(SYS_pidfd_open, getppid(), 0);

	return error_of(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0));
}

static int takes_descriptor(void)
{
	int other = (int)syscall(SYS_pidfd_open, getppid(), 0);

	return error_of(syscall(SYS_pidfd_getfd, other, 0, 0));
}

static int reads_memory(void)
{
	int copy;
	struct iovec here = {&copy, sizeof(copy)}, there = {&one, sizeof(one)};

	return error_of(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

static int writes_memory(void)
{
	int copy = 1;
	struct iovec here = {&copy, sizeof(copy)}, there = {&one, sizeof(one)};

	return error_of(process_vm_writev(getppid(), &here, 1, &there, 1, 0));
}

static int by_limits(void)
{
	struct rlimit now;

	return error_of(prlimit(getppid(), RLIMIT_NOFILE, NULL, &now));
}

static int by_processor(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	return error_of(sched_setaffinity(getppid(), sizeof(all), &all));
}

static int by_sigio(void)
{
	return error_of(fcntl(listener, F_SETOWN, getppid()));
}
static int with_another_signal(void)
{
	return error_of(fcntl(listener, F_SETSIG, SIGKILL));
}
static int opens_itself(void)
{
	return error_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static void it_touches_no_other_process(void **state)
{
	(void)state;
	refuses("a signal to one", to_parent, EPERM);
	refuses("to its group", to_group, EPERM);
	refuses("to all", to_all, EPERM);
	refuses("to a thread", to_thread, EPERM);
	refuses("to a thread by its number alone", to_any_thread, EPERM);
	refuses("with a value", queued, EPERM);
	refuses("by a pidfd", by_pidfd, EPERM);
	refuses("by SIGIO", by_sigio, EPERM);
	refuses("by another signal in its place", with_another_signal, EPERM);
	refuses("ptrace", by_trace, EPERM);
	refuses("a descriptor of another's", takes_descriptor, EPERM);
	refuses("reading memory", reads_memory, EPERM);
	refuses("writing memory", writes_memory, EPERM);
	refuses("limits", by_limits, EPERM);
	refuses("processors", by_processor, EPERM);
	refuses("priority", by_priority, EPERM);
	refuses("being opened to others", opens_itself, EPERM);
}

/* --- sockets --- */

static int of_its_own(void)
{
	return error_of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int a_pair(void)
{
	int ends[2];

	return error_of(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
}

static int shuts_down(void)
{
	return error_of(shutdown(listener, SHUT_RD));
}
static int shuts_both_down(void)
{
	return error_of(shutdown(listener, SHUT_RDWR));
}
static int shortens_its_queue(void)
{
	return error_of(listen(listener, 0));
}
static int makes_it_block(void)
{
	return error_of(fcntl(listener, F_SETFL, O_RDWR));
}
static int asks_for_signals(void)
{
	return error_of(fcntl(listener, F_SETFL, O_NONBLOCK | O_ASYNC));
}
static int blocks_by_ioctl(void)
{
	return error_of(ioctl(listener, FIONBIO, &(int){0}));
}
static int signals_by_ioctl(void)
{
	return error_of(ioctl(listener, FIOASYNC, &one));
}
static int types(void)
{
	return error_of(ioctl(listener, TIOCSTI, "x"));
}

static int disconnects(void)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	return error_of(connect(listener, &nowhere, sizeof(nowhere)));
}

static struct {
	int level, name;
} option;

static int sets_option(void)
{
	static struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog nothing = {.len = 1, .filter = code};
	int filter = option.name == SO_ATTACH_FILTER || option.name == SO_ATTACH_REUSEPORT_CBPF;

	return error_of(setsockopt(listener, option.level, option.name, filter ? (void *)&nothing : &one,
				   filter ? sizeof(nothing) : sizeof(one)));
}

static void it_leaves_nothing_with_a_shared_socket(void **state)
{
	static const int options[][2] = {
		{SOL_SOCKET, SO_ATTACH_FILTER}, {SOL_SOCKET, SO_DETACH_FILTER},
		{SOL_SOCKET, SO_LOCK_FILTER},   {SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF},
		{SOL_SOCKET, SO_RCVBUF},        {SOL_SOCKET, SO_BINDTODEVICE},
		{SOL_SOCKET, SO_REUSEPORT},     {IPPROTO_TCP, TCP_DEFER_ACCEPT},
		{IPPROTO_TCP, TCP_MAXSEG},      {IPPROTO_TCP, TCP_MD5SIG},
		{IPPROTO_IP, IP_TTL},           {IPPROTO_IP, IP_MINTTL},
	};

	(void)state;
	refuses("shutdown", shuts_down, EPERM);
	refuses("shutdown of both directions", shuts_both_down, EPERM);
	refuses("listen", shortens_its_queue, EPERM);
	refuses("connect to nothing", disconnects, EPERM);
	refuses("a socket that blocks", makes_it_block, EPERM);
	refuses("the same by ioctl", blocks_by_ioctl, EPERM);
	refuses("signals", asks_for_signals, EPERM);
	refuses("the same by ioctl", signals_by_ioctl, EPERM);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		option.level = options[i][0];
		option.name = options[i][1];
		refuses("an option", sets_option, EPERM);
	}
	refuses("a socket of its own", of_its_own, EPERM);
	refuses("a pair of them", a_pair, EPERM);
	refuses("typing into a terminal", types, EPERM);
}

/* --- what it needs --- */

#define NEEDS(what)                                                   \
	do {                                                          \
		if (!(what))                                          \
			return __LINE__ & 0x7f ? __LINE__ & 0x7f : 1; \
	} while (0)

static int does_its_work(void)
{
	struct linger at_once = {1, 0};
	struct epoll_event event = {.events = EPOLLIN};
	int taken = accept4(listener, NULL, NULL, SOCK_CLOEXEC), file, loop, octets;

	NEEDS(taken >= 0);
	NEEDS(fcntl(taken, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	NEEDS(fcntl(taken, F_GETFL) == (O_RDWR | O_NONBLOCK));
	loop = epoll_create1(EPOLL_CLOEXEC);
	NEEDS(epoll_ctl(loop, EPOLL_CTL_ADD, taken, &event) == 0);
	NEEDS(epoll_wait(loop, &event, 1, 10000) == 1);
	NEEDS(recv(taken, &octets, 4, 0) == 4);
	file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	NEEDS(sendfile(taken, file, NULL, 100) == 100);
	NEEDS(ioctl(taken, SIOCOUTQ, &octets) == 0);
	NEEDS(setsockopt(taken, IPPROTO_TCP, TCP_ULP, "tls", 4) == 0 || errno != EPERM);
	NEEDS(shutdown(taken, SHUT_WR) == 0);
	NEEDS(setsockopt(taken, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
	NEEDS(fcntl(file, F_DUPFD_CLOEXEC, 3) >= 0);
	NEEDS(syscall(SYS_memfd_create, "x", 0) >= 0);
	NEEDS(prctl(PR_SET_NAME, "brood: test") == 0);
	NEEDS(kill(getpid(), 0) == 0);
	return SURVIVED;
}

static void a_workers_work_goes_on(void **state)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int client = socket(AF_INET, SOCK_STREAM, 0), status;
	char octets[128];

	(void)state;
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
	assert_int_equal(write(client, "ping", 4), 4);
	status = run(does_its_work);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != SURVIVED)
		fail_msg("wait status %#x: not line %d (modulo 128)", (unsigned)status, WEXITSTATUS(status));
	assert_int_equal(recv(client, octets, 100, MSG_WAITALL), 100);
	close(client);
}

static int aborts(void)
{
	abort();
}

static void it_can_still_end_itself(void **state)
{
	int status;

	(void)state;
	status = run(aborts);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* --- without a filter --- */

static int only_limited(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0 ? 0 : 1;
}

static void the_number_of_its_processes_is_limited_too(void **state)
{
	(void)state;
	assert_int_equal(run(only_limited), 0);
}

static bool has_filters(void)
{
	int status = run(only_limited);

	return !WIFEXITED(status) || WEXITSTATUS(status) != NO_FILTER;
}

static int set_up(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char reason[128];

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 8), 0);
	return privilege_lookup("nobody", NULL, &nobody, reason, sizeof(reason)) == 0 ||
			       privilege_lookup(NULL, NULL, &nobody, reason, sizeof(reason)) == 0
		       ? 0
		       : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_makes_no_process_and_runs_no_program),
		cmocka_unit_test(other_abis_do_not_exist_for_it),
		cmocka_unit_test(it_touches_no_other_process),
		cmocka_unit_test(it_leaves_nothing_with_a_shared_socket),
		cmocka_unit_test(a_workers_work_goes_on),
		cmocka_unit_test(it_can_still_end_itself),
		cmocka_unit_test(the_number_of_its_processes_is_limited_too),
	};

	set_up(NULL);
	if (!has_filters()) {
		printf("1..0 # SKIP no filters of system calls on this machine\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
