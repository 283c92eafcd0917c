/* SPDX-License-Identifier: MIT
 *
 * What a worker could not use, found out before one has to; and what clients will not like. All that is said
 * "good" to has been put into a context just as a worker does it: OpenSSL refuses weak keys and signatures only
 * there. */
#include "http/site/site.h"
#include "http/tls/private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { NAME_TEXT_MAX = 128, NAMES_TOLD_MAX = 3 };

int tls_check_site(const struct tls_site *part, char reason[TLS_REASON_MAX])
{
	const struct http_sites one = {.count = 1};
	const struct tls_options options = {.profile = TLS_INTERMEDIATE, .sites = &one, .parts = part};
	struct tls *tls = tls_new(&options, reason);

	tls_free(tls);
	return tls ? 0 : -EINVAL;
}

static void check_time(const struct tls_material *material, int64_t *not_after, char warning[TLS_REASON_MAX])
{
	const ASN1_TIME *end = X509_get0_notAfter(material->certificate);
	struct tm when = {0};

	if (ASN1_TIME_to_tm(end, &when) == 1)
		*not_after = (int64_t)timegm(&when);
	if (X509_cmp_current_time(end) < 0)
		snprintf(warning, TLS_REASON_MAX, "has expired");
	else if (X509_cmp_current_time(X509_get0_notBefore(material->certificate)) > 0)
		snprintf(warning, TLS_REASON_MAX, "is not valid yet");
}

/* --- the chain --- */

/* Whether it says where its issuer's certificate can be had, as those do that public authorities sign. */
static bool names_issuer(const X509 *certificate)
{
	AUTHORITY_INFO_ACCESS *all = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(all); i++)
		found |= OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(all, i)->method) == NID_ad_ca_issuers;
	AUTHORITY_INFO_ACCESS_free(all);
	return found;
}

/* Whether one of that name is among the roots that this system trusts. */
static bool is_known(X509_STORE_CTX *look, const X509_NAME *name)
{
	X509_OBJECT *found = X509_OBJECT_new();
	bool known = found && X509_STORE_CTX_get_by_subject(look, X509_LU_X509, name, found) == 1;

	X509_OBJECT_free(found);
	return known;
}

/* It may be a file with all of them, which takes a while. */
static X509_STORE *read_roots(struct tls_roots *roots)
{
	if (!roots->store) {
		roots->store = X509_STORE_new();
		if (roots->store)
			(void)X509_STORE_set_default_paths(roots->store);
	}
	return roots->store;
}

void tls_roots_free(struct tls_roots *roots)
{
	X509_STORE_free(roots->store);
	roots->store = NULL;
}

/* A chain that leads to a root which has signed another way before is as good. */
static bool leads_to_root(const struct tls_material *material, const X509 *last, struct tls_roots *roots)
{
	X509_STORE *store = read_roots(roots);
	X509_STORE_CTX *look = X509_STORE_CTX_new();
	bool known = false;

	if (store && look && X509_STORE_CTX_init(look, store, NULL, NULL) == 1) {
		known = is_known(look, X509_get_issuer_name(last));
		for (int i = 0; !known && i < sk_X509_num(material->chain); i++)
			known = is_known(look, X509_get_subject_name(sk_X509_value(material->chain, i)));
	}
	X509_STORE_CTX_free(look);
	ERR_clear_error();
	return known;
}

