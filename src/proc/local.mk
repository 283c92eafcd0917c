noinst_LIBRARIES += libproc.a
libproc_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
libproc_a_SOURCES = \
	include/brood/channel.h include/brood/process.h \
	src/proc/channel.c \
	src/proc/execute.c src/proc/execute.h \
	src/proc/fdpass.c src/proc/fdpass.h \
	src/proc/process.c \
	src/proc/reap.c
