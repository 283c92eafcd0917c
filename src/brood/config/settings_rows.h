/* SPDX-License-Identifier: MIT
 *
 * What the rows of the table of settings are written with. Private to settings.c. */
#ifndef BROOD_BROOD_CONFIG_SETTINGS_ROWS_H
#define BROOD_BROOD_CONFIG_SETTINGS_ROWS_H

#include "brood/config/configuration.h"
#include "brood/config/settings.h"

#include <stddef.h>

/* The struct with the members of a scope's settings. */
#define HOME_SERVER   struct config
#define HOME_SITE     struct config_site
#define HOME_LOCATION struct config_location

/* A row, but for what is 0 in most: words, effect (SETTING_AT_RELOAD), unset, own, check, want; and for its help. Its
 * member has its name, with the unit behind it, and must be of the type's own C type: else it does not compile. */
#define ROW(kind, home, key, member, is, value)                                           \
	.name = #key, .type = SETTING_##kind, .standard = (value), .scope = SCOPE_##home, \
	.offset = offsetof(HOME_##home, member) + _Generic(((HOME_##home *)0)->member, is : 0), .size = sizeof(is)

#define BOOL(home, key, value)     ROW(BOOL, home, key, key, bool, value)
#define STRING(home, key, value)   ROW(STRING, home, key, key, char *, value)
#define PATH(home, key, value)     ROW(PATH, home, key, key, char *, value)
#define TARGET(home, key, value)   ROW(TARGET, home, key, key, char *, value)
#define LIST(home, key, value)     ROW(LIST, home, key, key, struct config_list, value)
#define PATHS(home, key, value)    ROW(PATHS, home, key, key, struct config_list, value)
#define NETWORKS(home, key, value) ROW(NETWORKS, home, key, key, struct networks, value)
#define LISTEN(home, key, value)   ROW(LISTEN, home, key, key, struct config_listener *, value)

/* From `least` to `most`; a word of the row is 0. */
#define AMOUNT(kind, home, key, member, is, value, least, most) \
	ROW(kind, home, key, member, is, value), .min = (least), .max = (most)
#define COUNT(home, key, ...)    AMOUNT(COUNT, home, key, key, unsigned, __VA_ARGS__)
#define SIZE(home, key, ...)     AMOUNT(SIZE, home, key, key, uint64_t, __VA_ARGS__)
#define DURATION(home, key, ...) AMOUNT(DURATION, home, key, key##_ms, uint64_t, __VA_ARGS__)
#define RATE(home, key, ...)     AMOUNT(RATE, home, key, key##_per_hour, uint64_t, __VA_ARGS__)

/* Words, of which there must be as many as enumerators up to `last`. An enum's type cannot be told from unsigned. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define WORDS_UP_TO(last, ...)        \
	.words = WORDS(__VA_ARGS__) + \
		 0 * sizeof(char[sizeof((const char *[]){__VA_ARGS__}) == ((last) + 1) * sizeof(char *) ? 1 : -1])
#define WORD(home, key, value, last, ...) ROW(WORD, home, key, key, unsigned, value), WORDS_UP_TO(last, __VA_ARGS__)
#define FAULT(home, key, value, last, ...) \
	ROW(FAULT, home, key, key, struct config_fault, value), WORDS_UP_TO(last, __VA_ARGS__)

/* A default that is a number with a name elsewhere. */
#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)
#define SECONDS(number) TEXT(number) "s"

/* The longest duration that can be asked for, in milliseconds: fits in 32 bits. */
#define WEEK_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)
#define YEAR_MS (UINT64_C(365) * 24 * 60 * 60 * 1000)

#endif
