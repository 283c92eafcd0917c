/* SPDX-License-Identifier: MIT
 *
 * A certificate for trying out: signed by itself, so that no client believes it unasked. */
#include "http/tls/private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALID_DAYS = 365, SKEW_S = 3600 /* clients' clocks may be slow */ };

/* One process at a time. */
static int lock(int fd, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
	int rc;

	do
		rc = fcntl(fd, F_SETLKW, &lock);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* Addresses are no names to clients; those of IPv6 stand in brackets where hosts are named. */
static bool add_name(GENERAL_NAMES *names, const char *text)
{
	char address[INET6_ADDRSTRLEN + 2] = "";
	unsigned char octets[16];
	GENERAL_NAME *name;
	size_t length = strlen(text);
	bool is_address;

	if (text[0] == '[' && length - 2 < INET6_ADDRSTRLEN)
		memcpy(address, text + 1, length - 2);
	is_address = inet_pton(AF_INET6, address, octets) == 1 || inet_pton(AF_INET, text, octets) == 1;
	name = a2i_GENERAL_NAME(NULL, NULL, NULL, is_address ? GEN_IPADD : GEN_DNS, address[0] ? address : text, 0);
	if (name && sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool add_names(X509 *certificate, const char *const *own)
{
	static const char *const always[] = {"localhost", "127.0.0.1", "[::1]"};
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	bool ok = names != NULL;

	for (; ok && *own; own++)
		ok = add_name(names, *own);
	for (size_t i = 0; ok && i < sizeof(always) / sizeof(always[0]); i++)
		ok = add_name(names, always[i]);
	ok = ok && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1;
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return ok;
}

static bool add_serial(X509 *certificate)
{
	uint64_t serial;

	return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

static bool add_constraints(X509 *certificate)
{
	X509_EXTENSION *no_authority = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:FALSE");
	bool ok = no_authority && X509_add_ext(certificate, no_authority, -1) == 1;

	X509_EXTENSION_free(no_authority);
	return ok;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const char *const *names)
{
	X509_NAME *subject = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) == 1 && add_serial(certificate) &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -SKEW_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_DAYS * 24 * 3600L) &&
	       X509_set_pubkey(certificate, key) == 1 &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"brood, for trying out",
					  -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, subject) == 1 && add_constraints(certificate) &&
	       add_names(certificate, names) && X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* What another process has left half done is overwritten. */
static bool write_out(int fd, BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);

	return size > 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, (size_t)size, 0) == size;
}

/* The certificate last: where it is, all is. */
static bool make(const struct tls_pair *out, const char *const *names)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	BIO *text = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
	bool ok = key && certificate && text && secret && fill(certificate, key, names) &&
		  PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		  PEM_write_bio_X509(text, certificate) == 1 && write_out(out->key_fd, secret) &&
		  write_out(out->certificate_fd, text);

	BIO_free(text);
	BIO_free(secret);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return ok;
}

int tls_make_pair(const struct tls_pair *out, const char *const *names, char reason[TLS_REASON_MAX])
{
	struct stat info;
	bool ok;
	int rc = lock(out->key_fd, F_WRLCK);

	if (rc < 0) {
		snprintf(reason, TLS_REASON_MAX, "cannot lock it: %s", strerror(-rc));
		return -EINVAL;
	}
	ERR_clear_error();
	ok = fstat(out->certificate_fd, &info) == 0 && (info.st_size > 0 || make(out, names));
	if (!ok)
		tls_reason(reason, "a certificate for trying out cannot be made");
	(void)lock(out->key_fd, F_UNLCK);
	return ok ? 0 : -EINVAL;
}
