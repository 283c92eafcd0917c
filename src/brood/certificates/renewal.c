/* SPDX-License-Identifier: MIT
 *
 * See renewal.h. */
#include "brood/certificates/renewal.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "cluster/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 1000, ANSWER_MS = 10000 };

/* What is passed along. */
struct work {
	struct renewal *renewal;
	struct certificates *certificates;
	const struct privilege *privilege;
	struct master *master;
	uint64_t now_ms;
};

static void close_copy(struct renewal *renewal)
{
	certificate_take(&renewal->copy, &(struct tls_pair){-1, -1});
}

void renewal_cancel(struct renewal *renewal)
{
	if (renewal->check.count == 0 && !renewal->offered)
		return;
	certificate_check_stop(&renewal->check);
	renewal->offered = false;
	close_copy(renewal);
}

/* --- one that has been checked --- */

enum whom { ASK_ALL, TELL_ALL, TELL_OTHERS };

/* What a certificate's workers are to have: the pair of `from`. */
static void tell_workers(const struct work *work, const struct certificate *from, enum whom whom)
{
	uint32_t kind = from->kind == CERTIFICATE_CLIENT_CA ? BROADCAST_CLIENT_CA : BROADCAST_CERTIFICATE;
	const int fds[] = {from->pair.certificate_fd, from->pair.key_fd};
	size_t size = strlen(from->path) + 1, key_size = strlen(from->key_path) + 1;
	char paths[2 * PATH_MAX];

	memcpy(paths, from->path, size);
	memcpy(paths + size, from->key_path, key_size);
	if (whom == ASK_ALL)
		cluster_ask(work->master, kind, paths, size + key_size, fds, 2);
	else
		(whom == TELL_ALL ? cluster_broadcast : cluster_broadcast_others)(work->master, kind, paths,
										  size + key_size, fds, 2);
}

static void warn(bool error, const char *text)
{
	(void)error;
	log_warn("%s", text);
}

/* Other than what is in force: else only its end was to be learned, and there is nothing to take. */
static bool is_new(const struct certificate *certificate, const struct certificate *copy)
{
	return certificate->kind != CERTIFICATE_DEV && (!pem_stamp_equal(&copy->stamp, &certificate->stamp) ||
							!pem_stamp_equal(&copy->key_stamp, &certificate->key_stamp));
}

/* In force from now on, also for workers that have been started since it was offered. */
static void put_in_force(const struct work *work, struct certificate *certificate)
{
	struct certificate *copy = &work->renewal->copy;
	struct cluster_answers answers;
	char text[CERTIFICATE_TEXT_MAX];

	certificate_take(certificate, &copy->pair);
	copy->pair = (struct tls_pair){-1, -1};
	certificate->stamp = copy->stamp;
	certificate->key_stamp = copy->key_stamp;
	tell_workers(work, certificate, TELL_OTHERS);
	cluster_answers(work->master, &answers);
	certificate_describe(certificate,
			     answers.yes > 0 ? "renewed, and used from now on"
					     : "renewed, for workers to come: none serves now",
			     text);
	log_info("%s", text);
}

static void use(const struct work *work, struct certificate *certificate, const struct certificate_verdict *verdict)
{
	if (certificate->not_after != verdict->not_after)
		certificate->told = 0;
	certificate->not_after = verdict->not_after;
	if (is_new(certificate, &work->renewal->copy))
		put_in_force(work, certificate);
	certificate_warn(certificate, &verdict->warnings, warn);
}

/* Some may have taken it. */
static void take_back(const struct work *work, const struct certificate *certificate)
{
	if (work->renewal->offered)
		tell_workers(work, certificate, TELL_ALL);
}

static void refuse(const struct work *work, const struct certificate *certificate, const char *why)
{
	char text[CERTIFICATE_TEXT_MAX];

	take_back(work, certificate);
	certificate_describe(certificate, why, text);
	log_error("%s; the one from before is used further on", text);
}

/* False: there is nobody to ask, as nothing would change. */
static bool offer(const struct work *work, const struct certificate *certificate,
		  const struct certificate_verdict *verdict)
{
	struct renewal *renewal = work->renewal;

	if (!is_new(certificate, &renewal->copy))
		return false;
	renewal->offered = true;
	renewal->offered_ms = work->now_ms;
	renewal->verdict = *verdict;
	tell_workers(work, &renewal->copy, ASK_ALL);
	return true;
}

/* What there is to do about it now; the copy is kept as long as it is offered. */
static void conclude(const struct work *work, struct certificate *certificate, enum watch_event event,
		     const struct certificate_verdict *verdict)
{
	enum watch_action action = watch_happen(&certificate->watch, event);

	if (action == WATCH_OFFER) {
		if (offer(work, certificate, verdict))
			return;
		action = watch_happen(&certificate->watch, WATCH_TAKEN);
	}
	if (action == WATCH_USE)
		use(work, certificate, verdict);
	else if (action == WATCH_REFUSE)
		refuse(work, certificate, verdict->reason);
	else
		take_back(work, certificate);
	work->renewal->offered = false;
	close_copy(work->renewal);
}

static void hear_workers(const struct work *work)
{
	struct renewal *renewal = work->renewal;
	struct cluster_answers answers;
	enum watch_event event;

	cluster_answers(work->master, &answers);
	event = watch_answers(answers.asked, answers.yes, answers.no, answers.open,
			      work->now_ms - renewal->offered_ms >= ANSWER_MS);
	if (event == WATCH_SAME)
		return;
	snprintf(renewal->verdict.reason, sizeof(renewal->verdict.reason),
		 answers.no > 0 ? "workers cannot use it" : "workers that were given it have ended");
	conclude(work, &work->certificates->list[renewal->index], event, &renewal->verdict);
}

