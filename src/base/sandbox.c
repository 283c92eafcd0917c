/* SPDX-License-Identifier: MIT
 *
 * The lock as a seccomp filter (sandbox.h), made of two tables: calls that are refused, and calls
 * that are refused but for some arguments. All others are allowed, and for these the kernel asks
 * the filter once and remembers (it knows what does not depend on arguments), so that they cost
 * next to nothing.
 *
 * Only whole words of arguments can be looked at, no memory behind a pointer: this is why clone3 is
 * refused altogether, and why no call that hands on a descriptor within a message can be told from
 * others. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where calls have these numbers, and sockets a call each. 0: not known here, so there is no
 * filter. */
#if defined(__x86_64__) && !defined(__ILP32__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_X86_64, FOREIGN_CALLS = 0x40000000 /* those of x32 */ };
#elif defined(__aarch64__) && defined(__AARCH64EL__) && !defined(__ILP32__)
enum { ARCHITECTURE = (int)AUDIT_ARCH_AARCH64, FOREIGN_CALLS = 0x40000000 };
#elif defined(__riscv) && __riscv_xlen == 64
enum { ARCHITECTURE = (int)AUDIT_ARCH_RISCV64, FOREIGN_CALLS = 0x40000000 };
#else
enum { ARCHITECTURE = 0, FOREIGN_CALLS = 0x40000000 };
#endif

static const int refused[] = {
	/* Processes, threads and programs. */
	SYS_clone,
	SYS_execve,
	SYS_execveat,
	SYS_unshare,
	SYS_setns,
#ifdef SYS_fork /* newer machines have clone alone */
	SYS_fork,
	SYS_vfork,
#endif
#ifdef SYS_clone3
	SYS_clone3,
#endif
	/* Other processes of the same user. */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_tkill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
	SYS_setpriority,
	SYS_ioprio_set,
	SYS_sched_setaffinity,
	SYS_sched_setattr,
	SYS_sched_setparam,
	SYS_sched_setscheduler,
#ifdef SYS_pidfd_send_signal
	SYS_pidfd_send_signal,
#endif
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
	/* Sockets of its own; to connect a listening socket to nothing would end it for all. */
	SYS_socket,
	SYS_socketpair,
	SYS_bind,
	SYS_connect,
	SYS_listen,
/* Its requests are carried out past any filter. */
#ifdef SYS_io_uring_setup
	SYS_io_uring_setup,
#endif
};

enum { MATCHES_MAX = 2, LEVEL_TLS = 282 /* SOL_TLS, which not every C library has */ };

/* Of the lower half of an argument, which is all that these calls look at. */
struct match {
	unsigned argument; /* counted from 1; 0: no further match */
	int32_t value;
	int32_t others; /* bits that do not matter */
	bool own_pid;   /* in place of the value */
};

/* A call that is named here is refused unless a row of it matches. Its rows stand together. */
static const struct permitted {
	int call;
	struct match match[MATCHES_MAX];
} permitted[] = {
	{SYS_kill, {{.argument = 1, .own_pid = true}}},
	{SYS_tgkill, {{.argument = 1, .own_pid = true}}},
	{SYS_prlimit64, {{.argument = 1, .value = 0}}},
	{SYS_prctl, {{.argument = 1, .value = PR_SET_NAME}}},
	{SYS_prctl, {{.argument = 1, .value = PR_GET_DUMPABLE}}},
	/* Without O_ASYNC (signals), and never blocking: others wait on the same socket, and one of
	 * them, the master perhaps, would stand still. */
	{SYS_fcntl,
	 {{.argument = 2, .value = F_SETFL}, {.argument = 3, .value = O_NONBLOCK, .others = ~(O_NONBLOCK | O_ASYNC)}}},
	{SYS_fcntl, {{.argument = 2, .value = F_GETFL}}},
	{SYS_fcntl, {{.argument = 2, .value = F_DUPFD}}},
	{SYS_fcntl, {{.argument = 2, .value = F_DUPFD_CLOEXEC}}},
	{SYS_fcntl, {{.argument = 2, .value = F_GETFD}}},
	{SYS_fcntl, {{.argument = 2, .value = F_SETFD}}},
	{SYS_fcntl, {{.argument = 2, .value = F_GETLK}}},
	{SYS_fcntl, {{.argument = 2, .value = F_SETLK}}},
	{SYS_fcntl, {{.argument = 2, .value = F_SETLKW}}},
	{SYS_fcntl, {{.argument = 2, .value = F_GET_SEALS}}},
	{SYS_fcntl, {{.argument = 2, .value = F_ADD_SEALS}}},
	/* A terminal that the server was started from takes more than one may like (TIOCSTI types).
	 */
	{SYS_ioctl, {{.argument = 2, .value = SIOCOUTQ}}},
	{SYS_ioctl, {{.argument = 2, .value = FIONREAD}}},
	{SYS_ioctl, {{.argument = 2, .value = TCGETS}}},
	/* The other direction stops a listening socket, for all who share it. */
	{SYS_shutdown, {{.argument = 2, .value = SHUT_WR}}},
	{SYS_setsockopt, {{.argument = 2, .value = SOL_SOCKET}, {.argument = 3, .value = SO_LINGER}}},
	{SYS_setsockopt, {{.argument = 2, .value = IPPROTO_TCP}, {.argument = 3, .value = TCP_ULP}}},
	{SYS_setsockopt, {{.argument = 2, .value = LEVEL_TLS}}},
};

