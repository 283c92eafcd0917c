/* SPDX-License-Identifier: MIT
 *
 * See epochs.h. Master and workers.
 *
 *     word   count 24 bits, version 40; 0: nothing was told yet. Version 0: nobody knows which is the last one.
 *
 * The version in a word was seen on disk after everything that was told before it: who puts it there has looked since
 * the word was what it is replaced from. So who has the same version has nothing older than what anybody was sent, and
 * need not tell. Who has another one, and finds that something was told while it looked, cannot know which of the two
 * is the older one; then nobody knows, and all look again. */
#include "http/site/epochs.h"

#include "base/fd.h"
#include "base/fd_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	WORDS = 1 << 18,
	ROOTS = 1 << 14, /* of them, for roots */
	TRIES = 64,      /* others being quicker so often is not to be expected */
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
};

#define VERSION_MASK ((UINT64_C(1) << 40) - 1)
#define COUNT_ONE    (UINT64_C(1) << 40)

/* Each process's own, from its birth. */
struct epochs {
	uint64_t *words;
	uint64_t seed; /* so that who chooses names cannot choose words */
	int fd;
};

static struct epochs *map(int fd, uint64_t seed)
{
	struct epochs *epochs = calloc(1, sizeof(*epochs));

	if (!epochs)
		return NULL;
	epochs->words = mmap(NULL, WORDS * sizeof(*epochs->words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (epochs->words == MAP_FAILED) {
		free(epochs);
		return NULL;
	}
	epochs->seed = seed;
	epochs->fd = fd;
	fd_note(fd, FD_MEMORY);
	return epochs;
}

struct epochs *epochs_new(void)
{
	int fd = memfd_create("brood-epochs", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	struct epochs *epochs = NULL;
	uint64_t seed;

	if (fd >= 0 && ftruncate(fd, WORDS * (off_t)sizeof(*epochs->words)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0 && getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		epochs = map(fd, seed);
	error = errno;
	if (!epochs)
		fd_close(&fd);
	errno = error;
	return epochs;
}

struct epochs *epochs_take(int fd, uint64_t seed)
{
	struct stat status;

	errno = EINVAL;
	if (fcntl(fd, F_GET_SEALS) != SEALS || fstat(fd, &status) < 0 ||
	    status.st_size != WORDS * (off_t)sizeof(uint64_t))
		return NULL;
	return map(fd, seed);
}

void epochs_free(struct epochs *epochs)
{
	if (!epochs)
		return;
	munmap(epochs->words, WORDS * sizeof(*epochs->words));
	fd_close(&epochs->fd);
	free(epochs);
}

void epochs_in_child(struct epochs *epochs)
{
	epochs->fd = -1;
}

int epochs_fd(const struct epochs *epochs)
{
	return epochs->fd;
}

uint64_t epochs_seed(const struct epochs *epochs)
{
	return epochs->seed;
}

/* --- words --- */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* *seen is what is there when it is not swapped. */
static bool swap(uint64_t *word, uint64_t *seen, uint64_t wanted)
{
	return __atomic_compare_exchange_n(word, seen, wanted, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

struct epoch epoch_begin(const struct epochs *epochs, uint64_t whose, enum epoch_kind kind, struct slice name)
{
	uint64_t hash = version_add(version_add(epochs->seed, whose), kind);
	struct epoch epoch;

	/* Names that do not come of a path begin so. */
	if (name.len >= 2 && name.ptr[0] == '.' && name.ptr[1] == '/') {
		name.ptr += 2;
		name.len -= 2;
	}
	hash = version_add_octets(hash, name);
	epoch.word = &epochs->words[kind == EPOCH_ROOT ? hash % ROOTS : ROOTS + hash % (WORDS - ROOTS)];
	epoch.value = load(epoch.word);
	return epoch;
}

struct epoch epoch_again(const struct epoch *epoch)
{
	return (struct epoch){epoch->word, load(epoch->word)};
}

/* As it is in a word: never 0. */
static uint64_t part_of(uint64_t version)
{
	version &= VERSION_MASK;
	return version ? version : 1;
}

bool epoch_is_of(const struct epoch *epoch, uint64_t version)
{
	return (epoch->value & VERSION_MASK) == part_of(version);
}

void epoch_tell(struct epoch *epoch, uint64_t version)
{
	uint64_t now = load(epoch->word), next;

	version = part_of(version);
	for (unsigned i = 0; i < TRIES && (now & VERSION_MASK) != version; i++) {
		next = (now & ~VERSION_MASK) + COUNT_ONE;
		if (now == epoch->value) {
			if (swap(epoch->word, &now, next | version))
				now = next | version;
		} else if (swap(epoch->word, &now, next)) {
			return; /* the value is a former one: to be looked at again */
		}
	}
	if ((now & VERSION_MASK) == version)
		epoch->value = now;
}

/* --- versions --- */

uint64_t version_add(uint64_t version, uint64_t more)
{
	version = (version ^ more) * 0x9e3779b97f4a7c15u;
	return version ^ version >> 32;
}

uint64_t version_add_octets(uint64_t version, struct slice octets)
{
	uint64_t word;

	version = version_add(version, octets.len);
	for (; octets.len >= sizeof(word); octets.ptr += sizeof(word), octets.len -= sizeof(word)) {
		memcpy(&word, octets.ptr, sizeof(word));
		version = version_add(version, word);
	}
	word = 0;
	if (octets.len > 0)
		memcpy(&word, octets.ptr, octets.len);
	return version_add(version, word);
}
