/* SPDX-License-Identifier: MIT
 *
 * Listening sockets, on the loopback interface and in a directory of their own. */
#include "base/socket.h"
#include "base/socket_holder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct socket_options alone = {
	.backlog = 16, .unix_mode = 0660, .unix_owner = (uid_t)-1, .unix_group = (gid_t)-1};
static char directory[] = "/tmp/socket_test.XXXXXX";

static struct address parsed(const char *text)
{
	struct address address;
	char reason[128];

	assert_int_equal(address_parse(text, &address, reason, sizeof(reason)), 0);
	return address;
}

static struct address in_directory(const char *name)
{
	char text[100];

	snprintf(text, sizeof(text), "unix:%s/%s", directory, name);
	return parsed(text);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

static int connected(const struct address *address)
{
	int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&address->storage, address->size) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void port_0_becomes_the_port_that_was_chosen(void **state)
{
	struct address address = parsed("127.0.0.1:0");
	int client, fd = socket_listen(&address, &alone);

	(void)state;
	assert_true(fd >= 0);
	assert_int_not_equal(address_port(&address), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
	client = connected(&address);
	assert_true(client >= 0);
	/* Nothing has been sent: nothing is to be accepted. */
	assert_int_equal(accept4(fd, NULL, NULL, SOCK_CLOEXEC), -1);
	assert_int_equal(errno, EAGAIN);
	close(client);
	close(fd);
}

/* What calls before have left on the stack. */
static void __attribute__((noinline)) dirty_stack(void)
{
	volatile char octets[4096];

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = 'x';
}

static void nothing_is_in_an_address_but_the_address(void **state)
{
	struct address address = parsed("127.0.0.1:0");
	const char *octets = (const char *)&address.storage;
	int fd;

	(void)state;
	dirty_stack();
	fd = socket_listen(&address, &alone);
	assert_true(fd >= 0);
	for (size_t i = address.size; i < sizeof(address.storage); i++)
		assert_int_equal(octets[i], 0);
	close(fd);
}

static void a_taken_address_is_in_use_and_names_its_holder(void **state)
{
	static const enum socket_sharing kinds[] = {SOCKET_ALONE, SOCKET_GROUP_FIRST};
	struct address address = parsed("127.0.0.1:0"), again;
	struct socket_options options = alone;
	char holder[64], expected[32];
	int fd;

	(void)state;
	options.sharing = SOCKET_GROUP_FIRST;
	fd = socket_listen(&address, &options);
	assert_true(fd >= 0);
	for (size_t i = 0; i < 2; i++) {
		again = address;
		options.sharing = kinds[i];
		assert_int_equal(socket_listen(&again, &options), -EADDRINUSE);
	}
	assert_true(socket_holder(&address, NULL, holder, sizeof(holder)));
	snprintf(expected, sizeof(expected), "pid %d (", (int)getpid());
	assert_memory_equal(holder, expected, strlen(expected));
	close(fd);
	assert_false(socket_holder(&address, NULL, holder, sizeof(holder)));
}

static void a_group_shares_one_address(void **state)
{
	struct address address = parsed("127.0.0.1:0"), again;
	struct socket_options options = alone;
	int first, further[3];

	(void)state;
	options.sharing = SOCKET_GROUP_FIRST;
	first = socket_listen(&address, &options);
	assert_true(first >= 0);
	assert_int_equal(option(first, SOL_SOCKET, SO_REUSEPORT), 1);
	options.sharing = SOCKET_GROUP_FURTHER;
	for (size_t i = 0; i < 3; i++) {
		again = address;
		further[i] = socket_listen(&again, &options);
		assert_true(further[i] >= 0);
		assert_string_equal(again.text, address.text);
	}
	for (size_t i = 0; i < 3; i++)
		close(further[i]);
	close(first);
}

static void the_wildcard_takes_both_families_and_any6_only_its_own(void **state)
{
	struct address star = parsed("*:0"), any6, any4 = parsed("0.0.0.0:0"), local;
	int fd, fd4, client;

	(void)state;
	fd = socket_listen(&star, &alone);
	assert_true(fd >= 0);
	local = parsed("127.0.0.1:0");
	address_set_port(&local, address_port(&star));
	client = connected(&local);
	assert_true(client >= 0);
	close(client);
	close(fd);
	if (!star.wildcard) /* no IPv6 here: 0.0.0.0 stood in */
		return;
	any6 = parsed("[::]:0");
	fd = socket_listen(&any6, &alone);
	assert_true(fd >= 0);
	address_set_port(&any4, address_port(&any6));
	fd4 = socket_listen(&any4, &alone);
	assert_true(fd4 >= 0);
	close(fd4);
	close(fd);
}

static bool is_never(const void *context, uint64_t inode)
{
	return inode == *(const uint64_t *)context;
}

static void a_quiet_socket_has_its_address_and_no_clients(void **state)
{
	struct address address = parsed("127.0.0.1:0"), again;
	struct socket_options options = alone;
	int fd, client;

	(void)state;
	options.quiet = true;
	fd = socket_listen(&address, &options);
	assert_true(fd >= 0);
	assert_int_not_equal(address_port(&address), 0);
	again = address;
	assert_int_equal(connected(&address), -1);
	assert_false(socket_is_shared(&again, NULL));
	assert_int_equal(socket_begin(fd, 8), 0);
	client = connected(&address);
	assert_true(client >= 0);
	assert_int_equal(socket_listen(&again, &alone), -EADDRINUSE);
	close(client);
	close(fd);
}

static void who_shares_an_address_is_seen(void **state)
{
	struct address one = parsed("127.0.0.1:0"), any = parsed("0.0.0.0:0"), any6 = parsed("[::]:0");
	struct socket_options options = alone;
	struct socket_own own = {.has = is_never};
	uint64_t inode;
	int fd;

	(void)state;
	options.sharing = SOCKET_GROUP_FURTHER;
	fd = socket_listen(&one, &options);
	assert_true(fd >= 0);
	address_set_port(&any, address_port(&one));
	address_set_port(&any6, address_port(&one));
	assert_true(socket_is_shared(&one, NULL));
	assert_true(socket_is_shared(&any, NULL));
	assert_false(socket_is_shared(&any6, NULL));
	inode = socket_inode(fd);
	own.context = &inode;
	assert_false(socket_is_shared(&any, &own));
	close(fd);
	assert_false(socket_is_shared(&any, NULL));
}

/* New clients go to whoever stands behind it; those who have begun stay. */
static void what_steps_aside_lets_others_pass(void **state)
{
	struct address one = parsed("127.0.0.1:0"), any = parsed("0.0.0.0:0");
	struct socket_options options = alone;
	struct pollfd wait;
	int first, behind, begun, later;

	(void)state;
	options.sharing = SOCKET_GROUP_FIRST;
	first = socket_listen(&one, &options);
	address_set_port(&any, address_port(&one));
	options.sharing = SOCKET_GROUP_FURTHER;
	behind = socket_listen(&any, &options);
	assert_true(first >= 0 && behind >= 0);
	begun = connected(&one);
	assert_true(begun >= 0);
	if (socket_step_aside(first) == -EPERM)
		skip(); /* a kernel before 5.7 */
	later = connected(&one);
	assert_true(later >= 0);
	assert_int_equal(write(begun, "b", 1), 1);
	assert_int_equal(write(later, "l", 1), 1);
	wait = (struct pollfd){.fd = first, .events = POLLIN};
	assert_int_equal(poll(&wait, 1, 10000), 1);
	wait = (struct pollfd){.fd = behind, .events = POLLIN};
	assert_int_equal(poll(&wait, 1, 10000), 1);
	close(behind);
	assert_int_equal(connected(&one), -1);
	close(first);
	close(begun);
	close(later);
}

/* Who is in the doorway comes in; who is outside stays there. */
static void behind_a_closed_door_only_those_come_who_have_begun(void **state)
{
	static const char *const texts[] = {"127.0.0.1:0", "[::1]:0"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct address address = parsed(texts[i]);
		int listening = socket_listen(&address, &alone), begun, outside, accepted;
		struct pollfd wait;
		char octets[8];

		if (listening == -EAFNOSUPPORT || listening == -EADDRNOTAVAIL)
			continue; /* no IPv6 here */
		assert_true(listening >= 0);
		begun = connected(&address); /* deferred: the kernel keeps it until it says something */
		assert_true(begun >= 0);
		assert_int_equal(socket_close_door(listening), 0);
		outside = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_int_equal(connect(outside, (const struct sockaddr *)&address.storage, address.size), -1);
		assert_int_equal(errno, EINPROGRESS);
		assert_int_equal(write(begun, "hello", 5), 5);
		wait = (struct pollfd){.fd = listening, .events = POLLIN};
		assert_int_equal(poll(&wait, 1, 10000), 1);
		accepted = accept(listening, NULL, NULL);
		assert_true(accepted >= 0);
		assert_int_equal(read(accepted, octets, sizeof(octets)), 5);
		assert_int_equal(write(accepted, "world", 5), 5);
		assert_int_equal(read(begun, octets, sizeof(octets)), 5);
		wait = (struct pollfd){.fd = outside, .events = POLLOUT};
		assert_int_equal(poll(&wait, 1, 0), 0);
		close(listening); /* its next attempt, in a second, is refused */
		assert_int_equal(poll(&wait, 1, 10000), 1);
		assert_int_equal(option(outside, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
		close(outside);
		close(accepted);
		close(begun);
	}
}

/* Not even for root, who may do so as long as the filter is not locked. */
static void nobody_opens_a_closed_door_again(void **state)
{
	struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
	const struct sock_fprog program = {.len = 1, .filter = all};
	struct address address = parsed("127.0.0.1:0");
	int listening = socket_listen(&address, &alone), copy = dup(listening), none = 0;

	(void)state;
	assert_true(copy >= 0);
	assert_int_equal(socket_close_door(listening), 0);
	assert_int_equal(setsockopt(copy, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(setsockopt(copy, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(setsockopt(copy, SOL_SOCKET, SO_LOCK_FILTER, &none, sizeof(none)), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(socket_close_door(listening), -EPERM);
	close(copy);
	close(listening);
}

static void sockets_have_one_role(void **state)
{
	struct address address = parsed("127.0.0.1:0");
	int listening = socket_listen(&address, &alone), channel[2], others[2];

	(void)state;
	assert_true(listening >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, others), 0);
	for (int role = SOCKET_LISTENING; role <= SOCKET_CHANNEL; role++) {
		assert_int_equal(socket_has_role(listening, (enum socket_role)role), role == SOCKET_LISTENING);
		assert_int_equal(socket_has_role(others[0], (enum socket_role)role), role == SOCKET_CONNECTION);
		assert_int_equal(socket_has_role(channel[0], (enum socket_role)role), role == SOCKET_CHANNEL);
		assert_false(socket_has_role(-1, (enum socket_role)role));
	}
	close(listening);
	for (unsigned i = 0; i < 2; i++) {
		close(channel[i]);
		close(others[i]);
	}
}

static void a_unix_socket_has_its_mode_and_name_from_the_start(void **state)
{
	struct address address = in_directory("mode.sock"), own;
	struct stat status;
	mode_t mask = umask(077);
	int client, fd = socket_listen(&address, &alone);

	(void)state;
	assert_int_equal(umask(mask), 077);
	assert_true(fd >= 0);
	assert_int_equal(stat(address_unix_path(&address), &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0660);
	assert_int_equal(address_of_socket(fd, &own), 0);
	assert_string_equal(own.text, address.text);
	client = connected(&address);
	assert_true(client >= 0);
	close(client);
	close(fd);
}

static void a_unix_socket_is_given_to_its_owner(void **state)
{
	struct socket_options options = alone;
	struct address address = in_directory("owner.sock");
	struct stat status;
	int fd;

	(void)state;
	options.unix_owner = geteuid() == 0 ? 12345 : geteuid();
	options.unix_group = geteuid() == 0 ? 23456 : getegid();
	fd = socket_listen(&address, &options);
	assert_true(fd >= 0);
	assert_int_equal(stat(address_unix_path(&address), &status), 0);
	assert_int_equal(status.st_uid, options.unix_owner);
	assert_int_equal(status.st_gid, options.unix_group);
	assert_int_equal(status.st_mode, S_IFSOCK | 0660);
	close(fd);
}

static void only_a_stale_unix_socket_is_replaced(void **state)
{
	struct address address = in_directory("stale.sock"), again = address;
	char holder[64], expected[32];
	int fd = socket_listen(&address, &alone);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(socket_listen(&again, &alone), -EADDRINUSE);
	assert_true(socket_holder(&address, NULL, holder, sizeof(holder)));
	snprintf(expected, sizeof(expected), "pid %d (", (int)getpid());
	assert_memory_equal(holder, expected, strlen(expected));
	close(fd);
	fd = socket_listen(&again, &alone);
	assert_true(fd >= 0);
	close(fd);
}

static void a_file_that_is_no_socket_is_never_touched(void **state)
{
	struct address address = in_directory("precious");
	int fd = open(address_unix_path(&address), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct stat status;

	(void)state;
	assert_int_equal(write(fd, "data", 4), 4);
	close(fd);
	assert_int_equal(socket_listen(&address, &alone), -EEXIST);
	assert_int_equal(stat(address_unix_path(&address), &status), 0);
	assert_int_equal(status.st_size, 4);
}

static void the_longest_path_works_and_a_missing_folder_does_not(void **state)
{
	char text[120];
	struct address address = in_directory("absent/a.sock");
	size_t length;
	int fd;

	(void)state;
	assert_int_equal(socket_listen(&address, &alone), -ENOENT);
	length = (size_t)snprintf(text, sizeof(text), "unix:%s/", directory);
	memset(text + length, 'p', 5 + 107 - length);
	text[5 + 107] = '\0';
	address = parsed(text);
	fd = socket_listen(&address, &alone);
	assert_true(fd >= 0);
	assert_int_equal(access(address_unix_path(&address), F_OK), 0);
	close(fd);
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"mode.sock", "owner.sock", "stale.sock", "precious"};
	char path[108];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct address address = in_directory(names[i]);

		unlink(address_unix_path(&address));
	}
	memset(path, 'p', sizeof(path));
	memcpy(path, directory, strlen(directory));
	path[strlen(directory)] = '/';
	path[107] = '\0';
	unlink(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_0_becomes_the_port_that_was_chosen),
		cmocka_unit_test(nothing_is_in_an_address_but_the_address),
		cmocka_unit_test(a_taken_address_is_in_use_and_names_its_holder),
		cmocka_unit_test(a_group_shares_one_address),
		cmocka_unit_test(the_wildcard_takes_both_families_and_any6_only_its_own),
		cmocka_unit_test(a_quiet_socket_has_its_address_and_no_clients),
		cmocka_unit_test(who_shares_an_address_is_seen),
		cmocka_unit_test(what_steps_aside_lets_others_pass),
		cmocka_unit_test(nobody_opens_a_closed_door_again),
		cmocka_unit_test(behind_a_closed_door_only_those_come_who_have_begun),
		cmocka_unit_test(sockets_have_one_role),
		cmocka_unit_test(a_unix_socket_has_its_mode_and_name_from_the_start),
		cmocka_unit_test(a_unix_socket_is_given_to_its_owner),
		cmocka_unit_test(only_a_stale_unix_socket_is_replaced),
		cmocka_unit_test(a_file_that_is_no_socket_is_never_touched),
		cmocka_unit_test(the_longest_path_works_and_a_missing_folder_does_not),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
