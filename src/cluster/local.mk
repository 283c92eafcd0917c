noinst_LIBRARIES += libcluster.a
libcluster_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
libcluster_a_SOURCES = \
	src/cluster/acceptor.c \
	src/cluster/acceptor.h \
	src/cluster/backoff.c \
	src/cluster/backoff.h \
	src/cluster/balance.c \
	src/cluster/balance.h \
	src/cluster/board.c \
	src/cluster/board.h \
	src/cluster/cluster.h \
	src/cluster/command.h \
	src/cluster/handoff.c \
	src/cluster/handoff.h \
	src/cluster/listeners.c \
	src/cluster/listeners.h \
	src/cluster/log_ring.c \
	src/cluster/log_ring.h \
	src/cluster/master.c \
	src/cluster/master.h \
	src/cluster/master_admin.c \
	src/cluster/master_instance.c \
	src/cluster/master_obituary.c \
	src/cluster/master_recycle.c \
	src/cluster/master_roll.c \
	src/cluster/master_slots.c \
	src/cluster/master_spread.c \
	src/cluster/master_status.c \
	src/cluster/master_watchdog.c \
	src/cluster/message.h \
	src/cluster/obituary.c \
	src/cluster/obituary.h \
	src/cluster/place.c \
	src/cluster/place.h \
	src/cluster/recycle.c \
	src/cluster/recycle.h \
	src/cluster/roll.c \
	src/cluster/roll.h \
	src/cluster/slot.c \
	src/cluster/slot.h \
	src/cluster/watchdog.c \
	src/cluster/watchdog.h \
	src/cluster/worker.c \
	src/cluster/worker.h \
	src/cluster/worker_connections.c \
	src/cluster/worker_messages.c \
	src/cluster/worker_self.h
