/* SPDX-License-Identifier: MIT
 *
 * The command line. Read once by the master, kept, and applied on top of the file again at each
 * reload (configuration.h). */
#ifndef BROOD_BROOD_CONFIG_OPTIONS_H
#define BROOD_BROOD_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct known_roots;
struct looking;

/* What was asked for. Strings point into argv, which must outlive this, except those said to be
 * owned. NULL: not given. */
struct options {
	char *file;          /* -c, absolute, owned; NULL: none is read */
	const char **listen; /* -l, in order; the array is owned */
	size_t listen_count;
	const char **set; /* -s NAME=VALUE, in order; the array is owned */
	size_t set_count;
	const char *workers, *accept, *pid_file, *control, *root; /* as typed */
	bool daemon, verbose;
	enum { OPTIONS_RUN, OPTIONS_TEST, OPTIONS_PRINT } action;
	const struct known_roots *known_roots; /* these are taken as they are known to be; NULL: none */
	struct looking *looking; /* who reads a configuration tells there what it opens; NULL: nobody looks */
	char *directory;         /* the working directory at start, with its links, owned; relative paths resolve
				    there, also in the file and after a change of directory */
};

/* Reads the command line; argv is reordered (operands last). Returns -1 to go on, else the exit
 * status: 0 after --help and --version, 2 for what cannot be understood, 1 when the system fails.
 * What was wrong is on stderr by then, in one line. In every case *out is to be freed. */
int options_parse(struct options *out, int argc, char **argv) __attribute__((warn_unused_result));
/* The same as if it was done in that folder, which need not be there any more. */
int options_parse_in(struct options *out, int argc, char **argv, const char *directory)
	__attribute__((warn_unused_result));
void options_free(struct options *options);

#endif
