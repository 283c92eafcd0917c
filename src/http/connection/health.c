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

static void answer(struct response_builder *builder, struct response *response, unsigned status, struct slice body)
{
	response_begin(builder, response, NULL, status);
	response_field(builder, "Content-Type", SLICE("text/plain"));
	response_field(builder, "Cache-Control", SLICE("no-store"));
	response_field_u64(builder, "Content-Length", body.len);
	if (response_finish(builder, response))
		response->body = body;
}

static void answer_method(struct response_builder *builder, struct response *response, unsigned status)
{
	response_begin(builder, response, NULL, status);
	response_field(builder, "Allow", SLICE("GET, HEAD, OPTIONS"));
	response_field(builder, "Cache-Control", SLICE("no-store"));
	response_field_u64(builder, "Content-Length", 0);
	response_finish(builder, response);
}

bool health_answer(const struct health *health, const struct request *request, struct response_builder *builder,
		   struct response *response)
{
	bool ready = asks_for(request->target, ready_path);

	if (!health->allow || (!ready && !asks_for(request->target, health_path)) ||
	    !networks_contain(health->allow, client_address(request->client)))
		return false;
	if (request->method == METHOD_OPTIONS)
		answer_method(builder, response, 200);
	else if (request->method == METHOD_UNKNOWN)
		answer_method(builder, response, 501);
	else if (request->method != METHOD_GET && request->method != METHOD_HEAD)
		answer_method(builder, response, 405);
	else if (ready && health->leaving)
		answer(builder, response, 503, SLICE("stopping\n"));
	else if (ready && !static_site_is_ready(health->site))
		answer(builder, response, 503, SLICE("no root\n"));
	else
		answer(builder, response, 200, ready ? SLICE("ready\n") : SLICE("ok\n"));
	response->unlogged = !health->logged;
	return true;
}