static void tell_missing(const X509 *last, char warning[TLS_REASON_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	char name[NAME_TEXT_MAX];
	int size = 0;

	if (bio && X509_NAME_print_ex(bio, X509_get_issuer_name(last), 0, XN_FLAG_RFC2253) >= 0)
		size = BIO_read(bio, name, sizeof(name) - 1);
	name[size > 0 ? size : 0] = '\0';
	BIO_free(bio);
	snprintf(warning, TLS_REASON_MAX,
		 "its issuer '%s' is not in the file, and no root that this system knows: "
		 "clients may not trust it",
		 name);
}

/* Nothing tells an intermediate authority that is missing from a root of somebody's own that is left out, as roots
 * are, but: behind an intermediate one there is a root, unless it says where to get its issuer, which only
 * those of the public do. */
static void check_chain(const struct tls_material *material, struct tls_roots *roots, char warning[TLS_REASON_MAX])
{
	int count = sk_X509_num(material->chain);
	X509 *last = count > 0 ? sk_X509_value(material->chain, count - 1) : material->certificate;

	if (!material_chain_is_ordered(material))
		snprintf(warning, TLS_REASON_MAX, "the certificates behind it do not lead from one to the next");
	else if (roots && X509_check_issued(last, last) != X509_V_OK && (count == 0 || names_issuer(last)) &&
		 !leads_to_root(material, last, roots))
		tell_missing(last, warning);
}

/* --- names --- */

/* As clients of today do: what is no alternative name of it does not count (RFC 9525 section 2). A
 * wildcard is covered by the same one. */
static bool covers(X509 *certificate, const char *name)
{
	return X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1 ||
	       X509_check_ip_asc(certificate, name, 0) == 1;
}

static void check_names(const struct tls_material *material, const char *const *names, char warning[TLS_REASON_MAX])
{
	size_t used = 0;
	unsigned count = 0;

	for (; names && *names; names++) {
		if (covers(material->certificate, *names) || count++ >= NAMES_TOLD_MAX)
			continue;
		used += (size_t)snprintf(warning + used, TLS_REASON_MAX - used, "%s '%.60s'",
					 count > 1 ? "," : "does not cover", *names);
	}
	if (count > NAMES_TOLD_MAX)
		snprintf(warning + used, TLS_REASON_MAX - used, " and %u more", count - NAMES_TOLD_MAX);
	ERR_clear_error();
}

/* --- those who sign clients' certificates --- */

/* What OpenSSL asks when a client shows a certificate of that authority. */
static bool is_too_weak(SSL_CTX *ssl, X509 *authority)
{
	int bits = EVP_PKEY_get_security_bits(X509_get0_pubkey(authority));

	return SSL_CTX_get_security_callback(ssl)(NULL, ssl, SSL_SECOP_CA_KEY, bits, 0, authority, NULL) == 0;
}

/* Of many some may have ended: their clients are told so. */
static void check_authorities(BIO *pem, SSL_CTX *ssl, struct tls_warnings *warnings)
{
	unsigned count = 0, weak = 0, ended = 0;
	X509 *next;

	while ((next = PEM_read_bio_X509(pem, NULL, NULL, NULL))) {
		count++;
		weak += is_too_weak(ssl, next);
		ended += X509_cmp_current_time(X509_get0_notAfter(next)) < 0;
		X509_free(next);
	}
	ERR_clear_error();
	if (weak > 0)
		snprintf(warnings->chain, TLS_REASON_MAX,
			 "the keys of %u of its %u authorities are too small: no client of theirs is let in", weak,
			 count);
	if (ended == count)
		snprintf(warnings->time, TLS_REASON_MAX, "has expired: no client is let in");
}

int tls_check_client_ca(int fd, char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
{
	const struct tls_site alone = {.name = "", .client = TLS_CLIENT_REQUIRED, .client_ca_fd = fd};
	SSL_CTX *ssl = NULL;
	BIO *pem = NULL;

	*warnings = (struct tls_warnings){0};
	if (tls_check_site(&alone, reason) < 0)
		return -EINVAL;
	pem = pem_open(fd, reason);
	ssl = SSL_CTX_new(TLS_server_method());
	if (pem && ssl)
		check_authorities(pem, ssl, warnings);
	SSL_CTX_free(ssl);
	BIO_free(pem);
	return 0;
}

/* --- all of it --- */

int tls_check_pair(const struct tls_pair *pair, const char *const *names, struct tls_roots *roots, int64_t *not_after,
		   char reason[TLS_REASON_MAX], struct tls_warnings *warnings)
{
	const struct tls_site alone = {.name = "", .pairs = pair, .pair_count = 1, .client_ca_fd = -1};
	struct tls_material material;

	*warnings = (struct tls_warnings){0};
	if (tls_check_site(&alone, reason) < 0 || material_read(&material, pair, reason) < 0)
		return -EINVAL;
	check_time(&material, not_after, warnings->time);
	check_chain(&material, roots, warnings->chain);
	check_names(&material, names, warnings->names);
	material_free(&material);
	return 0;
}
