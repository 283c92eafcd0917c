noinst_LIBRARIES += libhttp.a
libhttp_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LLHTTP_CFLAGS)
libhttp_a_SOURCES = src/http/http.h src/http/request.h src/http/response.h src/http/static.h

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
