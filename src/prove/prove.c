/* SPDX-License-Identifier: MIT
 *
 * `brood prove`: one experiment after the other (prove.h). */
#include "prove/prove.h"

#include "base/fd.h"
#include "prove/experiment.h"
#include "prove/prove_options.h"
#include "prove/prove_report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GO_ON = -1, EXIT_SIGNAL = 128 };

static void show(const struct prove_options *options, size_t index, const struct experiment_result *result)
{
	const struct experiment_plan *plan = &options->plan[index];

	report_progress_end();
	if (options->json) {
		report_json(plan, result, index == 0);
		return;
	}
	if (index == 0)
		report_begin(plan);
	report_text(plan, result);
}

/* GO_ON when all were carried through (*good: whether nothing was lost), or the exit status. */
static int run_all(const struct prove_options *options, struct stage *stage, const struct site *site,
		   struct experiment_result *result, bool *good)
{
	const struct experiment_progress progress = {.tell = options->json ? report_progress_quietly : report_progress};
	int status = GO_ON;

	*good = true;
	for (size_t i = 0; i < options->plans && status == GO_ON; i++) {
		int error = experiment_run(stage, site, &options->plan[i], &progress, result);

		if (error == -EINTR) {
			status = EXIT_SIGNAL + stage->interrupted;
		} else if (error) {
			fprintf(stderr, "brood: prove: %s\n", strerror(-error));
			status = EXIT_FAILURE;
		} else {
			show(options, i, result);
			*good = *good && experiment_good(result);
		}
		experiment_free(result);
	}
	report_progress_end();
	return status;
}

static int prove(const struct prove_options *options, struct stage *stage, const struct site *site)
{
	struct experiment_result *result = malloc(sizeof(*result));
	bool good;
	int status;

	if (!result) {
		fprintf(stderr, "brood: prove: no memory\n");
		return EXIT_FAILURE;
	}
	if (options->json)
		report_json_begin();
	status = run_all(options, stage, site, result, &good);
	free(result);
	if (options->json)
		report_json_end(good && status == GO_ON);
	if (status == GO_ON)
		status = good ? EXIT_SUCCESS : EXIT_FAILURE;
	if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
		status = EXIT_FAILURE;
	return status;
}

int prove_main(int argc, char **argv)
{
	struct prove_options options;
	struct stage stage;
	struct site site;
	int status = prove_options_parse(&options, argc, argv), error;

	if (status != GO_ON)
		return status;
	if (fd_open_standard() < 0)
		return EXIT_FAILURE;
	fd_raise_limit();
	/* Signals first: from here on they are read in order, so that what is made is removed. */
	error = stage_open(&stage);
	if (error == 0) {
		error = site_make(&site);
		status = error ? EXIT_FAILURE : prove(&options, &stage, &site);
		site_remove(&site);
	}
	if (error) {
		fprintf(stderr, "brood: prove: cannot prepare: %s\n", strerror(-error));
		status = EXIT_FAILURE;
	}
	stage_close(&stage);
	return status;
}