static void hear(const struct work *work)
{
	struct renewal *renewal = work->renewal;
	struct certificate_verdict verdict;

	if (renewal->offered)
		hear_workers(work);
	if (renewal->check.count > 0 && certificate_check_poll(&renewal->check, work->now_ms, &verdict))
		conclude(work, &work->certificates->list[renewal->index], verdict.good ? WATCH_GOOD : WATCH_BAD,
			 &verdict);
}

/* --- looking --- */

/* NULL: there is a copy to check, else why not. */
static const char *copy_files(const struct certificate *certificate, struct certificate *copy)
{
	const char *why = NULL;

	*copy = *certificate;
	copy->pair = (struct tls_pair){-1, -1};
	copy->pair.certificate_fd = pem_file_copy(certificate->path, &copy->stamp, &why);
	if (copy->pair.certificate_fd < 0)
		return why;
	copy->pair.key_fd = copy->pair.certificate_fd;
	copy->key_stamp = copy->stamp;
	if (strcmp(certificate->path, certificate->key_path) != 0)
		copy->pair.key_fd = pem_file_copy(certificate->key_path, &copy->key_stamp, &why);
	return copy->pair.key_fd < 0 ? why : NULL;
}

/* One that is made by us does not change. */
static const char *copy_own(const struct certificate *certificate, struct certificate *copy)
{
	*copy = *certificate;
	copy->pair.certificate_fd = fcntl(certificate->pair.certificate_fd, F_DUPFD_CLOEXEC, 0);
	copy->pair.key_fd = fcntl(certificate->pair.key_fd, F_DUPFD_CLOEXEC, 0);
	return copy->pair.key_fd < 0 ? strerror(errno) : NULL;
}

static void check(const struct work *work, struct certificate *certificate)
{
	struct renewal *renewal = work->renewal;
	bool own = certificate->kind == CERTIFICATE_DEV;
	const char *why = (own ? copy_own : copy_files)(certificate, &renewal->copy);
	struct certificate_verdict verdict = {.good = false};

	renewal->index = (size_t)(certificate - work->certificates->list);
	if (why) {
		snprintf(verdict.reason, sizeof(verdict.reason), "%s", why);
		conclude(work, certificate, WATCH_BAD, &verdict);
	} else if (certificate_check_start(&renewal->check, work->privilege, work->certificates, renewal->index, 1,
					   &renewal->copy, work->now_ms) < 0) {
		conclude(work, certificate, WATCH_FAILED, &verdict);
	}
}

/* Between two looks nothing has changed: then it waits for a check, of which there is one at a time. */
static void look(struct certificate *certificate)
{
	struct pem_stamp stamp = certificate->seen, key_stamp = certificate->key_seen;

	if (certificate->kind != CERTIFICATE_DEV) {
		pem_file_stamp(certificate->path, &certificate->seen);
		pem_file_stamp(certificate->key_path, &certificate->key_seen);
	}
	certificate->waits =
		pem_stamp_equal(&stamp, &certificate->seen) && pem_stamp_equal(&key_stamp, &certificate->key_seen);
	if (!certificate->waits)
		(void)watch_happen(&certificate->watch, WATCH_CHANGED);
	certificate->waits = certificate->waits && certificate->watch == WATCH_SETTLING;
}

static bool has_changed(const struct certificate *certificate)
{
	return !pem_stamp_equal(&certificate->seen, &certificate->stamp) ||
	       !pem_stamp_equal(&certificate->key_seen, &certificate->key_stamp);
}

/* Those that are renewed go first; of others only their end is to be learned. NULL: nobody waits. */
static struct certificate *next_to_check(const struct certificates *certificates)
{
	struct certificate *found = NULL;

	for (size_t i = 0; i < certificates->count; i++) {
		struct certificate *one = &certificates->list[i];

		if (one->waits && has_changed(one))
			return one;
		if (one->waits && !found)
			found = one;
	}
	return found;
}

static void look_at_all(const struct certificates *certificates)
{
	int64_t now = (int64_t)time(NULL);
	char text[CERTIFICATE_TEXT_MAX];

	for (size_t i = 0; i < certificates->count; i++) {
		look(&certificates->list[i]);
		if (certificate_ends(&certificates->list[i], now, text))
			log_warn("%s", text);
	}
}

void renewal_look(struct renewal *renewal, struct certificates *certificates, const struct privilege *privilege,
		  struct master *master)
{
	const struct work work = {renewal, certificates, privilege, master, clock_now_ms()};
	struct certificate *next;

	hear(&work);
	if (work.now_ms - renewal->looked_ms >= LOOK_MS) {
		renewal->looked_ms = work.now_ms;
		look_at_all(certificates);
	}
	next = renewal->check.count == 0 && !renewal->offered ? next_to_check(certificates) : NULL;
	if (next) {
		next->waits = false;
		if (watch_happen(&next->watch, WATCH_SAME) == WATCH_CHECK)
			check(&work, next);
	}
}

/* --- in a worker --- */

struct certificate *renewal_take(const struct certificates *certificates, uint32_t broadcast, const void *data,
				 size_t size, int *fds, size_t fd_count)
{
	enum certificate_kind kind = broadcast == BROADCAST_CLIENT_CA ? CERTIFICATE_CLIENT_CA : CERTIFICATE_PAIR;
	const char *path = data, *key_path = memchr(path, '\0', size);
	struct certificate *certificate;

	if (!key_path || path[size - 1] != '\0' || ++key_path == path + size || fd_count != 2)
		return NULL;
	certificate = certificates_find(certificates, kind, path, key_path);
	if (!certificate)
		return NULL;
	certificate_take(certificate, &(struct tls_pair){fds[0], fds[1]});
	fds[0] = fds[1] = -1;
	return certificate;
}
