prove_tests = \
	t/unit/prove/answer_test \
	t/unit/prove/client_test \
	t/unit/prove/latency_test \
	t/unit/prove/line_test \
	t/unit/prove/prove_options_test \
	t/unit/prove/site_test \
	t/unit/prove/verdict_test
check_PROGRAMS += $(prove_tests)

prove_test_libs = libprove.a libproc.a libbase.a $(LIBEVENT_LIBS) $(CMOCKA_LIBS)

t_unit_prove_answer_test_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_prove_answer_test_LDADD = $(prove_test_libs)
t_unit_prove_client_test_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_prove_client_test_LDADD = $(prove_test_libs)
t_unit_prove_latency_test_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_prove_latency_test_LDADD = $(prove_test_libs)
t_unit_prove_line_test_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_prove_line_test_LDADD = $(prove_test_libs)
t_unit_prove_prove_options_test_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_prove_prove_options_test_LDADD = $(prove_test_libs)
t_unit_prove_site_test_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_prove_site_test_LDADD = $(prove_test_libs)
t_unit_prove_verdict_test_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_prove_verdict_test_LDADD = $(prove_test_libs)
