noinst_LIBRARIES += libproc.a
libproc_a_CPPFLAGS = $(AM_CPPFLAGS)
libproc_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
libproc_a_SOURCES = \
	include/brood/channel.h include/brood/process.h
