/* SPDX-License-Identifier: MIT
 *
 * broodctl reads what a server answers, and shows it. The first octet says how it is shown. */
#include "fuzz.h"

#include "ctl/ctl_exchange.h"
#include "ctl/progress.h"
#include "ctl/show.h"

#include <sys/socket.h>
#include <unistd.h>

static FILE *nowhere;

static void on_progress(void *context, const struct control_answer *answer)
{
	(void)context;
	FUZZ_CHECK(json_is_string(answer->text));
	show_text(json_string_value(answer->text), "  ", nowhere);
}

static void show(unsigned how, const json_t *result)
{
	show_function *const functions[] = {show_status, show_workers, show_why, show_config, show_version};

	functions[how % 5](result, nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request request = {.command = "status"};
	struct exchange exchange = {
		.path = "/dev/null/none", .request = &request, .limit_ms = 1000, .progress = on_progress};
	struct fuzz_input input = {data, size};
	struct control_answer outcome;
	char reason[EXCHANGE_REASON_MAX];
	unsigned how = fuzz_octet(&input);
	int ends[2];

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	FUZZ_CHECK(nowhere && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	exchange.end_is_wished = how & 0x80;
	/* All of it fits into the socket: the corpus is small, and what does not is cut off. */
	(void)!send(ends[1], input.at, input.left, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(ends[1], SHUT_WR);
	if (exchange_run(ends[0], &exchange, &outcome, reason) == 0) {
		show(how, outcome.result);
		control_answer_free(&outcome);
	} else {
		FUZZ_CHECK(memchr(reason, '\0', sizeof(reason)));
	}
	close(ends[1]);
	return 0;
}
