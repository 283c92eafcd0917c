/* SPDX-License-Identifier: MIT
 *
 * The codes and what they mean. */
#include "http/message/status.h"

#include <stddef.h>

/* RFC 9110 section 15, RFC 6585. */
static const struct status statuses[] = {
	{100, "Continue", ""},
	{101, "Switching Protocols", ""},
	{200, "OK", ""},
	{204, "No Content", ""},
	{206, "Partial Content", ""},
	{301, "Moved Permanently", "This is at another address now."},
	{302, "Found", "This is at another address for now."},
	{303, "See Other", "What was asked for is described at another address."},
	{304, "Not Modified", ""},
	{307, "Temporary Redirect", "This is at another address for now."},
	{308, "Permanent Redirect", "This is at another address now."},
	{400, "Bad Request", "The request could not be understood, and will not be if it is sent again."},
	{403, "Forbidden", "This may not be seen, and asking again does not change that."},
	{404, "Not Found", "There is nothing at this address, at least for now."},
	{405, "Method Not Allowed", "What is at this address can be read, and nothing else."},
	{408, "Request Timeout", "The request took too long to come. It may be sent again."},
	{411, "Length Required", "The request must say how long its body is."},
	{412, "Precondition Failed", "What is at this address is not what the request was made for."},
	{413, "Content Too Large", "The request is larger than what is taken here."},
	{414, "URI Too Long", "The address is longer than any that is taken here."},
	{415, "Unsupported Media Type", "What the request brings is of a type that is not taken here."},
	{416, "Range Not Satisfiable", "What is at this address does not have the part that was asked for."},
	{417, "Expectation Failed", "The request expects something that this server does not do."},
	{421, "Misdirected Request", "This server does not answer for that address on this connection."},
	{426, "Upgrade Required", "The request must be made by another protocol."},
	{428, "Precondition Required", "The request must come with a condition."},
	{429, "Too Many Requests", "There have been too many requests. Try again later."},
	{431, "Request Header Fields Too Large",
	 "The request has more fields, or larger ones, than what is taken here."},
	{500, "Internal Server Error", "Something went wrong here, not with the request. It may work later."},
	{501, "Not Implemented", "This server does not know how to do what the request asks for."},
	{502, "Bad Gateway", "The server behind this one gave no answer to pass on. Try again later."},
	{503, "Service Unavailable", "The server cannot answer just now. Try again in a moment."},
	{504, "Gateway Timeout", "The server behind this one took too long. Try again later."},
	{505, "HTTP Version Not Supported", "This server speaks versions 1.0 and 1.1 of HTTP."},
};

const struct status *status_find(unsigned code)
{
	static const struct status unknown = {0, "Unknown", ""};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].code == code)
			return &statuses[i];
	}
	return &unknown;
}
