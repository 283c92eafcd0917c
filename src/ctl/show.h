/* SPDX-License-Identifier: MIT
 *
 * Results as people read them. What a result lacks, or has in another form than expected (a server of
 * another version), is shown as "-", never an error. */
#ifndef BROOD_CTL_SHOW_H
#define BROOD_CTL_SHOW_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

typedef void show_function(const json_t *result, FILE *out);

show_function show_status;  /* a whole status */
show_function show_workers; /* its array of workers */
show_function show_why;     /* an array of obituaries */
show_function show_config;  /* a text */
show_function show_done;    /* { ok, done }: a text */
show_function show_version; /* { client, server, pid } */

/* "850 ms", "12 s", "5 min 3 s", "2 h 13 min", "3 d 4 h". */
void show_duration(char *out, size_t room, uint64_t ms);

/* Writes a text of the server's: control octets as "?", lest they command the terminal. Newlines stay,
 * each followed by `indent`. */
void show_text(const char *text, const char *indent, FILE *out);

#endif
