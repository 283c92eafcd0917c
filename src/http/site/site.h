/* SPDX-License-Identifier: MIT
 *
 * Sites: which one answers for a host, and which of its locations for a path. Made once, from a
 * configuration with everything inherited resolved, and not changed any more but for where their roots
 * lead: workers find them in their memory. A location is what settings hold for: a site as a whole (its first
 * location), or what is below a path in it. */
#ifndef BROOD_HTTP_SITE_SITE_H
#define BROOD_HTTP_SITE_SITE_H

#include "base/slice.h"
#include "http/site/open.h"
#include "http/site/root_follow.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_site;
struct networks;
struct redirects;

enum { HTTP_HSTS_MAX = 256 };

struct http_location {
	const struct http_site *site;
	/* "a/b" for what is asked for as /a/b and below; "" for the whole site. Decoded. */
	struct slice prefix;
	struct slice fields; /* lines of every response, each with CRLF: header_rules.h */
	bool guarded;        /* something goes before files: http_sites_sort sees to it */
	/* Files that stand for their folder, ended by NULL; the first that is there. */
	const char *const *index_names;
	/* Names that are looked for in place of the path, ended by NULL; NULL: the path itself.
	 * "{path}" in them is the path, with a slash in front and none at its end; one of nothing
	 * else is the path as it was asked for. */
	const char *const *try_names;
	/* What a navigation gets that finds nothing, "/app.html"; NULL: 404. */
	const char *fallback;
	/* Files beside a file that hold it in a coding ("x.css.br") are sent to who accepts it. */
	bool precompressed;
	/* Files of these types are compressed for who accepts gzip, if they are held in memory and
	 * have so many octets. NULL: none are. */
	const char *const *gzip_types; /* ended by NULL: "text/html" */
	size_t gzip_min_size;
	bool clean_urls;                      /* "/about" is about.html, and the other ways to it lead there */
	bool listing;                         /* a folder without an index shows what is in it */
	const char *listing_css;              /* the path of its style sheet; NULL: the one that is built in */
	const struct error_page *error_pages; /* ended by status 0; NULL: none */
	const struct redirects *redirects;    /* NULL: none */
	/* Who is let in: whom `deny` does not have and, unless it is NULL, `allow` has. */
	const struct networks *allow, *deny;
	/* "Cache-Control: ...", with CRLF, for what is found; or empty. The second one for files
	 * whose names have a hash of their contents in them. */
	struct slice cache_control, cache_control_hashed;
	/* "Strict-Transport-Security: ...", with CRLF, for responses over TLS, of HTTP_HSTS_MAX
	 * octets at most; or empty. */
	struct slice hsts;
};

/* A file below the root whose octets are the body of an error. */
struct error_page {
	unsigned status;
	const char *name; /* without a slash in front */
};

struct http_site {
	struct file_root root;     /* each process's own; changes with where the root's path leads */
	struct root_follow follow; /* where the root's path leads */
	uint64_t identity;         /* of the root's path, for epochs.h */
	/* The first is that of the whole site, the others are ordered by the length of their
	 * prefix, the longest first. */
	struct http_location *locations;
	size_t location_count;
};

/* The name of a host, and who answers for it. */
struct site_name {
	const char *text; /* "*.example.org": each name that ends with ".example.org" */
	const struct http_site *site;
};

struct http_sites {
	struct http_site *list; /* the first is the default */
	size_t count;
	struct site_name *names; /* in the order of http_sites_sort */
	size_t name_count;
	bool refuse_unknown; /* a host of which there is no name has no site */
};

/* One site of all defaults, of one location: for who has no configuration. */
struct site_alone {
	struct http_sites sites;
	struct http_site site;
	struct http_location location;
};

/* It refers to itself, so it stays where it is. root_fd is borrowed. */
void site_alone_make(struct site_alone *alone, int root_fd);

/* Whether all roots can be entered, but for those of which something was told before. 0 or -errno. */
int http_sites_try(const struct http_sites *sites) __attribute__((warn_unused_result));

/* Letters, digits, "-" and "_" in labels between dots, perhaps "*." in front; an IPv4 address; an
 * IPv6 address in brackets. */
bool site_name_is_valid(const char *text);

/* Whether two hosts, each with or without a port, are the same; case and a dot at the end make no
 * difference. */
bool site_hosts_are_equal(struct slice one, struct slice other);

/* To be called once, when all is there: orders names and locations, and fills in what locations know of
 * their site and of themselves. */
void http_sites_sort(struct http_sites *sites);

const struct http_site *sites_find_named(const struct http_sites *sites, struct slice host);

/* Who answers for a host, given as in the Host field, port and all; case and a dot at its end make
 * no difference. An exact name goes before the longest "*.NAME". An empty one is the default's.
 * NULL: nobody. */
static inline const struct http_site *http_sites_find(const struct http_sites *sites, struct slice host)
{
	return sites->name_count == 0 && !sites->refuse_unknown ? sites->list : sites_find_named(sites, host);
}

const struct http_location *site_find_location(const struct http_site *site, struct slice name);

/* The location with the longest prefix of a path; a prefix ends where a segment does. `name`: as in
 * struct path. */
static inline const struct http_location *http_site_location(const struct http_site *site, struct slice name)
{
	return site->location_count == 1 ? site->locations : site_find_location(site, name);
}

#endif
