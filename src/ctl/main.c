/* SPDX-License-Identifier: MIT
 *
 * broodctl: speaks with a running server's admin process over the control socket. */
#include "base/clock.h"
#include "ctl/ctl_exchange.h"
#include "ctl/ctl_options.h"
#include "ctl/progress.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { QUICK_LIMIT_MS = 30000 };

static void on_progress(void *context, const struct control_answer *answer)
{
	progress_show(context, answer);
}

static int print_json(const json_t *value)
{
	if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) < 0)
		return CTL_FAILED;
	putchar('\n');
	return CTL_DONE;
}

static int finish_output(int status)
{
	if (fflush(stdout) == 0)
		return status;
	ctl_say("cannot write to standard output: %s", strerror(errno));
	return CTL_FAILED;
}

static int print_done(const struct ctl_options *options)
{
	json_t *done = json_pack("{s:b}", "ok", 1);
	int status = CTL_DONE;

	if (options->json)
		status = done ? print_json(done) : CTL_FAILED;
	else if (options->verb->done)
		puts(options->verb->done);
	json_decref(done);
	return finish_output(status);
}

/* Takes the result; NULL: there is none. */
static int print_result(const struct ctl_options *options, json_t *result)
{
	const struct verb *verb = options->verb;
	int status = CTL_DONE;

	if (verb->part)
		result = verb->part(result);
	if (!result && verb->show && !verb->done) {
		ctl_say("the server's answer is not understood");
		return CTL_FAILED;
	}
	if (!result)
		return print_done(options);
	if (options->json)
		status = print_json(result);
	else if (verb->show)
		verb->show(result, stdout);
	else if (verb->done)
		puts(verb->done);
	json_decref(result);
	return finish_output(status);
}

static int print_failure(const struct ctl_options *options, const struct control_answer *outcome)
{
	json_t *failure = NULL;

	ctl_say("%s", json_string_value(outcome->text));
	if (options->json)
		failure = json_pack("{s:b, s:O}", "ok", 0, "reason", outcome->text);
	if (failure)
		print_json(failure);
	json_decref(failure);
	return finish_output(CTL_FAILED);
}

static int cannot_connect(const struct ctl_options *options, const char *path, int error)
{
	/* What this program is can be told without anybody's help. */
	if (options->verb->show == show_version && print_result(options, NULL) != CTL_DONE)
		return CTL_FAILED;
	if (error == -ENOENT || error == -ENOTDIR || error == -ECONNREFUSED) {
		ctl_say("no server answers at %s", path);
		return CTL_NO_SERVER;
	}
	if (error == -ETIME)
		ctl_say("the server does not answer in time: it was not asked");
	else
		ctl_say("%s: %s", path, error == -EAGAIN ? "the server does not answer" : strerror(-error));
	return CTL_FAILED;
}

static int run(const struct ctl_options *options, const char *path)
{
	struct progress progress;
	struct exchange exchange = {
		.path = path,
		.request = &options->request,
		.limit_ms = options->verb->quick && options->timeout_ms == 0 ? QUICK_LIMIT_MS : -1,
		.timeout_ms = options->timeout_ms,
		.deadline_ms = clock_now_ms() + options->timeout_ms,
		.end_is_wished = options->verb->stops,
		.progress = on_progress,
		.context = &progress,
	};
	char reason[EXCHANGE_REASON_MAX];
	struct control_answer outcome;
	int status, error, fd = exchange_connect(&exchange);

	if (fd < 0)
		return cannot_connect(options, path, fd);
	progress_start(&progress);
	error = exchange_run(fd, &exchange, &outcome, reason);
	progress_end(&progress);
	if (error) {
		ctl_say("%s", reason);
		return CTL_FAILED;
	}
	if (outcome.kind == CONTROL_OK)
		status = print_result(options, json_incref(outcome.result));
	else
		status = print_failure(options, &outcome);
	control_answer_free(&outcome);
	return status;
}

int main(int argc, char **argv)
{
	char standard[CONTROL_PATH_ROOM];
	struct ctl_options options;
	int status = ctl_options_parse(&options, argc, argv);

	if (status >= 0)
		return status;
	if (options.socket)
		return run(&options, options.socket);
	if (control_path(standard))
		return run(&options, standard);
	ctl_say("XDG_RUNTIME_DIR is not set: name the server's control socket with -s");
	return CTL_NO_SERVER;
}
