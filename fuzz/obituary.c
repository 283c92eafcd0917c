/* SPDX-License-Identifier: MIT
 *
 * What the master makes of a dead worker's scoreboard: the worker may have written anything there. */
#include "fuzz.h"

#include "brood/admin/obituary_json.h"
#include "cluster/ipc/board.h"
#include "cluster/ipc/log_ring.h"
#include "cluster/policy/obituary.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct board_record record;
	struct board_figures figures;
	static struct log_ring ring;
	static struct cluster_obituary obituary;
	struct fuzz_input input = {data, size};
	unsigned room = fuzz_octet(&input) * 8 + fuzz_octet(&input) % 8;
	char *small = malloc(room + 1), *text;
	json_t *parsed;
	size_t got;

	memset(&ring, 0, sizeof(ring));
	memset(&record, 0, sizeof(record));
	fuzz_read(&input, &record, 64);
	fuzz_read(&input, &ring.written, 8);
	for (size_t i = 0; i < sizeof(ring.text); i++)
		ring.text[i] = input.left > 0 ? (char)input.at[i % input.left] : 0;

	FUZZ_CHECK(log_ring_read(&ring, small, room) <= (room > 0 ? room - 1 : 0));
	obituary = (struct cluster_obituary){.phase = WORKER_SERVING, .why = OBITUARY_HANG};
	figures = board_figures(&record);
	obituary.connections = figures.connections;
	obituary.requests = figures.requests;
	obituary.idle = figures.idle;
	obituary.heartbeat_age_ms = board_load64(&record.heartbeat_ms);
	(void)board_is_fresh(&record, 1000000);
	got = log_ring_read(&ring, obituary.log, sizeof(obituary.log));
	FUZZ_CHECK(got < sizeof(obituary.log) && strlen(obituary.log) == got);
	text = obituary_json(&obituary);
	FUZZ_CHECK(text);
	parsed = json_loads(text, 0, NULL);
	FUZZ_CHECK(json_is_object(parsed));
	json_decref(parsed);
	free(text);
	log_ring_add(&ring, (const char *)data, size);
	free(small);
	return 0;
}
