noinst_LIBRARIES += libhttp.a
libhttp_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LLHTTP_CFLAGS) $(OPENSSL_CFLAGS) $(ZLIB_CFLAGS)
libhttp_a_SOURCES = src/http/http.h src/http/request.h src/http/response.h src/http/static.h
libhttp_a_SOURCES += \
	src/http/admission.c src/http/admission.h \
	src/http/arrival.c src/http/arrival.h \
	src/http/authority.c src/http/authority.h \
	src/http/body.c src/http/body.h \
	src/http/client_key.c src/http/client_key.h \
	src/http/client.c src/http/client.h \
	src/http/connection.c src/http/connection.h \
	src/http/deadline.c src/http/deadline.h \
	src/http/delivery.c src/http/delivery.h \
	src/http/ending.c src/http/ending.h \
	src/http/evict.c src/http/evict.h \
	src/http/exchange.c src/http/exchange.h \
	src/http/forwarded.c src/http/forwarded.h \
	src/http/framing.c src/http/framing.h \
	src/http/guard.c src/http/guard.h \
	src/http/health.c src/http/health.h \
	src/http/idle.c src/http/idle.h \
	src/http/input.c src/http/input.h \
	src/http/intake.c src/http/intake.h \
	src/http/loop.h \
	src/http/moving.c src/http/moving.h \
	src/http/outbox.c src/http/outbox.h \
	src/http/pace.h \
	src/http/pacing.c src/http/pacing.h \
	src/http/parser.c src/http/parser.h \
	src/http/peer.c src/http/peer.h \
	src/http/pool.c src/http/pool.h \
	src/http/epochs.c src/http/epochs.h \
	src/http/root_follow.c src/http/root_follow.h \
	src/http/roots.c src/http/roots.h \
	src/http/quota.c src/http/quota.h src/http/quota_table.h \
	src/http/quota_clients.c \
	src/http/quota_rate.c \
	src/http/quota_room.c \
	src/http/proxy.c src/http/proxy.h \
	src/http/record.c src/http/record.h \
	src/http/refusal.c src/http/refusal.h \
	src/http/request.c \
	src/http/respond.c src/http/respond.h \
	src/http/request_id.c src/http/request_id.h \
	src/http/server.c src/http/server.h \
	src/http/room.c src/http/room.h \
	src/http/state.c src/http/state.h \
	src/http/stream.c src/http/stream.h \
	src/http/turn.c src/http/turn.h

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

# Files as resources.
libhttp_a_SOURCES += \
	src/http/coding.c \
	src/http/accept.c \
	src/http/cond.c \
	src/http/date.c \
	src/http/etag.c \
	src/http/fields.c \
	src/http/file.c \
	src/http/file_make.c \
	src/http/siblings.c \
	src/http/stamp.c \
	src/http/variants.c \
	src/http/file_cache.c \
	src/http/freshness.c \
	src/http/listing.c \
	src/http/listing_answer.c \
	src/http/listing_html.c \
	src/http/listing_json.c \
	src/http/listing_text.c \
	src/http/gzip.c \
	src/http/lookup.c \
	src/http/representation.c \
	src/http/head.c \
	src/http/mime.c \
	src/http/multipart.c \
	src/http/open.c \
	src/http/path.c \
	src/http/range.c \
	src/http/redirect.c \
	src/http/response.c \
	src/http/site.c \
	src/http/static.c \
	src/http/coding.h \
	src/http/accept.h \
	src/http/cond.h \
	src/http/date.h \
	src/http/etag.h \
	src/http/fields.h \
	src/http/file.h \
	src/http/file_make.h \
	src/http/siblings.h \
	src/http/stamp.h \
	src/http/variants.h \
	src/http/file_cache.h \
	src/http/freshness.h \
	src/http/listing.h \
	src/http/listing_answer.h \
	src/http/listing_text.h \
	src/http/gzip.h \
	src/http/lookup.h \
	src/http/representation.h \
	src/http/head.h \
	src/http/mime.h \
	src/http/multipart.h \
	src/http/open.h \
	src/http/path.h \
	src/http/redirect.h \
	src/http/site.h \
	src/http/range.h

# TLS.
libhttp_a_SOURCES += \
	src/http/tls/check.c src/http/tls/context.c \
	src/http/tls/dev.c \
	src/http/tls/facts.c \
	src/http/tls/hello.c \
	src/http/tls/kernel.c \
	src/http/tls/pem.c \
	src/http/tls/private.h \
	src/http/tls/saved.c \
	src/http/tls/session.c \
	src/http/tls/tickets.c \
	src/http/tls/tls.c src/http/tls/tls.h
