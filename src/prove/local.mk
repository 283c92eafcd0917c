# `brood prove`: a library like the program, for its unit tests.

noinst_LIBRARIES += libprove.a
libprove_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
libprove_a_SOURCES = \
	src/prove/prove_answer.c src/prove/prove_answer.h \
	src/prove/prove_client.c src/prove/prove_client.h \
	src/prove/counts.c src/prove/counts.h \
	src/prove/experiment.c src/prove/experiment.h \
	src/prove/experiment_event.c src/prove/experiment_run.h \
	src/prove/latency.c src/prove/latency.h \
	src/prove/prove_line.c src/prove/prove_line.h \
	src/prove/load.c src/prove/load.h \
	src/prove/private_server.c src/prove/private_server.h \
	src/prove/prove.c src/prove/prove.h \
	src/prove/prove_options.c src/prove/prove_options.h \
	src/prove/prove_report.c src/prove/prove_report.h \
	src/prove/prove_report_json.c \
	src/prove/prove_site.c src/prove/prove_site.h \
	src/prove/stage.c src/prove/stage.h \
	src/prove/verdict.c src/prove/verdict.h
