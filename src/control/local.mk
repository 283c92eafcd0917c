noinst_LIBRARIES += libcontrol.a
libcontrol_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libcontrol_a_SOURCES = \
	src/control/answer.c \
	src/control/line.c src/control/line.h \
	src/control/control_path.c src/control/control_path.h \
	src/control/protocol.h \
	src/control/request.c \
	src/control/text.c
