/* SPDX-License-Identifier: MIT
 *
 * refuse ERRNO COMMAND...: executes a command for which there is no openat2, as on older kernels and behind the filters
 * of some containers: the call fails with ERRNO (ENOSYS, EPERM). */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse_openat2(unsigned error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned value;
	} errors[] = {{"ENOSYS", ENOSYS}, {"EPERM", EPERM}};
	unsigned error = 0;

	for (size_t i = 0; argc > 2 && i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(argv[1], errors[i].name) == 0)
			error = errors[i].value;
	}
	if (error == 0) {
		fprintf(stderr, "usage: refuse ENOSYS|EPERM COMMAND...\n");
		return 2;
	}
	if (refuse_openat2(error) < 0) {
		perror("refuse: seccomp");
		return 126;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
