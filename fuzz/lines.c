/* SPDX-License-Identifier: MIT
 *
 * A queue of lines whose writer was taken over: whatever it writes into the memory, while it is read. */
#include "fuzz.h"

#include "base/log.h"
#include "brood/log/log_reader.h"
#include "cluster/ipc/log_outlet.h"
#include "log_to.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PASSES_MAX = 4096, LINES = 5, ERRORS = 9 };

static const struct log_source_message who = {.serial = 1, .pid = 4711, .error_log = ERRORS, .tag = "worker 3"};

static int make_sink(struct log_sink_file *file, unsigned number, enum log_kind kind, struct list *sinks)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	*file = (struct log_sink_file){.number = number, .kind = kind, .writer = log_writer_new(dup(fd))};
	FUZZ_CHECK(fd >= 0 && file->writer);
	list_init(&file->link);
	list_append(sinks, &file->link);
	return fd;
}

/* Whole lines; those of the error log are printable, and begin with a time and end with nobody else's name. */
static void check(int fd, bool messages)
{
	struct stat status;
	char *text;

	FUZZ_CHECK(fstat(fd, &status) == 0);
	text = malloc((size_t)status.st_size + 1);
	FUZZ_CHECK(text && pread(fd, text, (size_t)status.st_size, 0) == status.st_size);
	text[status.st_size] = '\0';
	FUZZ_CHECK(status.st_size == 0 || text[status.st_size - 1] == '\n');
	for (const char *at = text, *end; messages && *at; at = end + 1) {
		end = strchr(at, '\n');
		FUZZ_CHECK(end && end - at > 40 && memcmp(at + 30, " worker 3 [4711] ", 17) == 0);
		for (; at < end; at++)
			FUZZ_CHECK((unsigned char)*at >= ' ');
	}
	free(text);
	close(fd);
}

/* Octets to a place: in the page of counters, or anywhere in the ring. */
static bool scribble(struct fuzz_input *input, char *memory, size_t size)
{
	size_t at = fuzz_octet(input) * 256u + fuzz_octet(input), count = fuzz_octet(input) % 64u, got;
	const uint8_t *octets = fuzz_take(input, count, &got);

	if (at & 0x8000)
		at = 4096 + (at & 0x7fff) * 128u % (size - 4096 - 64);
	else
		at %= 4096 + 1024;
	memcpy(memory + at, octets, got);
	return got > 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_to(open("/dev/null", O_WRONLY | O_CLOEXEC));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct log_sink_file files[2];
	struct line_queue writer;
	struct log_reader reader;
	struct list sinks;
	struct stat status;
	int memory = line_queue_create(), lines, errors;
	char *octets;

	list_init(&sinks);
	lines = make_sink(&files[0], LINES, LOG_KIND_LINES, &sinks);
	errors = make_sink(&files[1], ERRORS, LOG_KIND_MESSAGES, &sinks);
	FUZZ_CHECK(memory >= 0 && fstat(memory, &status) == 0 && line_queue_open(&writer, memory) == 0);
	octets = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	FUZZ_CHECK(octets != MAP_FAILED && log_reader_open(&reader, &who, memory) == 0);
	for (unsigned round = 0; round < 16; round++) {
		unsigned kind = fuzz_octet(&input) % 64, length = fuzz_octet(&input);
		char *room = line_queue_reserve(&writer, length);

		if (room) {
			fuzz_read(&input, room, length);
			line_queue_commit(&writer, kind & 1 ? LINES : ERRORS, (uint16_t)(kind / 2), length);
		}
		if (round % 4 == 3 && log_reader_take_over(&reader, &sinks))
			reader.broken = false;
		for (unsigned pass = 0; log_reader_pass(&reader, &sinks); pass++)
			FUZZ_CHECK(pass < PASSES_MAX);
		log_reader_report(&reader, true);
		if (!scribble(&input, octets, (size_t)status.st_size))
			break;
	}
	log_reader_close(&reader);
	line_queue_close(&writer);
	munmap(octets, (size_t)status.st_size);
	close(memory);
	for (unsigned i = 0; i < 2; i++)
		log_writer_free(files[i].writer);
	check(lines, false);
	check(errors, true);
	return 0;
}
