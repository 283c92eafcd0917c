noinst_LIBRARIES += libhttp.a
libhttp_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LLHTTP_CFLAGS) $(OPENSSL_CFLAGS) $(ZLIB_CFLAGS)
libhttp_a_SOURCES = \
	src/http/http.h \
	src/http/client/access_entry.c src/http/client/access_entry.h \
	src/http/client/client.c src/http/client/client.h \
	src/http/client/client_key.c src/http/client/client_key.h \
	src/http/client/forwarded.c src/http/client/forwarded.h \
	src/http/client/peer.c src/http/client/peer.h \
	src/http/client/proxy_protocol.c src/http/client/proxy_protocol.h \
	src/http/client/quota.c src/http/client/quota.h \
	src/http/client/quota_clients.c \
	src/http/client/quota_rate.c \
	src/http/client/quota_room.c \
	src/http/client/quota_table.h \
	src/http/client/request_id.c src/http/client/request_id.h \
	src/http/connection/admission.c src/http/connection/admission.h \
	src/http/connection/arrival.c src/http/connection/arrival.h \
	src/http/connection/connection.c src/http/connection/connection.h \
	src/http/connection/deadline.c src/http/connection/deadline.h \
	src/http/connection/delivery.c src/http/connection/delivery.h \
	src/http/connection/closing.c src/http/connection/closing.h \
	src/http/connection/evict.c src/http/connection/evict.h \
	src/http/connection/health.c src/http/connection/health.h \
	src/http/connection/http1.c src/http/connection/http1.h \
	src/http/connection/idle.c src/http/connection/idle.h \
	src/http/connection/input.c src/http/connection/input.h \
	src/http/connection/prelude.c src/http/connection/prelude.h \
	src/http/connection/loop.h \
	src/http/connection/migration.c src/http/connection/migration.h \
	src/http/connection/pace.h \
	src/http/connection/pacing.c src/http/connection/pacing.h \
	src/http/connection/pool.c src/http/connection/pool.h \
	src/http/connection/respond.c src/http/connection/respond.h \
	src/http/connection/room.c src/http/connection/room.h \
	src/http/connection/server.c src/http/connection/server.h \
	src/http/connection/migration_state.c src/http/connection/migration_state.h \
	src/http/connection/turn.c src/http/connection/turn.h \
	src/http/files/answering.h \
	src/http/files/file.c src/http/files/file.h \
	src/http/files/file_cache.c src/http/files/file_cache.h \
	src/http/files/file_entry.c src/http/files/file_entry.h \
	src/http/files/file_load.c src/http/files/file_load.h \
	src/http/files/file_make.c src/http/files/file_make.h \
	src/http/files/gzip.c src/http/files/gzip.h \
	src/http/files/listing.c src/http/files/listing.h \
	src/http/files/listing_answer.c src/http/files/listing_answer.h \
	src/http/files/listing_html.c \
	src/http/files/listing_json.c \
	src/http/files/listing_text.c src/http/files/listing_text.h \
	src/http/files/lookup.c src/http/files/lookup.h \
	src/http/files/multipart.c src/http/files/multipart.h \
	src/http/files/representation.c src/http/files/representation.h \
	src/http/files/response.c src/http/files/response.h \
	src/http/files/roots.c src/http/files/roots.h \
	src/http/files/siblings.c src/http/files/siblings.h \
	src/http/files/stamp.c src/http/files/stamp.h \
	src/http/files/static.c src/http/files/static.h \
	src/http/files/status_answer.c src/http/files/status_answer.h \
	src/http/files/variants.c src/http/files/variants.h \
	src/http/message/accept.c src/http/message/accept.h \
	src/http/message/authority.c src/http/message/authority.h \
	src/http/message/body.c src/http/message/body.h \
	src/http/message/coding.c src/http/message/coding.h \
	src/http/message/cond.c src/http/message/cond.h \
	src/http/message/date.c src/http/message/date.h \
	src/http/message/etag.c src/http/message/etag.h \
	src/http/message/framing.c src/http/message/framing.h \
	src/http/message/guard.c src/http/message/guard.h \
	src/http/message/head.c src/http/message/head.h \
	src/http/message/parser.c src/http/message/parser.h \
	src/http/message/path.c src/http/message/path.h \
	src/http/message/range.c src/http/message/range.h \
	src/http/message/refusal.c src/http/message/refusal.h \
	src/http/message/request.c src/http/message/request.h \
	src/http/message/status.c src/http/message/status.h \
	src/http/site/epochs.c src/http/site/epochs.h \
	src/http/site/header_rules.c src/http/site/header_rules.h \
	src/http/site/cache_control.c src/http/site/cache_control.h \
	src/http/site/mime.c src/http/site/mime.h \
	src/http/site/open.c src/http/site/open.h \
	src/http/site/redirect.c src/http/site/redirect.h \
	src/http/site/root_follow.c src/http/site/root_follow.h \
	src/http/site/site.c src/http/site/site.h \
	src/http/tls/check.c \
	src/http/tls/context.c \
	src/http/tls/dev.c \
	src/http/tls/facts.c \
	src/http/tls/hello.c \
	src/http/tls/kernel.c \
	src/http/tls/pem.c \
	src/http/tls/private.h \
	src/http/tls/saved.c \
	src/http/tls/session.c \
	src/http/tls/tickets.c \
	src/http/tls/tls.c src/http/tls/tls.h \
	src/http/transport/send_queue.c src/http/transport/send_queue.h \
	src/http/transport/stream.c src/http/transport/stream.h

# Debian 12 has llhttp as C sources only (package node-llhttp): compiled from where that package put
# them, by one-line files in the build folder.
if LLHTTP_FROM_SOURCES
noinst_LIBRARIES += libllhttp.a
libllhttp_a_CFLAGS = -std=gnu11 $(LLHTTP_CFLAGS) $(MODE_CFLAGS)
nodist_libllhttp_a_SOURCES = llhttp/api.c llhttp/http.c llhttp/llhttp.c
CLEANFILES += $(nodist_libllhttp_a_SOURCES)
$(nodist_libllhttp_a_SOURCES):
	$(AM_V_GEN)$(MKDIR_P) llhttp && echo '#include "$(LLHTTP_SOURCE)/$(@F)"' > $@
endif
