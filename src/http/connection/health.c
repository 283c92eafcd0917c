/* SPDX-License-Identifier: MIT
 *
 * See health.h. */
#include "http/connection/health.h"

#include "base/network.h"
#include "http/client/client.h"
#include "http/files/response.h"
#include "http/files/static.h"
#include "http/message/request.h"

static const struct slice health_path = {"/-/health", 9}, ready_path = {"/-/ready", 8};

static bool asks_for(struct slice target, struct slice path)
{
	return target.len >= path.len && memcmp(target.ptr, path.ptr, path.len) == 0 &&
	       (target.len == path.len || target.ptr[path.len] == '?');
}

static void answer(struct response_maker *maker, struct response *response, unsigned status, struct slice body)
{
	response_begin(maker, response, NULL, status);
	response_field(maker, "Content-Type", SLICE("text/plain"));
	response_field(maker, "Cache-Control", SLICE("no-store"));
	response_field_u64(maker, "Content-Length", body.len);
	if (response_finish(maker, response))
		response->body = body;
}

static void answer_method(struct response_maker *maker, struct response *response, unsigned status)
{
	response_begin(maker, response, NULL, status);
	response_field(maker, "Allow", SLICE("GET, HEAD, OPTIONS"));
	response_field(maker, "Cache-Control", SLICE("no-store"));
	response_field_u64(maker, "Content-Length", 0);
	response_finish(maker, response);
}

bool health_answer(const struct health *health, const struct request *request, struct response_maker *maker,
		   struct response *response)
{
	bool ready = asks_for(request->target, ready_path);

	if (!health->allow || (!ready && !asks_for(request->target, health_path)) ||
	    !networks_contain(health->allow, client_address(request->client)))
		return false;
	if (request->method == METHOD_OPTIONS)
		answer_method(maker, response, 200);
	else if (request->method == METHOD_UNKNOWN)
		answer_method(maker, response, 501);
	else if (request->method != METHOD_GET && request->method != METHOD_HEAD)
		answer_method(maker, response, 405);
	else if (ready && health->leaving)
		answer(maker, response, 503, SLICE("stopping\n"));
	else if (ready && !static_site_is_ready(health->site))
		answer(maker, response, 503, SLICE("no root\n"));
	else
		answer(maker, response, 200, ready ? SLICE("ready\n") : SLICE("ok\n"));
	response->unlogged = !health->logged;
	return true;
}
