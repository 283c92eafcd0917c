brood_tests = \
	t/unit/brood/access_log_test \
	t/unit/brood/daemon_test \
	t/unit/brood/inherit_test \
	t/unit/brood/log_files_test \
	t/unit/brood/notify_test \
	t/unit/brood/pidfile_test
check_PROGRAMS += $(brood_tests)

brood_test_LDADD = libprogram.a libbase.a $(CMOCKA_LIBS)

t_unit_brood_access_log_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_access_log_test_LDADD = $(brood_test_LDADD)
t_unit_brood_daemon_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_daemon_test_LDADD = $(brood_test_LDADD)
t_unit_brood_inherit_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_inherit_test_LDADD = $(brood_test_LDADD)
t_unit_brood_log_files_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_log_files_test_LDADD = $(brood_test_LDADD)
t_unit_brood_notify_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_notify_test_LDADD = $(brood_test_LDADD)
t_unit_brood_pidfile_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_pidfile_test_LDADD = $(brood_test_LDADD)
