/* SPDX-License-Identifier: MIT
 *
 * Runs a target without libFuzzer:  TARGET [-runs=N] [-seed=N] FILE|FOLDER...
 *
 * Each file is an input; then N changed ones follow, the same for the same seed and files. What ends the
 * target badly is written to ./crash-input. */
#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

enum { INPUTS_MAX = 4096, SIZE_MAX_INPUT = 1 << 16, CHANGES_MAX = 6 };

static struct {
	uint8_t *data;
	size_t size;
} inputs[INPUTS_MAX];
static size_t count;

static uint8_t current[SIZE_MAX_INPUT];
static size_t current_size;

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static uint64_t random_state;

static uint32_t any(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % limit;
}

/* --- what is run --- */

static void keep_crash(void)
{
	FILE *file = fopen("crash-input", "wb");

	if (!file)
		return;
	fwrite(current, 1, current_size, file);
	fclose(file);
	fputs("the input is in ./crash-input\n", stderr);
}

static void on_signal(int number)
{
	signal(number, SIG_DFL);
	keep_crash();
	raise(number);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void run(void)
{
	uint8_t *exact = fuzz_copy(current, current_size);

	LLVMFuzzerTestOneInput(exact, current_size);
	free(exact);
}

/* --- inputs --- */

static void read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file || count == INPUTS_MAX) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(2);
	}
	size = fread(current, 1, sizeof(current), file);
	fclose(file);
	inputs[count].data = fuzz_copy(current, size);
	inputs[count++].size = size;
}

static void read_any(const char *path)
{
	struct dirent **entries;
	struct stat status;
	char name[4096];
	int found;

	if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode)) {
		read_file(path);
		return;
	}
	found = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < found; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			read_any(name);
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
}

/* --- changes --- */

static void replace(size_t at, size_t cut, const uint8_t *with, size_t size)
{
	if (current_size - cut + size > sizeof(current))
		return;
	memmove(current + at + size, current + at + cut, current_size - at - cut);
	if (size > 0)
		memcpy(current + at, with, size);
	current_size = current_size - cut + size;
}

static size_t some(size_t most)
{
	size_t size = any(4) ? 1 + any(8) : 1 + any(256);

	return size < most ? size : most;
}

static void change(void)
{
	static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, '\r', '\n', '"', '\\', '%', ',', ';', ' '};
	size_t at = any((uint32_t)current_size + 1), left = current_size - at, from, size;
	uint8_t piece[256], octet = (uint8_t)any(256);

	switch (any(7)) {
	case 0:
		if (left > 0)
			current[at] ^= (uint8_t)(1u << any(8));
		break;
	case 1:
		octet = telling[any(sizeof(telling))]; /* fall through */
	case 2:
		replace(at, left > 0 ? any(2) : 0, &octet, 1);
		break;
	case 3:
		replace(at, some(left), NULL, 0);
		break;
	case 4: /* something of it once more */
		from = any((uint32_t)current_size + 1);
		size = some(current_size - from);
		size = size < sizeof(piece) ? size : sizeof(piece);
		memcpy(piece, current + from, size);
		replace(at, 0, piece, size);
		break;
	case 5: /* something of another input */
		from = any((uint32_t)count);
		size = inputs[from].size;
		left = size > 0 ? any((uint32_t)size) : 0;
		size = some(size - left);
		replace(at, 0, inputs[from].data + left, size < 256 ? size : 256);
		break;
	default:
		current_size = at;
		break;
	}
}

int main(int argc, char **argv)
{
	unsigned long runs = 0, seed = 1;

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		if (sscanf(argv[i], "-runs=%lu", &runs) != 1 && sscanf(argv[i], "-seed=%lu", &seed) != 1)
			read_any(argv[i]);
	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(keep_crash);
	random_state = seed * 0x9e3779b97f4a7c15u | 1;
	for (size_t i = 0; i < count; i++) {
		current_size = inputs[i].size;
		memcpy(current, inputs[i].data, current_size);
		run();
	}
	for (unsigned long i = 0; i < runs && count > 0; i++) {
		size_t which = any((uint32_t)count);

		current_size = inputs[which].size;
		memcpy(current, inputs[which].data, current_size);
		for (unsigned changes = 1 + any(CHANGES_MAX); changes > 0; changes--)
			change();
		run();
	}
	printf("%zu inputs and %lu changed ones\n", count, runs);
	for (size_t i = 0; i < count; i++)
		free(inputs[i].data);
	return count > 0 ? 0 : 2;
}
