/* SPDX-License-Identifier: MIT
 *
 * Becoming another program image (execute.h). Master only. */
#include "proc/execute.h"

#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int keep(const int *fds, size_t count, int on)
{
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		int one = fd_set_cloexec(fds[i], !on);

		error = error ? error : one;
	}
	return error;
}

int process_execute(int binary, char **argv, const char *name, const char *value, const int *fds, size_t count)
{
	int error;

	if (setenv(name, value, 1) < 0)
		return -errno;
	error = keep(fds, count, 1);
	if (!error) {
		fexecve(binary, argv, environ);
		error = -errno;
	}
	(void)!keep(fds, count, 0); /* it went well the other way */
	unsetenv(name);
	return error;
}

int process_image_prepare(struct process_image *out, int binary, char **argv, const char *name, const char *value)
{
	size_t count = 0, size = strlen(name) + strlen(value) + 2;
	char *text;

	*out = (struct process_image){.binary = binary, .argv = argv};
	while (environ[count])
		count++;
	text = malloc(size);
	out->environment = malloc((count + 2) * sizeof(*environ));
	if (!text || !out->environment) {
		free(text);
		free(out->environment);
		out->environment = NULL;
		return -ENOMEM;
	}
	snprintf(text, size, "%s=%s", name, value);
	out->environment[0] = text; /* the first one counts */
	memcpy(out->environment + 1, environ, (count + 1) * sizeof(*environ));
	return 0;
}

void process_image_free(struct process_image *image)
{
	if (image->environment)
		free(image->environment[0]);
	free(image->environment);
	image->environment = NULL;
}

void process_image_execute(const struct process_image *image)
{
	fexecve(image->binary, image->argv, image->environment);
}
