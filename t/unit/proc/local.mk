proc_tests = \
	t/unit/proc/channel_test \
	t/unit/proc/process_test
check_PROGRAMS += $(proc_tests)

t_unit_proc_channel_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_proc_channel_test_LDADD = libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_proc_process_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_proc_process_test_LDADD = libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_proc_process_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fork
