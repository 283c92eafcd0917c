/* SPDX-License-Identifier: MIT
 *
 * What one version of the master leaves to another: as it comes, and with a head that fits what follows,
 * so that the records themselves are reached. */
#include "fuzz.h"

#include "cluster/upgrade/upgrade_record.h"

static void walk(const void *octets, size_t size)
{
	struct upgrade_reader reader;
	struct upgrade_record record;
	uint64_t member[3];
	unsigned count = 0;

	if (upgrade_open(&reader, octets, size) < 0)
		return;
	while (upgrade_next(&reader, &record)) {
		FUZZ_CHECK((const char *)record.data >= (const char *)octets);
		FUZZ_CHECK((const char *)record.data + record.size <= (const char *)octets + size);
		upgrade_get(&record, member, sizeof(member));
		count++;
	}
	FUZZ_CHECK(count <= size / 8);
	(void)upgrade_find(&reader, 16, &record);
}

/* By the checksum's rule (upgrade_record.c), which only finds accidents. */
static void give_head(uint8_t *octets, size_t size)
{
	uint64_t sum = 14695981039346656037u ^ (size - 24), length = size;

	for (size_t i = 24; i < size; i++)
		sum = (sum ^ octets[i]) * 1099511628211u;
	memcpy(octets, "BROODST1", 8);
	memcpy(octets + 8, &length, 8);
	memcpy(octets + 16, &sum, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *octets = fuzz_copy(data, size);

	walk(octets, size);
	if (size >= 24) {
		give_head(octets, size);
		walk(octets, size);
	}
	free(octets);
	return 0;
}
