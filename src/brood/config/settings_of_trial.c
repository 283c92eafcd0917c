/* SPDX-License-Identifier: MIT
 *
 * Rows of the table of settings: for trying things. */
#include "brood/config/settings_rows.h"

static const struct setting rows[] = {
	{
		.name = "debug_headers",
		.type = SETTING_BOOL,
		.standard = "false",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(debug_headers),
		.help = "name the worker in each response (X-Brood-Worker)",
	},
	{
		.name = "debug_fault",
		.type = SETTING_FAULT,
		.standard = "off",
		.words = WORDS("off", "start-exit", "start-fatal", "start-hang", "probe-fail", "crash"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(debug_fault),
		.want = "want off, or start-exit, start-fatal, start-hang, probe-fail or crash, "
			"with :SLOT behind it for one slot only",
		.help = "a failure that is played on purpose, for trying what happens then",
	},
};

const struct setting_table settings_of_trial = TABLE(rows);
