/* SPDX-License-Identifier: MIT
 *
 * See certificates.h. */
#include "brood/certificates/certificates.h"

#include "base/buffer.h"
#include "base/fd.h"
#include "base/log.h"
#include "brood/config/config_sites.h"
#include "brood/config/config_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is passed along. */
struct opening {
	struct certificates *out;
	const struct config *config;
	const struct certificates *before;
	bool keep;
	char *reason;
	size_t room;
};

static int fail(const struct opening *opening, const char *what, const char *path, const char *why)
{
	snprintf(opening->reason, opening->room, "%s '%s': %s", what, path, why);
	return -1;
}

static int fail_for_memory(const struct opening *opening)
{
	snprintf(opening->reason, opening->room, "no memory for certificates");
	return -1;
}

/* Whose pair is the same descriptor twice has it once. */
static void close_pair(struct tls_pair *pair)
{
	if (pair->key_fd == pair->certificate_fd)
		pair->key_fd = -1;
	fd_close(&pair->certificate_fd);
	fd_close(&pair->key_fd);
}

struct certificate *certificates_find(const struct certificates *certificates, enum certificate_kind kind,
				      const char *path, const char *key_path)
{
	for (size_t i = 0; i < certificates->count; i++) {
		struct certificate *one = &certificates->list[i];

		if (one->kind == kind && strcmp(one->path, path) == 0 && strcmp(one->key_path, key_path) == 0)
			return one;
	}
	return NULL;
}

bool certificate_site_has(const struct certificate_site *site, size_t place)
{
	for (size_t i = 0; i < site->pair_count; i++) {
		if (site->pairs[i] == place)
			return true;
	}
	return site->client != TLS_CLIENT_OFF && site->client_ca == place;
}

const char **certificate_names(const struct certificates *certificates, size_t place)
{
	const struct certificate_site *site = certificates->sites;
	const char **names;
	size_t count = 1;

	for (size_t i = 0; i < certificates->site_count; i++)
		count += site[i].names->count;
	names = calloc(count, sizeof(*names));
	count = 0;
	for (size_t i = 0; names && i < certificates->site_count; i++) {
		if (site[i].borrows || !certificate_site_has(&site[i], place))
			continue;
		for (size_t k = 0; k < site[i].names->count; k++)
			names[count++] = site[i].names->items[k];
	}
	return names;
}

/* A new one at the end of the list, with nothing opened; NULL: no memory. */
static struct certificate *add(struct certificates *out, enum certificate_kind kind, const char *path,
			       const char *key_path)
{
	struct certificate *larger = reallocarray(out->list, out->count + 1, sizeof(*larger));
	struct certificate *fresh;

	if (!larger)
		return NULL;
	out->list = larger;
	fresh = &larger[out->count];
	*fresh = (struct certificate){
		.kind = kind, .path = strdup(path), .key_path = strdup(key_path), .pair = {-1, -1}};
	out->count++;
	return fresh->path && fresh->key_path ? fresh : NULL;
}

static int open_files(const struct opening *opening, struct certificate *fresh)
{
	bool authorities = fresh->kind == CERTIFICATE_CLIENT_CA;
	const char *why;

	fresh->pair.certificate_fd = pem_file_copy(fresh->path, &fresh->stamp, &why);
	if (fresh->pair.certificate_fd < 0)
		return fail(opening, authorities ? "tls_client_ca" : "tls_certificate", fresh->path, why);
	if (strcmp(fresh->path, fresh->key_path) == 0) {
		fresh->pair.key_fd = fresh->pair.certificate_fd;
		fresh->key_stamp = fresh->stamp;
		return 0;
	}
	fresh->pair.key_fd = pem_file_copy(fresh->key_path, &fresh->key_stamp, &why);
	return fresh->pair.key_fd < 0 ? fail(opening, "tls_key", fresh->key_path, why) : 0;
}

