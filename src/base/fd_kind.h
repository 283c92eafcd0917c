/* SPDX-License-Identifier: MIT
 *
 * What each descriptor is, in builds for finding mistakes (--enable-sanitize, --enable-debug): a number that is used as
 * another kind than it was made for ends the process, before an octet goes to somebody that it is not meant for. In
 * other builds these are nothing.
 *
 * A number is noted by whoever makes or gets the descriptor, and forgotten by fd_close. One that was not noted counts
 * as right. */
#ifndef BROOD_BASE_FD_KIND_H
#define BROOD_BASE_FD_KIND_H

enum fd_kind {
	FD_UNKNOWN,
	FD_CONNECTION, /* a client's */
	FD_LISTENER,
	FD_CHANNEL, /* between two of our processes */
	FD_LOG,
	FD_MEMORY, /* boards, queues of lines, certificates */
	FD_FOLDER, /* a site's root */
	FD_FILE,   /* of a site */
	FD_LOCK,   /* the pid file */
	FD_KINDS
};

#ifdef BROOD_FD_KINDS
/* It is one from now on. Ends the process when it is noted as something else, that is, when whoever had that number
 * has closed it in a way that is no close of its owner's. */
void fd_note(int fd, enum fd_kind kind);
/* It is about to be used as one. */
void fd_expect(int fd, enum fd_kind kind);
/* It is closed, or not ours any more. */
void fd_forget(int fd);
/* The same for all from one number to another. */
void fd_forget_between(unsigned first, unsigned last);
#else
static inline void fd_note(int fd, enum fd_kind kind)
{
	(void)fd, (void)kind;
}
static inline void fd_expect(int fd, enum fd_kind kind)
{
	(void)fd, (void)kind;
}
static inline void fd_forget(int fd)
{
	(void)fd;
}
static inline void fd_forget_between(unsigned first, unsigned last)
{
	(void)first, (void)last;
}
#endif

#endif
