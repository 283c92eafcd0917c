noinst_LIBRARIES += libcontrol.a
libcontrol_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libcontrol_a_SOURCES = \
	src/control/control_answer.c \
	src/control/control_line.c src/control/control_line.h \
	src/control/control_path.c src/control/control_path.h \
	src/control/protocol.h \
	src/control/control_request.c \
	src/control/control_text.c
