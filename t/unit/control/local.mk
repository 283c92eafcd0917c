control_tests = \
	t/unit/control/answer_test \
	t/unit/control/request_test
check_PROGRAMS += $(control_tests)

control_test_LDADD = libcontrol.a libbase.a $(JANSSON_LIBS) $(CMOCKA_LIBS)

t_unit_control_answer_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
t_unit_control_answer_test_LDADD = $(control_test_LDADD)
t_unit_control_request_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
t_unit_control_request_test_LDADD = $(control_test_LDADD)
