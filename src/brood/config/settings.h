/* SPDX-License-Identifier: MIT
 *
 * The table of settings: each is one row, and the row drives all that is done with it: the file,
 * -s, the command line's own options, defaults, -T, what a reload may change, and the check that
 * the manual and the sample file tell of it. */
#ifndef BROOD_BROOD_CONFIG_SETTINGS_H
#define BROOD_BROOD_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a value is, how it is written, and the type of its member in struct config. */
enum setting_type {
	SETTING_BOOL,     /* true, false                     bool */
	SETTING_COUNT,    /* 4096                            unsigned; a word of the row: 0 */
	SETTING_WORD,     /* one of the row's words          an enum, counting along the words */
	SETTING_DURATION, /* "500ms", "10s", 10 (seconds)    uint64_t, milliseconds; a word: 0 */
	SETTING_SIZE,     /* "64k", 65536 (bytes)            uint64_t, bytes; a word: 0 */
	SETTING_RATE,     /* "100/s", "30/m", 100           uint64_t, per hour; a word: 0 */
	SETTING_STRING,   /* any text                        char * */
	SETTING_LIST,     /* texts, by commas, array         struct config_list */
	SETTING_PATH,     /* a file's, made absolute; words  char * */
	SETTING_PATHS,    /* the same, several of them       struct config_list */
	SETTING_TARGET,   /* path of a URL, from the "/" on  char * */
	SETTING_LISTEN,   /* addresses                       listeners and their count */
	SETTING_NETWORKS, /* "10.0.0.0/8", by commas, array  struct networks */
	SETTING_FAULT,    /* a word, ":SLOT" behind          struct config_fault */
};

/* Whose it is, and so in which struct its member stands. */
enum setting_scope {
	SCOPE_SERVER,   /* struct config */
	SCOPE_SITE,     /* struct config_site: top level, groups of `sites` */
	SCOPE_LOCATION, /* struct config_location: the same, and groups of `locations` */
};

enum setting_effect {
	SETTING_AT_RELOAD, /* a reload changes it */
	SETTING_AT_START,  /* only a start does */
};

struct setting {
	const char *name;
	enum setting_type type;
	const char *standard;     /* the default, as -s takes it */
	uint64_t min, max;        /* of a COUNT, DURATION (ms) or SIZE (bytes), inclusive */
	const char *const *words; /* ended by NULL; NULL: none */
	const char *unset;        /* the text of a STRING or PATH that is kept as NULL */
	enum setting_effect effect;
	enum setting_scope scope;
	bool own;            /* a site's or location's alone: not handed on to what is within */
	size_t offset, size; /* of its member in the struct of its scope */
	/* Whether a STRING or each text of a LIST will do; if not, why, in words. NULL: any will. */
	bool (*check)(const char *text, char *reason, size_t room);
	const char *want; /* what would be right, where type and range do not tell it all */
	const char *help; /* one line */
};

enum { SETTINGS_MAX = 128 };

size_t settings_count(void);

/* The row at a place in the table, from 0 on; NULL: there are no more. */
const struct setting *setting_at(size_t index);

/* The row of that name, or NULL. */
const struct setting *setting_find(const char *name);

/* The place of a row in the table. */
size_t setting_index(const struct setting *setting);

/* The name that was probably meant, or NULL. `scope` and those that may stand within it count. */
const char *setting_nearest(const char *name, enum setting_scope scope);

#endif
