brood_tests = \
	t/unit/brood/access_log_json_test \
	t/unit/brood/access_log_test \
	t/unit/brood/certificate_watch_test \
	t/unit/brood/daemon_test \
	t/unit/brood/former_roots_test \
	t/unit/brood/inherit_test \
	t/unit/brood/log_files_test \
	t/unit/brood/log_reader_test \
	t/unit/brood/log_writer_test \
	t/unit/brood/notify_test \
	t/unit/brood/pidfile_test \
	t/unit/brood/root_look_test \
	t/unit/brood/start_log_test \
	t/unit/brood/ticket_keys_test
check_PROGRAMS += $(brood_tests)

brood_test_LDADD = libprogram.a libbase.a $(CMOCKA_LIBS)

t_unit_brood_access_log_json_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
t_unit_brood_access_log_json_test_LDADD = $(brood_test_LDADD) $(JANSSON_LIBS)
t_unit_brood_access_log_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_access_log_test_LDADD = libprogram.a libcluster.a libbase.a $(CMOCKA_LIBS)
t_unit_brood_certificate_watch_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_certificate_watch_test_LDADD = $(brood_test_LDADD)
t_unit_brood_daemon_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_daemon_test_LDADD = $(brood_test_LDADD)
t_unit_brood_former_roots_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_former_roots_test_LDADD = libprogram.a libproc.a libbase.a $(CMOCKA_LIBS)
t_unit_brood_inherit_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_inherit_test_LDADD = $(brood_test_LDADD)
t_unit_brood_log_files_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_log_files_test_LDADD = libprogram.a libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_brood_log_files_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=reallocarray
t_unit_brood_log_reader_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_log_reader_test_LDADD = $(brood_test_LDADD)
t_unit_brood_log_writer_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_log_writer_test_LDADD = $(brood_test_LDADD)
t_unit_brood_notify_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_notify_test_LDADD = $(brood_test_LDADD)
t_unit_brood_root_look_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_root_look_test_LDADD = libprogram.a libhttp.a libproc.a libbase.a $(CMOCKA_LIBS)
t_unit_brood_start_log_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_start_log_test_LDADD = $(brood_test_LDADD)
t_unit_brood_pidfile_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_pidfile_test_LDADD = $(brood_test_LDADD)
t_unit_brood_ticket_keys_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_ticket_keys_test_LDADD = $(brood_test_LDADD)
brood_config_tests = \
	t/unit/brood/config_balancer_test \
	t/unit/brood/config_file_test \
	t/unit/brood/config_load_test \
	t/unit/brood/config_sites_test \
	t/unit/brood/options_test \
	t/unit/brood/setting_value_test \
	t/unit/brood/settings_test
check_PROGRAMS += $(brood_config_tests)

brood_fixture = t/unit/brood/fixture.c t/unit/brood/fixture.h
brood_test_cppflags = $(AM_CPPFLAGS) -DSOURCE_FOLDER='"$(abs_top_srcdir)"'
brood_test_libs = libprogram.a libhttp.a libbase.a $(ZLIB_LIBS) $(LIBCONFIG_LIBS) $(CMOCKA_LIBS)

t_unit_brood_config_balancer_test_SOURCES = t/unit/brood/config_balancer_test.c $(brood_fixture)
t_unit_brood_config_balancer_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_config_balancer_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_config_balancer_test_LDADD = $(brood_test_libs)
t_unit_brood_config_file_test_SOURCES = t/unit/brood/config_file_test.c $(brood_fixture)
t_unit_brood_config_file_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_config_file_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_config_file_test_LDADD = $(brood_test_libs)
t_unit_brood_config_load_test_SOURCES = t/unit/brood/config_load_test.c $(brood_fixture)
t_unit_brood_config_load_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_config_load_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_config_load_test_LDADD = $(brood_test_libs)
t_unit_brood_config_sites_test_SOURCES = t/unit/brood/config_sites_test.c $(brood_fixture)
t_unit_brood_config_sites_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_config_sites_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_config_sites_test_LDADD = libprogram.a libproc.a libhttp.a libbase.a \
	$(ZLIB_LIBS) $(LIBCONFIG_LIBS) $(CMOCKA_LIBS)
t_unit_brood_options_test_SOURCES = t/unit/brood/options_test.c
t_unit_brood_options_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_options_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_options_test_LDADD = $(brood_test_libs)
t_unit_brood_setting_value_test_SOURCES = t/unit/brood/setting_value_test.c $(brood_fixture)
t_unit_brood_setting_value_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_setting_value_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_setting_value_test_LDADD = $(brood_test_libs)
t_unit_brood_settings_test_SOURCES = t/unit/brood/settings_test.c $(brood_fixture)
t_unit_brood_settings_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_settings_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_settings_test_LDADD = $(brood_test_libs)

# What has to do with the control socket.
brood_admin_tests = \
	t/unit/brood/admin_test \
	t/unit/brood/control_socket_test
check_PROGRAMS += $(brood_admin_tests)

brood_admin_libs = libprogram.a libcluster.a libproc.a libcontrol.a libbase.a $(LIBEVENT_LIBS) \
	$(JANSSON_LIBS) $(CMOCKA_LIBS)

t_unit_brood_admin_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
t_unit_brood_admin_test_LDADD = $(brood_admin_libs)
t_unit_brood_control_socket_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_control_socket_test_LDADD = $(brood_admin_libs)

# What has to do with the ends of workers.
brood_obituary_tests = t/unit/brood/obituary_test
check_PROGRAMS += $(brood_obituary_tests)

t_unit_brood_obituary_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
t_unit_brood_obituary_test_LDADD = $(brood_admin_libs)

# What has to do with certificates.
brood_certificate_tests = \
	t/unit/brood/certificate_check_test \
	t/unit/brood/certificates_test \
	t/unit/brood/renewal_test \
	t/unit/brood/tickets_test
check_PROGRAMS += $(brood_certificate_tests)

t_unit_brood_certificate_check_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_certificate_check_test_LDADD = libprogram.a libcluster.a libproc.a libhttp.a libbase.a \
	$(ZLIB_LIBS) $(LIBCONFIG_LIBS) $(CMOCKA_LIBS)
brood_certificates_libs = libprogram.a libcluster.a libproc.a libhttp.a libbase.a \
	$(LIBEVENT_LIBS) $(LIBCONFIG_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
t_unit_brood_certificates_test_SOURCES = t/unit/brood/certificates_test.c $(brood_fixture)
t_unit_brood_certificates_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_certificates_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_certificates_test_LDADD = $(brood_certificates_libs)
t_unit_brood_renewal_test_SOURCES = t/unit/brood/renewal_test.c $(brood_fixture)
t_unit_brood_renewal_test_CPPFLAGS = $(brood_test_cppflags)
t_unit_brood_renewal_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_renewal_test_LDADD = $(brood_certificates_libs)
t_unit_brood_renewal_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_now_ms,--wrap=certificate_check_start \
	-Wl,--wrap=certificate_check_poll,--wrap=cluster_ask,--wrap=cluster_answers,--wrap=cluster_tell_others
t_unit_brood_tickets_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_tickets_test_LDADD = $(brood_certificates_libs)
t_unit_brood_tickets_test_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=clock_now_ms,--wrap=pem_file_stamp,--wrap=tls_set_tickets

# What has to do with limits for all workers.
brood_limits_tests = t/unit/brood/limits_test
check_PROGRAMS += $(brood_limits_tests)

t_unit_brood_limits_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_brood_limits_test_LDADD = libprogram.a libcluster.a libproc.a libhttp.a libbase.a \
	$(LIBEVENT_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
