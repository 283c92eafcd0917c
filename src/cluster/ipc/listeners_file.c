/* SPDX-License-Identifier: MIT
 *
 * The files of Unix sockets (listeners.h). Whoever may write to the folder can put another in a file's place, so each
 * is known by its device and inode. Master only. */
#include "cluster/ipc/listeners.h"

#include "base/trusted_file.h"

void listener_note_file(struct listener *listener)
{
	struct stat status;

	if (trusted_file_look(address_unix_path(&listener->address), &status) < 0)
		return;
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
}

bool listener_is_reached(const struct listener *listener)
{
	struct stat status;

	if (listener->origin != LISTENER_BOUND_UNIX || listener->inode == 0)
		return true;
	return trusted_file_look(address_unix_path(&listener->address), &status) == 0 &&
	       status.st_dev == listener->device && status.st_ino == listener->inode;
}

bool listeners_are_reached(const struct listeners *listeners)
{
	for (unsigned i = 0; i < listeners->count; i++)
		if (listeners->all[i].now && !listener_is_reached(&listeners->all[i]))
			return false;
	return true;
}

void listener_remove_file(const struct listener *listener)
{
	struct stat made = {.st_dev = listener->device, .st_ino = listener->inode};

	if (listener->origin == LISTENER_BOUND_UNIX)
		trusted_file_remove(address_unix_path(&listener->address), listener->inode ? &made : NULL);
}

int listener_set_mode(const struct listener *listener, unsigned mode)
{
	struct stat made = {.st_dev = listener->device, .st_ino = listener->inode};

	return trusted_file_set_mode(address_unix_path(&listener->address), &made, mode);
}
