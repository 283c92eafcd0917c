noinst_LIBRARIES += libcluster.a
libcluster_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
libcluster_a_SOURCES = src/cluster/cluster.h
