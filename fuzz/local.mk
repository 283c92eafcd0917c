# Fuzzing: one small program for each way in which octets come from outside. All tests run each of them
# for a moment (t/fuzz.t). For longer, with libFuzzer looking for what reaches new code:
#
#     CC=clang ../configure --enable-fuzz && make fuzz [FUZZ_SECONDS=60] [FUZZ="http master"]

fuzz_cflags = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LLHTTP_CFLAGS) $(JANSSON_CFLAGS)
if LIBFUZZER
fuzz_driver = fuzz/fuzz.h
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_driver = fuzz/driver.c fuzz/fuzz.h
fuzz_ldflags = $(AM_LDFLAGS)
endif

fuzz_programs = \
	fuzz/admin_fuzz \
	fuzz/answer_fuzz \
	fuzz/body_fuzz \
	fuzz/config_fuzz \
	fuzz/control_fuzz \
	fuzz/ctl_fuzz \
	fuzz/fields_fuzz \
	fuzz/http_fuzz \
	fuzz/lines_fuzz \
	fuzz/log_fuzz \
	fuzz/master_fuzz \
	fuzz/mime_fuzz \
	fuzz/obituary_fuzz \
	fuzz/proxy_fuzz \
	fuzz/records_fuzz \
	fuzz/tls_fuzz
check_PROGRAMS += $(fuzz_programs)

fuzz_admin_fuzz_SOURCES = fuzz/admin.c $(fuzz_driver)
fuzz_admin_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_admin_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_admin_fuzz_LDADD = libprogram.a libcluster.a libproc.a libcontrol.a libbase.a $(LIBEVENT_LIBS) $(JANSSON_LIBS)
fuzz_answer_fuzz_SOURCES = fuzz/answer.c $(fuzz_driver)
fuzz_answer_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_answer_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_answer_fuzz_LDADD = libprove.a libbase.a
fuzz_body_fuzz_SOURCES = fuzz/body.c $(fuzz_driver)
fuzz_body_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_body_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_body_fuzz_LDADD = libhttp.a libbase.a
fuzz_config_fuzz_SOURCES = fuzz/config.c $(fuzz_driver)
fuzz_config_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_config_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_config_fuzz_LDADD = libprogram.a libcluster.a libproc.a libhttp.a $(LLHTTP) libcontrol.a libbase.a $(LIBEVENT_LIBS) $(LIBCONFIG_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)
fuzz_control_fuzz_SOURCES = fuzz/control.c $(fuzz_driver)
fuzz_control_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_control_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_control_fuzz_LDADD = libcontrol.a libbase.a $(JANSSON_LIBS)
fuzz_ctl_fuzz_SOURCES = fuzz/ctl.c src/ctl/exchange.c src/ctl/show.c src/ctl/show_status.c src/ctl/show_why.c $(fuzz_driver)
fuzz_ctl_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_ctl_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_ctl_fuzz_LDADD = libcontrol.a libbase.a $(JANSSON_LIBS)
fuzz_fields_fuzz_SOURCES = fuzz/fields.c $(fuzz_driver)
fuzz_fields_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_fields_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_fields_fuzz_LDADD = libhttp.a $(LLHTTP) libbase.a $(LIBEVENT_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)
fuzz_http_fuzz_SOURCES = fuzz/http.c fuzz/root.c fuzz/root.h $(fuzz_driver)
fuzz_http_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_http_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_http_fuzz_LDADD = libhttp.a $(LLHTTP) libbase.a $(LIBEVENT_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)
fuzz_lines_fuzz_SOURCES = fuzz/lines.c $(fuzz_driver)
fuzz_lines_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_lines_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_lines_fuzz_LDADD = libprogram.a libcluster.a libbase.a
fuzz_log_fuzz_SOURCES = fuzz/log.c $(fuzz_driver)
fuzz_log_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_log_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_log_fuzz_LDADD = libprogram.a libbase.a
fuzz_master_fuzz_SOURCES = fuzz/master.c $(fuzz_driver)
fuzz_master_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_master_fuzz_LDFLAGS = $(fuzz_ldflags) -Wl,--wrap=kill,--wrap=brood_process_fork,--wrap=clock_now_ms
fuzz_master_fuzz_LDADD = libcluster.a libproc.a libbase.a $(LIBEVENT_LIBS)
fuzz_mime_fuzz_SOURCES = fuzz/mime.c $(fuzz_driver)
fuzz_mime_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_mime_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_mime_fuzz_LDADD = libhttp.a libbase.a
fuzz_obituary_fuzz_SOURCES = fuzz/obituary.c $(fuzz_driver)
fuzz_obituary_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_obituary_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_obituary_fuzz_LDADD = libprogram.a libcluster.a libbase.a $(JANSSON_LIBS)
fuzz_proxy_fuzz_SOURCES = fuzz/proxy.c $(fuzz_driver)
fuzz_proxy_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_proxy_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_proxy_fuzz_LDADD = libhttp.a libbase.a
fuzz_records_fuzz_SOURCES = fuzz/records.c $(fuzz_driver)
fuzz_records_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_records_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_records_fuzz_LDADD = libcluster.a libbase.a
fuzz_tls_fuzz_SOURCES = fuzz/tls.c fuzz/root.c fuzz/root.h $(fuzz_driver)
fuzz_tls_fuzz_CFLAGS = $(fuzz_cflags)
fuzz_tls_fuzz_LDFLAGS = $(fuzz_ldflags)
fuzz_tls_fuzz_LDADD = libhttp.a $(LLHTTP) libbase.a $(LIBEVENT_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)

FUZZ_SECONDS = 60
FUZZ = admin answer body config control ctl fields http log master mime obituary proxy records tls
fuzz: $(fuzz_programs)
	$(srcdir)/fuzz/make-corpus fuzz-corpus
	@for target in $(FUZZ); do echo "fuzz: $$target" && \
		fuzz/$${target}_fuzz -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=1024 \
			-print_final_stats=1 fuzz-corpus/$$target || exit 1; done
.PHONY: fuzz

EXTRA_DIST += fuzz/make-corpus
