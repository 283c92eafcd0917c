/* SPDX-License-Identifier: MIT
 *
 * A configuration file, read and checked as at the start of a server; its first octet chooses a setting
 * that the rest is given to as by -s. */
#include "fuzz.h"

#include "brood/config/configuration.h"
#include "brood/config/options.h"
#include "brood/config/settings.h"

#include <sys/mman.h>
#include <unistd.h>

/* libconfig 1.5 loses a string that stands where none may (64 octets, with a file that is refused). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static void load(const struct options *options)
{
	struct config *config = NULL;
	struct buffer reason = {0};
	FILE *nowhere;

	if (config_load(&config, options, &reason) == 0) {
		nowhere = fopen("/dev/null", "w");
		config_print(config, nowhere);
		fclose(nowhere);
	} else {
		FUZZ_CHECK(reason.used > 0 && reason.data[reason.used - 1] == '\n');
	}
	config_free(config);
	buffer_free(&reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned which = fuzz_octet(&input);
	struct options options = {.directory = (char *)"/tmp"};
	char path[64], *set, *value = fuzz_text(input.at, input.left);
	const char *list[1];
	int fd = memfd_create("config", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && write(fd, input.at, input.left) == (ssize_t)input.left);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	options.file = path;
	load(&options);
	options.file = NULL;
	if (asprintf(&set, "%s=%s", setting_at(which % settings_count())->name, value) >= 0) {
		list[0] = set;
		options.set = list;
		options.set_count = 1;
		load(&options);
		free(set);
	}
	free(value);
	close(fd);
	return 0;
}
