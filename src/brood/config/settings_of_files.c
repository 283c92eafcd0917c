/* SPDX-License-Identifier: MIT
 *
 * Rows of the table of settings: logs, and other files of the server. */
#include "brood/config/settings_rows.h"

static const struct setting rows[] = {
	{
		.name = "access_log_format",
		.type = SETTING_WORD,
		.standard = "combined",
		.words = WORDS("combined", "json"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(access_log_format),
		.help = "how a line of the access log looks",
	},
	{
		.name = "error_log",
		.type = SETTING_PATH,
		.standard = "stderr",
		.words = WORDS("stderr"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(error_log),
		.help = "where the server tells what happens to it",
	},
	{
		.name = "state_dir",
		.type = SETTING_PATH,
		.standard = "auto",
		.words = WORDS("auto", "off"),
		.effect = SETTING_AT_RELOAD,
		.offset = AT(state_dir),
		.help = "folder for obituaries of workers; auto: a place by who starts the server",
	},
	{
		.name = "pid_file",
		.type = SETTING_PATH,
		.standard = "off",
		.words = WORDS("off"),
		.unset = "off",
		.effect = SETTING_AT_START,
		.offset = AT(pid_file),
		.help = "file that holds the master's process id and a lock",
	},
	{
		.name = "control",
		.type = SETTING_PATH,
		.standard = "auto",
		.words = WORDS("auto", "off"),
		.effect = SETTING_AT_START,
		.offset = AT(control),
		.help = "socket for broodctl; auto: a place by who starts the server",
	},
	{
		.name = "binary",
		.type = SETTING_PATH,
		.standard = "auto",
		.words = WORDS("auto"),
		.unset = "auto",
		.effect = SETTING_AT_RELOAD,
		.offset = AT(binary),
		.help = "the program that an upgrade goes on with; auto: by the path of the start",
	},
};

const struct setting_table settings_of_files = TABLE(rows);