/* Empty for now. */
static int open_dev(const struct opening *opening, struct certificate *fresh)
{
	fresh->is_new = true;
	fresh->pair.certificate_fd = memfd_create("brood-certificate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	fresh->pair.key_fd = memfd_create("brood-key", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fresh->pair.certificate_fd < 0 || fresh->pair.key_fd < 0)
		return fail(opening, "tls_certificate", "dev", strerror(errno));
	return 0;
}

/* What there was before. */
static int copy_old(const struct opening *opening, struct certificate *fresh, const struct certificate *old)
{
	fresh->pair.certificate_fd = fcntl(old->pair.certificate_fd, F_DUPFD_CLOEXEC, 0);
	fresh->pair.key_fd = fresh->pair.certificate_fd;
	if (old->pair.key_fd != old->pair.certificate_fd)
		fresh->pair.key_fd = fcntl(old->pair.key_fd, F_DUPFD_CLOEXEC, 0);
	fresh->stamp = old->stamp;
	fresh->key_stamp = old->key_stamp;
	if (fresh->pair.certificate_fd < 0 || fresh->pair.key_fd < 0)
		return fail(opening, "tls_certificate", fresh->path, strerror(errno));
	return 0;
}

/* What was told of the same one is not told again. */
static void remember(const struct certificate *old, struct certificate *fresh)
{
	fresh->seen = fresh->stamp;
	fresh->key_seen = fresh->key_stamp;
	fresh->watch = WATCH_SETTLING;
	if (old && pem_stamp_equal(&old->stamp, &fresh->stamp) && pem_stamp_equal(&old->key_stamp, &fresh->key_stamp)) {
		fresh->watch = old->not_after ? WATCH_QUIET : WATCH_SETTLING;
		fresh->not_after = old->not_after;
		fresh->told = old->told;
	}
}

/* Opens one, unless another site has it, too. *place: in the list. */
static int open_one(const struct opening *opening, enum certificate_kind kind, const char *path, const char *key_path,
		    size_t *place)
{
	struct certificates *out = opening->out;
	struct certificate *one = certificates_find(out, kind, path, key_path), *old = NULL;
	bool dev = kind == CERTIFICATE_DEV;
	int rc = 0;

	if (opening->before)
		old = certificates_find(opening->before, kind, path, key_path);
	if (!one) {
		one = add(out, kind, path, key_path);
		if (!one)
			return fail_for_memory(opening);
		if (old && (dev || opening->keep))
			rc = copy_old(opening, one, old);
		else
			rc = (dev ? open_dev : open_files)(opening, one);
		if (rc < 0)
			return -1;
		remember(old, one);
	}
	*place = (size_t)(one - out->list);
	return 0;
}

/* "example.org *.example.org"; NULL: no memory. */
static char *join(const struct config_list *names)
{
	struct buffer text = {0};
	int rc = buffer_printf(&text, "%s", "");

	for (size_t i = 0; rc == 0 && i < names->count; i++)
		rc = buffer_printf(&text, "%s%s", i > 0 ? " " : "", names->items[i]);
	if (rc == 0)
		rc = buffer_append(&text, "", 1);
	if (rc == 0)
		return text.data;
	buffer_free(&text);
	return NULL;
}

static int open_pairs(const struct opening *opening, const struct config_site *from, struct certificate_site *site)
{
	struct config_tls tls;
	char *names;
	int rc = 0;

	config_tls_resolve(opening->config, from, &tls);
	if (tls.dev) {
		names = join(&from->names);
		rc = names ? open_one(opening, CERTIFICATE_DEV, "dev", names, &site->pairs[site->pair_count++])
			   : fail_for_memory(opening);
		free(names);
		return rc;
	}
	for (size_t i = 0; rc == 0 && i < tls.certificates->count; i++) {
		const char *path = tls.certificates->items[i];

		rc = open_one(opening, CERTIFICATE_PAIR, path, tls.keys->count > 0 ? tls.keys->items[i] : path,
			      &site->pairs[site->pair_count++]);
	}
	return rc;
}

static int open_site(const struct opening *opening, const struct config_site *from)
{
	struct certificate_site *site = &opening->out->sites[opening->out->site_count++];
	struct config_site resolved;

	config_site_resolve(opening->config, from, &resolved);
	site->name = from->names.count > 0 ? from->names.items[0] : "";
	site->names = &from->names;
	site->client = resolved.tls_client;
	if (site->client != TLS_CLIENT_OFF && open_one(opening, CERTIFICATE_CLIENT_CA, resolved.tls_client_ca,
						       resolved.tls_client_ca, &site->client_ca) < 0)
		return -1;
	return open_pairs(opening, from, site);
}

/* A site without a certificate, if it is asked for, shows that of the first one that has any. */
static void fill_in(struct certificates *out)
{
	const struct certificate_site *first = out->sites;

	while (first->pair_count == 0)
		first++; /* there is one: config_tls_check */
	for (size_t i = 0; i < out->site_count; i++) {
		if (out->sites[i].pair_count > 0)
			continue;
		memcpy(out->sites[i].pairs, first->pairs, sizeof(first->pairs));
		out->sites[i].pair_count = first->pair_count;
		out->sites[i].borrows = true;
	}
}

/* In the order of sites_open. */
static int open_sites(const struct opening *opening)
{
	const struct config *config = opening->config;
	int rc = 0;

	opening->out->sites = calloc(config->site_count + 1, sizeof(*opening->out->sites));
	if (!opening->out->sites)
		return fail_for_memory(opening);
	if (config->site.root)
		rc = open_site(opening, &config->site);
	for (size_t i = 0; rc == 0 && i < config->site_count; i++)
		rc = open_site(opening, &config->sites[i]);
	if (rc == 0)
		fill_in(opening->out);
	return rc;
}

static bool names_equal(const char **names, const char **others)
{
	if (!names || !others)
		return false;
	while (*names && *others && strcmp(*names, *others) == 0)
		names++, others++;
	return !*names && !*others;
}

/* What is the same as before may not be good for all names that there are now: it is checked again, which tells so. */
static void look_for_names(struct certificates *out, const struct certificates *before)
{
	for (size_t i = 0; i < out->count; i++) {
		struct certificate *one = &out->list[i];
		const struct certificate *old = certificates_find(before, one->kind, one->path, one->key_path);
		const char **names, **old_names;

		if (one->watch != WATCH_QUIET || !old)
			continue;
		names = certificate_names(out, i);
		old_names = certificate_names(before, (size_t)(old - before->list));
		if (!names_equal(names, old_names))
			one->watch = WATCH_SETTLING;
		free(names);
		free(old_names);
	}
}

int certificates_open(struct certificates *out, const struct config *config, const struct certificates *before,
		      bool keep, char *reason, size_t room)
{
	const struct opening opening = {out, config, before, keep, reason, room};

	*out = (struct certificates){0};
	if (!config_tls_uses(config))
		return 0;
	if (open_sites(&opening) == 0) {
		if (before)
			look_for_names(out, before);
		return 0;
	}
	certificates_close(out);
	return -1;
}

void certificates_close(struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++) {
		struct certificate *one = &certificates->list[i];

		close_pair(&one->pair);
		free(one->path);
		free(one->key_path);
	}
	free(certificates->list);
	free(certificates->sites);
	*certificates = (struct certificates){0};
}

