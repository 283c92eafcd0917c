/* SPDX-License-Identifier: MIT
 *
 * What load balancers and service managers ask a server for:
 *
 *     /-/health   200 as long as it answers at all
 *     /-/ready    200; 503 as soon as a stop has begun, so that nobody sends more, and as long as the default site
 *                 (where hosts that are not named are refused: every site) has no root
 *
 * Answered for clients that may ask; for others these are paths as any other. A process that
 * drains because another takes its place is as ready as before: the server is. */
#ifndef BROOD_HTTP_CONNECTION_HEALTH_H
#define BROOD_HTTP_CONNECTION_HEALTH_H

#include <stdbool.h>

struct networks;
struct request;
struct response;
struct response_builder;
struct static_site;

struct health {
	const struct networks *allow; /* who may ask; NULL or empty: nobody */
	bool logged;                  /* the access log has these requests, too */
	bool leaving;                 /* a stop has begun */
	struct static_site *site;     /* whose files there are; borrowed */
};

/* False: it is none of these, or not for this client, and nothing was done. */
bool health_answer(const struct health *health, const struct request *request, struct response_builder *builder,
		   struct response *response);

#endif
