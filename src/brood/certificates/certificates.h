/* SPDX-License-Identifier: MIT
 *
 * The certificates of a configuration with their keys, and those of who signs clients' certificates: files
 * that the master opens and copies, never parses. Workers find the copies as descriptors in their memory and
 * read them at their start. Made by the master; a worker replaces one in its own memory when it is told of a
 * renewed one. */
#ifndef BROOD_BROOD_CERTIFICATES_CERTIFICATES_H
#define BROOD_BROOD_CERTIFICATES_CERTIFICATES_H

#include "brood/certificates/certificate_watch.h"
#include "brood/config/configuration.h"
#include "brood/system/pem_file.h"
#include "http/tls/tls.h"

#include <stdbool.h>
#include <stddef.h>

struct upgrade_record;
struct upgrade_writer;

enum certificate_kind {
	CERTIFICATE_PAIR,      /* a certificate and its key */
	CERTIFICATE_DEV,       /* one made by us; empty until the first process that needs it fills it */
	CERTIFICATE_CLIENT_CA, /* a file of those who sign clients' certificates: without any key */
};

/* One of them, of which there is one however many sites have it. */
struct certificate {
	enum certificate_kind kind;
	/* The paths, owned. The key's is the same where it is in the same file, or there is none. One made by
	 * us has "dev" and the site's names with blanks between them. */
	char *path, *key_path;
	bool is_new;                       /* made by us, and for the first time */
	struct tls_pair pair;              /* owned; one descriptor when it is one file */
	struct pem_stamp stamp, key_stamp; /* of what was copied */

	/* The master's: see certificate_watch.h. */
	enum watch_state watch;
	struct pem_stamp seen, key_seen; /* at the last look */
	bool waits;                      /* for a check, having settled */
	int64_t not_after;               /* of the pair that is used; 0: not known yet */
	unsigned told;
};

enum { CERTIFICATE_TEXT_MAX = 1024 };

/* What the site with the same place in http_sites.list has. */
struct certificate_site {
	const char *name;            /* one of its own, borrowed; "" for the default site, which may have none */
	size_t pairs[TLS_PAIRS_MAX]; /* places in `list` */
	size_t pair_count;
	bool borrows;                    /* the pairs are those of another one: it has none of its own */
	const struct config_list *names; /* all of its own, borrowed */
	enum tls_client client;
	size_t client_ca; /* place in `list`, but with TLS_CLIENT_OFF */
};

/* All-zero: none, as for a server without TLS. */
struct certificates {
	struct certificate *list;
	size_t count;
	struct certificate_site *sites;
	size_t site_count;
};

/* Opens for *config, which must live on as long as *out, if any listener speaks TLS. What `before` (may
 * be NULL) has made for trying out is kept; with `keep` all that it has, whatever is in the files by now. 0,
 * or -1 with a reason, and *out is all-zero. */
int certificates_open(struct certificates *out, const struct config *config, const struct certificates *before,
		      bool keep, char *reason, size_t room) __attribute__((warn_unused_result));
void certificates_close(struct certificates *certificates);

/* Whether there are any. */
static inline bool certificates_exist(const struct certificates *certificates)
{
	return certificates->site_count > 0;
}

/* Logs which of them were made for trying out just now. */
void certificates_tell(const struct certificates *certificates);

/* The descriptors that a worker keeps. Returns how many, at most `room`. */
size_t certificates_keep(const struct certificates *certificates, int *fds, size_t room);

/* The one of that kind with these paths, or NULL. */
struct certificate *certificates_find(const struct certificates *certificates, enum certificate_kind kind,
				      const char *path, const char *key_path);

/* Whether a site has the one at `place`. */
bool certificate_site_has(const struct certificate_site *site, size_t place);

/* The names of all sites whose own it is, ended by NULL: the list is the caller's, to be freed. NULL: no memory. */
const char **certificate_names(const struct certificates *certificates, size_t place);

/* Takes other copies in place of a certificate's. `pair` may be one descriptor twice. */
void certificate_take(struct certificate *certificate, const struct tls_pair *pair);

/* "certificate '/a.pem' with key '/a.key': what", "tls_client_ca '/a.pem': what"; cut where it is too long. */
void certificate_describe(const struct certificate *certificate, const char *what, char out[CERTIFICATE_TEXT_MAX]);

/* Puts a record of that type for each, and takes one back: into the certificate of those paths, in place of
 * what its files have by now. Takes the descriptors that the record names. */
void certificates_save(const struct certificates *certificates, uint32_t type, struct upgrade_writer *writer);
void certificates_restore(struct certificates *certificates, const struct upgrade_record *record);

/* Whether somebody is to be told now that the certificate ends soon, or has ended: each time is said
 * once. */
bool certificate_ends(struct certificate *certificate, int64_t now, char out[CERTIFICATE_TEXT_MAX]);

/* Makes the pair of one that is made by us, unless it is there. 0, or -EINVAL with a reason. Not in the
 * master. */
int certificate_fill(const struct certificate *certificate, char reason[TLS_REASON_MAX])
	__attribute__((warn_unused_result));

/* --- certificate_judge.c --- */

/* A site as TLS wants it, with its pairs in `pairs`. */
struct tls_site certificates_part(const struct certificates *certificates, const struct certificate_site *site,
				  struct tls_pair pairs[TLS_PAIRS_MAX]);

/* Does with the one at `place` what a worker would: by itself, and in each site that has it together with what
 * else that one has. One that is made by us is made first where it is empty. As tls_check_pair; *not_after is
 * INT64_MAX for what has no end of its own. Not in the master. */
int certificate_judge(const struct certificates *certificates, size_t place, struct tls_roots *roots,
		      int64_t *not_after, char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
	__attribute__((warn_unused_result));

#endif
