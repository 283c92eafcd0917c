noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	include/brood/version.h \
	src/base/address.c src/base/address.h \
	src/base/buffer.c src/base/buffer.h \
	src/base/clock.c src/base/clock.h \
	src/base/cpu.c src/base/cpu.h \
	src/base/ending.c src/base/ending.h \
	src/base/fd.c src/base/fd.h \
	src/base/fd_kind.c src/base/fd_kind.h \
	src/base/heap.c src/base/heap.h \
	src/base/interrupt.c src/base/interrupt.h \
	src/base/line_queue.c src/base/line_queue.h \
	src/base/list.h \
	src/base/log.c src/base/log.h \
	src/base/network.c src/base/network.h \
	src/base/output.c src/base/output.h \
	src/base/path_walk.c src/base/path_walk.h \
	src/base/privilege.c src/base/privilege.h \
	src/base/sandbox.c src/base/sandbox.h \
	src/base/signals.c src/base/signals.h \
	src/base/slice.h \
	src/base/socket.c src/base/socket.h \
	src/base/socket_holder.c src/base/socket_holder.h \
	src/base/terminal.c src/base/terminal.h \
	src/base/text.c src/base/text.h \
	src/base/trusted_file.c src/base/trusted_file.h \
	src/base/trusted_path.c src/base/trusted_path.h \
	src/base/utf8.c src/base/utf8.h \
	src/base/version.c