size_t certificates_keep(const struct certificates *certificates, int *fds, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < certificates->count && count + 2 <= room; i++) {
		fds[count++] = certificates->list[i].pair.certificate_fd;
		fds[count++] = certificates->list[i].pair.key_fd;
	}
	return count;
}

void certificates_tell(const struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++) {
		const struct certificate *one = &certificates->list[i];

		if (one->is_new)
			log_warn("tls_certificate = \"dev\": a certificate that nobody vouches for, made "
				 "for trying out (%s%slocalhost)",
				 one->key_path, one->key_path[0] ? " " : "");
	}
}

void certificate_describe(const struct certificate *certificate, const char *what, char out[CERTIFICATE_TEXT_MAX])
{
	bool two = certificate->kind == CERTIFICATE_PAIR && strcmp(certificate->path, certificate->key_path) != 0;

	snprintf(out, CERTIFICATE_TEXT_MAX, "%s '%.320s'%s%.320s%s: %s",
		 certificate->kind == CERTIFICATE_CLIENT_CA ? "tls_client_ca" : "certificate", certificate->path,
		 two ? " with key '" : "", two ? certificate->key_path : "", two ? "'" : "", what);
}

bool certificate_ends(struct certificate *certificate, int64_t now, char out[CERTIFICATE_TEXT_MAX])
{
	char what[64];
	int left;

	if (certificate->not_after == 0 || watch_days_to_tell(certificate->not_after, now, &certificate->told) < 0)
		return false;
	left = watch_days_left(certificate->not_after, now);
	if (certificate->not_after <= now)
		snprintf(what, sizeof(what), "has expired");
	else if (left == 0)
		snprintf(what, sizeof(what), "expires within a day");
	else
		snprintf(what, sizeof(what), "expires in %d day%s", left, left == 1 ? "" : "s");
	certificate_describe(certificate, what, out);
	return true;
}

void certificate_take(struct certificate *certificate, const struct tls_pair *pair)
{
	close_pair(&certificate->pair);
	certificate->pair = *pair;
}

/* The names as a list, which is made in place. Returns 0 or -ENOMEM. */
static int split(char *text, const char ***out)
{
	size_t count = 1;
	char *rest = text;
	const char **list;

	for (const char *at = text; *at; at++)
		count += *at == ' ';
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (count = 0; *text && (text = strsep(&rest, " ")); count++)
		list[count] = text;
	*out = list;
	return 0;
}

/* All workers have the descriptors that they are made through, so what is made must be closed to writing: one that
 * was taken over could spoil it for those to come. An earlier version's cannot be, and stay as they are. */
static bool is_closed(const struct tls_pair *pair)
{
	int seals = fcntl(pair->certificate_fd, F_GET_SEALS), key = fcntl(pair->key_fd, F_GET_SEALS);

	return seals > 0 && key > 0 && (seals & key & F_SEAL_WRITE);
}

static void close_to_writing(const struct tls_pair *pair)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	(void)fcntl(pair->key_fd, F_ADD_SEALS, seals);
	(void)fcntl(pair->certificate_fd, F_ADD_SEALS, seals);
}

int certificate_fill(const struct certificate *certificate, char reason[TLS_REASON_MAX])
{
	char *text;
	const char **names = NULL;
	int rc = -EINVAL;

	if (is_closed(&certificate->pair))
		return 0;
	text = strdup(certificate->key_path);
	if (!text || split(text, &names) < 0)
		snprintf(reason, TLS_REASON_MAX, "no memory");
	else
		rc = tls_make_pair(&certificate->pair, names, reason);
	if (rc == 0)
		close_to_writing(&certificate->pair);
	free(names);
	free(text);
	return rc;
}
