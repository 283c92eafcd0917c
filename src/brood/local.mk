# The program is a library and its main function, so that unit tests can be linked to the library.

noinst_LIBRARIES += libprogram.a
libprogram_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBCONFIG_CFLAGS) $(JANSSON_CFLAGS)
libprogram_a_SOURCES = \
	src/brood/config_test.c \
	src/brood/limits.c src/brood/limits.h \
	src/brood/obituary_server.c \
	src/brood/probe.c src/brood/probe.h \
	src/brood/ready_line.c src/brood/ready_line.h \
	src/brood/reload_look.c src/brood/reload_look.h \
	src/brood/server.c src/brood/server.h \
	src/brood/server_options.c \
	src/brood/server_reload.c \
	src/brood/server_roots.c \
	src/brood/service_manager.c \
	src/brood/serving.c \
	src/brood/serving_tls.c src/brood/serving_tls.h \
	src/brood/setup.c \
	src/brood/start_wait.c src/brood/start_wait.h \
	src/brood/server_upgrade.c src/brood/server_upgrade.h \
	src/brood/admin/admin.c src/brood/admin/admin.h \
	src/brood/admin/admin_client.c src/brood/admin/admin_client.h \
	src/brood/admin/admin_clients.c src/brood/admin/admin_clients.h \
	src/brood/admin/admin_status.c src/brood/admin/admin_status.h \
	src/brood/admin/control_socket.c src/brood/admin/control_socket.h \
	src/brood/admin/obituary_store.c src/brood/admin/obituary_store.h \
	src/brood/admin/obituary_file.c src/brood/admin/obituary_file.h \
	src/brood/admin/obituary_folder.c \
	src/brood/admin/obituary_json.c src/brood/admin/obituary_json.h \
	src/brood/certificates/certificate_check.c src/brood/certificates/certificate_check.h \
	src/brood/certificates/certificate_judge.c \
	src/brood/certificates/certificate_watch.c src/brood/certificates/certificate_watch.h \
	src/brood/certificates/certificates.c src/brood/certificates/certificates.h \
	src/brood/certificates/certificates_upgrade.c \
	src/brood/certificates/renewal.c src/brood/certificates/renewal.h \
	src/brood/certificates/ticket_keys.c src/brood/certificates/ticket_keys.h \
	src/brood/certificates/ticket_source.c src/brood/certificates/ticket_source.h \
	src/brood/config/config_balancer.c src/brood/config/config_balancer.h \
	src/brood/config/config_check.c src/brood/config/config_check.h \
	src/brood/config/config_file.c src/brood/config/config_file.h \
	src/brood/config/config_list.c src/brood/config/config_list.h \
	src/brood/config/config_listen.c src/brood/config/config_listen.h \
	src/brood/config/config_load.c \
	src/brood/config/config_node.c src/brood/config/config_node.h \
	src/brood/config/config_print.c \
	src/brood/config/config_site.c \
	src/brood/config/config_sites.c src/brood/config/config_sites.h \
	src/brood/config/config_source.c src/brood/config/config_source.h \
	src/brood/config/config_tls.c src/brood/config/config_tls.h \
	src/brood/config/config_written.c src/brood/config/config_written.h \
	src/brood/config/configuration.h \
	src/brood/config/known_roots.c src/brood/config/known_roots.h \
	src/brood/config/looking.h \
	src/brood/config/options.c src/brood/config/options.h \
	src/brood/config/options_help.c src/brood/config/options_help.h \
	src/brood/config/setting_checks.c src/brood/config/setting_checks.h \
	src/brood/config/setting_format.c \
	src/brood/config/setting_value.c src/brood/config/setting_value.h \
	src/brood/config/settings.c src/brood/config/settings.h \
	src/brood/config/settings_rows.h \
	src/brood/log/access_log.c src/brood/log/access_log.h \
	src/brood/log/access_log_format.c src/brood/log/access_log_format.h \
	src/brood/log/access_log_json.c \
	src/brood/log/log_files.c src/brood/log/log_files.h \
	src/brood/log/log_process.c src/brood/log/log_process.h \
	src/brood/log/log_reader.c src/brood/log/log_reader.h \
	src/brood/log/log_writer.c src/brood/log/log_writer.h \
	src/brood/log/start_log.c src/brood/log/start_log.h \
	src/brood/sites/former_roots.c src/brood/sites/former_roots.h \
	src/brood/sites/root_look.c src/brood/sites/root_look.h \
	src/brood/sites/root_watch.c src/brood/sites/root_watch.h \
	src/brood/sites/site_logs.c src/brood/sites/site_logs.h \
	src/brood/sites/sites.c src/brood/sites/sites.h \
	src/brood/system/daemon.c src/brood/system/daemon.h \
	src/brood/system/daemon_log.c src/brood/system/daemon_log.h \
	src/brood/system/inherit.c src/brood/system/inherit.h \
	src/brood/system/listener_tag.h \
	src/brood/system/notify.c src/brood/system/notify.h \
	src/brood/system/absolute_path.c src/brood/system/absolute_path.h \
	src/brood/system/pem_file.c src/brood/system/pem_file.h \
	src/brood/system/pidfile.c src/brood/system/pidfile.h \
	src/brood/system/program_path.c src/brood/system/program_path.h \
	src/brood/system/config_report.c src/brood/system/config_report.h \
	src/brood/system/requirements.c src/brood/system/requirements.h

bin_PROGRAMS += brood
brood_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBCONFIG_CFLAGS)
brood_LDADD = libprove.a libprogram.a libcluster.a libproc.a libhttp.a $(LLHTTP) libcontrol.a libbase.a \
	$(LIBEVENT_LIBS) $(LIBCONFIG_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)
brood_SOURCES = src/brood/main.c

dist_man_MANS = doc/man/brood.8 doc/man/broodctl.1 doc/man/brood.conf.5
