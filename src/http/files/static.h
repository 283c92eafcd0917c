/* SPDX-License-Identifier: MIT
 *
 * Files of sites as resources: host, path, cache, conditions, ranges. */
#ifndef BROOD_HTTP_FILES_STATIC_H
#define BROOD_HTTP_FILES_STATIC_H

#include "http/http.h"

#include <stdbool.h>

struct request;
struct response;
struct response_builder;
struct static_site;

/* NULL with errno: ENOMEM, or why the root cannot be entered. `options` is read, not kept (what it borrows must live
 * on); the builder is borrowed. */
struct static_site *static_site_new(const struct http_options *options, struct response_builder *builder);
void static_site_free(struct static_site *site);

/* Makes the response to a well-formed request of any method: GET, HEAD, OPTIONS answered, others
 * 405 with Allow or 501. Never fails: what goes wrong is a status. May open and read a file. */
void static_answer(struct static_site *site, const struct request *request, struct response *response);

/* roots.h. Without, there is nothing to send clients here for. */
bool static_site_has_root(struct static_site *site);
bool static_site_is_ready(struct static_site *site);

/* A few times a second, with the monotonic time: entries become due for revalidation (each at most
 * once a second), and former roots are given up. */
void static_site_tick(struct static_site *site, uint64_t now_ms);

#endif
