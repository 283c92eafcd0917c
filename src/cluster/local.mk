noinst_LIBRARIES += libcluster.a
libcluster_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
libcluster_a_SOURCES = \
	src/cluster/cluster.h \
	src/cluster/program.h \
	src/cluster/ipc/acceptor.c src/cluster/ipc/acceptor.h \
	src/cluster/ipc/board.c src/cluster/ipc/board.h \
	src/cluster/ipc/command.h \
	src/cluster/ipc/handoff.c src/cluster/ipc/handoff.h \
	src/cluster/ipc/listeners.c src/cluster/ipc/listeners.h \
	src/cluster/ipc/listeners_file.c \
	src/cluster/ipc/listeners_leaving.c \
	src/cluster/ipc/listeners_start.c \
	src/cluster/ipc/log_message.h \
	src/cluster/ipc/log_outlet.c src/cluster/ipc/log_outlet.h \
	src/cluster/ipc/log_ring.c src/cluster/ipc/log_ring.h \
	src/cluster/ipc/message.h \
	src/cluster/master/closer.c src/cluster/master/closer.h \
	src/cluster/master/cut.h \
	src/cluster/master/logger.h \
	src/cluster/master/master.c src/cluster/master/master.h \
	src/cluster/master/master_admin.c \
	src/cluster/master/master_adopt.c \
	src/cluster/master/master_cut.c \
	src/cluster/master/master_instance.c \
	src/cluster/master/master_leaving.c \
	src/cluster/master/master_log.c \
	src/cluster/master/master_log_saved.c \
	src/cluster/master/master_look.c \
	src/cluster/master/master_broadcast.c \
	src/cluster/master/master_obituary.c \
	src/cluster/master/master_outcomes.c \
	src/cluster/master/master_pending.c \
	src/cluster/master/master_recycle.c \
	src/cluster/master/master_restore.c \
	src/cluster/master/master_roll.c \
	src/cluster/master/master_slots.c \
	src/cluster/master/master_spread.c \
	src/cluster/master/master_state.c \
	src/cluster/master/master_status.c \
	src/cluster/master/master_suspects.c \
	src/cluster/master/master_upgrade.c \
	src/cluster/master/master_watchdog.c \
	src/cluster/master/memory.c src/cluster/master/memory.h \
	src/cluster/policy/backoff.c src/cluster/policy/backoff.h \
	src/cluster/policy/balance.c src/cluster/policy/balance.h \
	src/cluster/policy/obituary.c src/cluster/policy/obituary.h \
	src/cluster/policy/choose_worker.c src/cluster/policy/choose_worker.h \
	src/cluster/policy/program_call.h \
	src/cluster/policy/pulse.c src/cluster/policy/pulse.h \
	src/cluster/policy/recycle.c src/cluster/policy/recycle.h \
	src/cluster/policy/roll.c src/cluster/policy/roll.h \
	src/cluster/policy/slot.c src/cluster/policy/slot.h \
	src/cluster/policy/stop.c src/cluster/policy/stop.h \
	src/cluster/policy/watchdog.c src/cluster/policy/watchdog.h \
	src/cluster/upgrade/fd_claims.c src/cluster/upgrade/fd_claims.h \
	src/cluster/upgrade/saved.h \
	src/cluster/upgrade/state_record.c src/cluster/upgrade/state_record.h \
	src/cluster/upgrade/upgrade.c src/cluster/upgrade/upgrade.h \
	src/cluster/worker/worker.c src/cluster/worker/worker.h \
	src/cluster/worker/worker_connections.c \
	src/cluster/worker/worker_end.c \
	src/cluster/worker/worker_messages.c \
	src/cluster/worker/worker_self.h
