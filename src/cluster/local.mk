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
	src/cluster/master/admin_process.c src/cluster/master/admin_process.h \
	src/cluster/master/adopt.c src/cluster/master/adopt.h \
	src/cluster/master/broadcast.c src/cluster/master/broadcast.h \
	src/cluster/master/closer.c src/cluster/master/closer.h \
	src/cluster/master/commands.c src/cluster/master/commands.h \
	src/cluster/master/common.c src/cluster/master/common.h \
	src/cluster/master/cut.c src/cluster/master/cut.h \
	src/cluster/master/dispatch.c src/cluster/master/dispatch.h \
	src/cluster/master/leaving.c src/cluster/master/leaving.h \
	src/cluster/master/listeners_saved.c src/cluster/master/listeners_saved.h \
	src/cluster/master/log_process.c src/cluster/master/log_process.h \
	src/cluster/master/log_process_saved.c \
	src/cluster/master/look.c src/cluster/master/look.h \
	src/cluster/master/master.c src/cluster/master/master.h \
	src/cluster/master/memory.c src/cluster/master/memory.h \
	src/cluster/master/obituaries.c src/cluster/master/obituaries.h \
	src/cluster/master/outcomes.c src/cluster/master/outcomes.h \
	src/cluster/master/pending.c src/cluster/master/pending.h \
	src/cluster/master/recycling.c src/cluster/master/recycling.h \
	src/cluster/master/restore.c src/cluster/master/restore.h \
	src/cluster/master/rolling.c src/cluster/master/rolling.h \
	src/cluster/master/save.c src/cluster/master/save.h \
	src/cluster/master/slots.c src/cluster/master/slots.h \
	src/cluster/master/status.c src/cluster/master/status.h \
	src/cluster/master/stopping.c src/cluster/master/stopping.h \
	src/cluster/master/supervisor.c src/cluster/master/supervisor.h \
	src/cluster/master/suspects.c src/cluster/master/suspects.h \
	src/cluster/master/upgrading.c src/cluster/master/upgrading.h \
	src/cluster/master/watching.c src/cluster/master/watching.h \
	src/cluster/master/worker_process.c src/cluster/master/worker_process.h \
	src/cluster/policy/backoff.c src/cluster/policy/backoff.h \
	src/cluster/policy/balance.c src/cluster/policy/balance.h \
	src/cluster/policy/kill_reason.c src/cluster/policy/kill_reason.h \
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
	src/cluster/upgrade/upgrade_master.h \
	src/cluster/upgrade/upgrade_record.c src/cluster/upgrade/upgrade_record.h \
	src/cluster/upgrade/upgrade.c src/cluster/upgrade/upgrade.h \
	src/cluster/worker/worker.c src/cluster/worker/worker.h \
	src/cluster/worker/worker_connections.c \
	src/cluster/worker/worker_end.c \
	src/cluster/worker/worker_messages.c \
	src/cluster/worker/worker_self.h