enum {
	REFUSED = sizeof(refused) / sizeof(refused[0]),
	PERMITTED = sizeof(permitted) / sizeof(permitted[0]),
	/* The beginning and the end; a jump and a verdict; the most that a row can come to. */
	CODE_MAX = 8 + 2 * REFUSED + (3 + 3 * MATCHES_MAX) * PERMITTED,
};

struct program {
	struct sock_filter code[CODE_MAX];
	unsigned short used;
};

static void add(struct program *program, unsigned code, uint32_t value)
{
	program->code[program->used++] = (struct sock_filter)BPF_STMT((unsigned short)code, value);
}

/* A verdict for when the word at hand has that value; else the filter goes on behind it. */
static void add_verdict(struct program *program, unsigned compare, uint32_t value, uint32_t verdict)
{
	program->code[program->used++] =
		(struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | compare | BPF_K), value, 0, 1);
	add(program, BPF_RET | BPF_K, verdict);
}

static void load_argument(struct program *program, unsigned argument)
{
	size_t low_half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;

	add(program, BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (argument - 1) + low_half));
}

/* Lets jumps that were left open lead behind all that has been added. */
static void land(struct program *program, const unsigned short *jumps, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		program->code[jumps[i]].jf = (unsigned char)(program->used - jumps[i] - 1);
}

static unsigned short add_jump(struct program *program, uint32_t value)
{
	program->code[program->used] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0);
	return program->used++;
}

static void add_row(struct program *program, const struct permitted *row)
{
	unsigned short jumps[MATCHES_MAX];
	unsigned count = 0;

	for (; count < MATCHES_MAX && row->match[count].argument != 0; count++) {
		const struct match *match = &row->match[count];

		load_argument(program, match->argument);
		if (match->others != 0)
			add(program, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)match->others);
		jumps[count] = add_jump(program, (uint32_t)(match->own_pid ? getpid() : match->value));
	}
	add(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	land(program, jumps, count);
}

/* All rows of one call. Returns how many. */
static unsigned add_rows(struct program *program, const struct permitted *first, unsigned left)
{
	unsigned short otherwise = add_jump(program, (uint32_t)first->call);
	unsigned count = 0;

	for (; count < left && first[count].call == first->call; count++)
		add_row(program, &first[count]);
	add(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	land(program, &otherwise, 1);
	return count;
}

static void make(struct program *program)
{
	program->used = 0;
	add(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	program->code[program->used++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ARCHITECTURE, 1, 0);
	add(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	add(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	add_verdict(program, BPF_JGE, FOREIGN_CALLS, SECCOMP_RET_ERRNO | ENOSYS);
	for (unsigned i = 0; i < REFUSED; i++)
		add_verdict(program, BPF_JEQ, (uint32_t)refused[i], SECCOMP_RET_ERRNO | EPERM);
	for (unsigned i = 0; i < PERMITTED;)
		i += add_rows(program, &permitted[i], PERMITTED - i);
	add(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

int sandbox_enter(void)
{
	const struct rlimit none = {0, 0};
	struct program program;
	struct sock_fprog filter = {.filter = program.code};

	/* A second lock on the same door, and the only one where there is no filter. */
	(void)setrlimit(RLIMIT_NPROC, &none);
	if (ARCHITECTURE == 0)
		return -ENOTSUP;
	make(&program);
	filter.len = program.used;
	/* Older kernels would else slow all of the process down (Speculative Store Bypass), for
	 * filters that keep secrets from code within the same process. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0)
		return -errno;
	return 0;
}
