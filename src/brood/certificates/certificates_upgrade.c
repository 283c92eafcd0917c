/* SPDX-License-Identifier: MIT
 *
 * Certificates over an upgrade (certificates.h): the next version goes on with what has been checked, whatever
 * is in the files by now, and finds out by itself that they have changed. Master only. */
#include "brood/certificates/certificates.h"

#include "base/fd.h"
#include "cluster/upgrade/upgrade_record.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The paths stand behind it, each with its NUL. */
struct upgrade_certificate {
	struct pem_stamp stamp, key_stamp;
	int64_t not_after;
	int32_t certificate_fd, key_fd;
	uint32_t told, kind;
};

static void save(const struct certificate *certificate, uint32_t type, struct upgrade_writer *writer)
{
	struct upgrade_certificate head = {
		.stamp = certificate->stamp,
		.key_stamp = certificate->key_stamp,
		.not_after = certificate->not_after,
		.certificate_fd = upgrade_keep_fd(writer, certificate->pair.certificate_fd),
		.key_fd = upgrade_keep_fd(writer, certificate->pair.key_fd),
		.told = certificate->told,
		.kind = certificate->kind,
	};
	struct buffer octets = {0};

	if (buffer_append(&octets, &head, sizeof(head)) < 0 ||
	    buffer_append(&octets, certificate->path, strlen(certificate->path) + 1) < 0 ||
	    buffer_append(&octets, certificate->key_path, strlen(certificate->key_path) + 1) < 0)
		writer->failed = true;
	else
		upgrade_put(writer, type, octets.data, octets.used);
	buffer_free(&octets);
}

void certificates_save(const struct certificates *certificates, uint32_t type, struct upgrade_writer *writer)
{
	for (size_t i = 0; i < certificates->count; i++)
		save(&certificates->list[i], type, writer);
}

/* A file in memory, of which nobody else is the owner. */
static bool is_pem(int fd)
{
	return fd > STDERR_FILENO && fcntl(fd, F_GET_SEALS) >= 0;
}

static void take(struct certificate *certificate, const struct upgrade_certificate *saved)
{
	certificate_take(certificate, &(struct tls_pair){saved->certificate_fd, saved->key_fd});
	certificate->stamp = certificate->seen = saved->stamp;
	certificate->key_stamp = certificate->key_seen = saved->key_stamp;
	certificate->not_after = saved->not_after;
	certificate->told = saved->told;
	certificate->is_new = false;
	certificate->watch = saved->not_after ? WATCH_QUIET : WATCH_SETTLING;
}

void certificates_restore(struct certificates *certificates, const struct upgrade_record *record)
{
	struct upgrade_certificate saved;
	const char *path = (const char *)record->data + sizeof(saved), *key_path;
	const char *end = (const char *)record->data + record->size;
	struct certificate *certificate;
	bool two;

	if (record->size <= sizeof(saved) || end[-1] != '\0')
		return;
	memcpy(&saved, record->data, sizeof(saved));
	key_path = path + strlen(path) + 1;
	if (!is_pem(saved.certificate_fd) || !is_pem(saved.key_fd) || key_path >= end)
		return;
	certificate = certificates_find(certificates, saved.kind, path, key_path);
	if (certificate) {
		take(certificate, &saved);
		return;
	}
	two = saved.key_fd != saved.certificate_fd;
	fd_close(&saved.certificate_fd);
	if (two)
		fd_close(&saved.key_fd);
}
