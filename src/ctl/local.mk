bin_PROGRAMS += broodctl
broodctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
broodctl_LDADD = libcontrol.a libbase.a $(JANSSON_LIBS)
broodctl_SOURCES = \
	src/ctl/ctl_exchange.c src/ctl/ctl_exchange.h \
	src/ctl/main.c \
	src/ctl/ctl_options.c src/ctl/ctl_options.h \
	src/ctl/progress.c src/ctl/progress.h \
	src/ctl/show.c src/ctl/show.h \
	src/ctl/show_status.c \
	src/ctl/show_why.c \
	src/ctl/verbs.c src/ctl/verbs.h
