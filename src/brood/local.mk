bin_PROGRAMS += brood
brood_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBCONFIG_CFLAGS)
brood_LDADD = libcluster.a libproc.a libhttp.a $(LLHTTP) libbase.a $(LIBEVENT_LIBS) $(LIBCONFIG_LIBS)
brood_SOURCES = include/brood/version.h src/brood/configuration.h src/brood/main.c
