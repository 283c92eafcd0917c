# The program is a library and its main function, so that unit tests can be linked to the library.

noinst_LIBRARIES += libprogram.a
libprogram_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBCONFIG_CFLAGS) $(JANSSON_CFLAGS)
libprogram_a_SOURCES = \
	src/brood/access_log.c src/brood/access_log.h \
	src/brood/access_log_format.c src/brood/access_log_format.h \
	src/brood/access_log_json.c \
	src/brood/admin.c src/brood/admin.h \
	src/brood/admin_client.c src/brood/admin_client.h \
	src/brood/admin_status.c src/brood/admin_status.h \
	src/brood/config_balancer.c src/brood/config_balancer.h \
	src/brood/known_roots.c src/brood/known_roots.h \
	src/brood/server_roots.c \
	src/brood/root_look.c src/brood/root_look.h \
	src/brood/root_watch.c src/brood/root_watch.h \
	src/brood/certificate_check.c src/brood/certificate_check.h \
	src/brood/certificate_judge.c \
	src/brood/certificate_watch.c src/brood/certificate_watch.h \
	src/brood/certificates_saved.c \
	src/brood/certificates.c src/brood/certificates.h \
	src/brood/config_check.c src/brood/config_check.h \
	src/brood/config_file.c src/brood/config_file.h \
	src/brood/config_list.c src/brood/config_list.h \
	src/brood/config_listen.c src/brood/config_listen.h \
	src/brood/config_load.c \
	src/brood/config_node.c src/brood/config_node.h \
	src/brood/config_print.c \
	src/brood/config_site.c \
	src/brood/config_sites.c src/brood/config_sites.h \
	src/brood/config_source.c src/brood/config_source.h \
	src/brood/config_test.c \
	src/brood/config_tls.c src/brood/config_tls.h \
	src/brood/config_written.c src/brood/config_written.h \
	src/brood/configuration.h \
	src/brood/control_socket.c src/brood/control_socket.h \
	src/brood/daemon.c src/brood/daemon.h \
	src/brood/daemon_log.c src/brood/daemon_log.h \
	src/brood/former_roots.c src/brood/former_roots.h \
	src/brood/inherit.c src/brood/inherit.h \
	src/brood/limits.c src/brood/limits.h \
	src/brood/log_files.c src/brood/log_files.h \
	src/brood/log_process.c src/brood/log_process.h \
	src/brood/log_reader.c src/brood/log_reader.h \
	src/brood/log_writer.c src/brood/log_writer.h \
	src/brood/notify.c src/brood/notify.h \
	src/brood/obituary.c src/brood/obituary.h \
	src/brood/obituary_file.c src/brood/obituary_file.h \
	src/brood/obituary_folder.c \
	src/brood/obituary_server.c \
	src/brood/obituary_json.c src/brood/obituary_json.h \
	src/brood/options.c src/brood/options.h \
	src/brood/options_help.c src/brood/options_help.h \
	src/brood/path.c src/brood/path.h \
	src/brood/pem_file.c src/brood/pem_file.h \
	src/brood/pidfile.c src/brood/pidfile.h \
	src/brood/probe.c src/brood/probe.h \
	src/brood/ready_line.c src/brood/ready_line.h \
	src/brood/renewal.c src/brood/renewal.h \
	src/brood/requirements.c src/brood/requirements.h \
	src/brood/program_path.c src/brood/program_path.h \
	src/brood/reload_look.c src/brood/reload_look.h src/brood/looking.h \
	src/brood/report.c src/brood/report.h \
	src/brood/server.c src/brood/server.h \
	src/brood/server_options.c \
	src/brood/server_reload.c \
	src/brood/service_manager.c \
	src/brood/serving.c \
	src/brood/serving_tls.c src/brood/serving_tls.h \
	src/brood/setting_checks.c src/brood/setting_checks.h \
	src/brood/setting_format.c \
	src/brood/setting_value.c src/brood/setting_value.h \
	src/brood/setup.c \
	src/brood/start_log.c src/brood/start_log.h \
	src/brood/start_wait.c src/brood/start_wait.h \
	src/brood/site_logs.c src/brood/site_logs.h \
	src/brood/sites.c src/brood/sites.h \
	src/brood/settings.c src/brood/settings.h src/brood/settings_rows.h \
	src/brood/takeover.c src/brood/takeover.h \
	src/brood/ticket_keys.c src/brood/ticket_keys.h \
	src/brood/tickets.c src/brood/tickets.h

bin_PROGRAMS += brood
brood_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBCONFIG_CFLAGS)
brood_LDADD = libprove.a libprogram.a libcluster.a libproc.a libhttp.a $(LLHTTP) libcontrol.a libbase.a \
	$(LIBEVENT_LIBS) $(LIBCONFIG_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)
brood_SOURCES = src/brood/main.c

dist_man_MANS = doc/man/brood.8 doc/man/broodctl.1 doc/man/brood.conf.5
