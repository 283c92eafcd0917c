http_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(LLHTTP_CFLAGS)
http_test_libs = libhttp.a $(LLHTTP) libbase.a $(LIBEVENT_LIBS) $(CMOCKA_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)

http_head_tests = t/unit/http/guard_test t/unit/http/parser_test
check_PROGRAMS += $(http_head_tests)
t_unit_http_guard_test_CFLAGS = $(http_test_cflags)
t_unit_http_guard_test_LDADD = $(http_test_libs)
t_unit_http_parser_test_CFLAGS = $(http_test_cflags)
t_unit_http_parser_test_LDADD = $(http_test_libs)

http_connection_tests = t/unit/http/connection_test
check_PROGRAMS += $(http_connection_tests)
t_unit_http_connection_test_SOURCES = t/unit/http/connection_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_connection_test_CFLAGS = $(http_test_cflags)
t_unit_http_connection_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/state_test
t_unit_http_state_test_CFLAGS = $(http_test_cflags)
t_unit_http_state_test_LDADD = $(http_test_libs)

http_moving_tests = \
	t/unit/http/moving_test \
	t/unit/http/moving_away_test \
	t/unit/http/moving_time_test
check_PROGRAMS += $(http_moving_tests)
http_pair_sources = t/unit/http/pair.c t/unit/http/pair.h t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_moving_test_SOURCES = t/unit/http/moving_test.c $(http_pair_sources)
t_unit_http_moving_test_CFLAGS = $(http_test_cflags)
t_unit_http_moving_test_LDADD = $(http_test_libs)
t_unit_http_moving_away_test_SOURCES = t/unit/http/moving_away_test.c $(http_pair_sources)
t_unit_http_moving_away_test_CFLAGS = $(http_test_cflags)
t_unit_http_moving_away_test_LDADD = $(http_test_libs)
t_unit_http_moving_time_test_SOURCES = t/unit/http/moving_time_test.c $(http_pair_sources)
t_unit_http_moving_time_test_CFLAGS = $(http_test_cflags)
t_unit_http_moving_time_test_LDADD = $(http_test_libs)

# Files as resources.
http_files_tests = \
	t/unit/http/coding_test \
	t/unit/http/cond_test \
	t/unit/http/date_test \
	t/unit/http/etag_test \
	t/unit/http/file_test \
	t/unit/http/file_cache_test \
	t/unit/http/gzip_test \
	t/unit/http/mime_test \
	t/unit/http/path_test \
	t/unit/http/range_test \
	t/unit/http/response_test \
	t/unit/http/accept_test \
	t/unit/http/fields_test \
	t/unit/http/freshness_test \
	t/unit/http/redirect_test \
	t/unit/http/listing_test \
	t/unit/http/places_test \
	t/unit/http/sites_test \
	t/unit/http/static_change_test \
	t/unit/http/static_test \
	t/unit/http/variants_test
check_PROGRAMS += $(http_files_tests)
http_files_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
http_site_sources = t/unit/http/asking.h t/unit/http/root.c t/unit/http/root.h \
	t/unit/http/site.c t/unit/http/site.h
http_files_test_libs = libhttp.a libbase.a $(ZLIB_LIBS) $(CMOCKA_LIBS)
t_unit_http_coding_test_SOURCES = t/unit/http/coding_test.c \
	t/unit/http/asking.h
t_unit_http_coding_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_coding_test_LDADD = $(http_files_test_libs)
t_unit_http_cond_test_SOURCES = t/unit/http/cond_test.c \
	t/unit/http/asking.h
t_unit_http_cond_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_cond_test_LDADD = $(http_files_test_libs)
t_unit_http_date_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_date_test_LDADD = $(http_files_test_libs)
t_unit_http_etag_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_etag_test_LDADD = $(http_files_test_libs)
t_unit_http_file_test_SOURCES = t/unit/http/file_test.c \
	t/unit/http/root.c t/unit/http/root.h
t_unit_http_file_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_file_test_LDADD = $(http_files_test_libs)
t_unit_http_file_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=syscall
t_unit_http_file_cache_test_SOURCES = t/unit/http/file_cache_test.c \
	t/unit/http/root.c t/unit/http/root.h
t_unit_http_file_cache_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_file_cache_test_LDADD = $(http_files_test_libs)
t_unit_http_mime_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_mime_test_LDADD = $(http_files_test_libs)
t_unit_http_path_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_path_test_LDADD = $(http_files_test_libs)
t_unit_http_range_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_range_test_LDADD = $(http_files_test_libs)
t_unit_http_response_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_response_test_LDADD = $(http_files_test_libs)
t_unit_http_accept_test_SOURCES = t/unit/http/accept_test.c t/unit/http/asking.h
t_unit_http_accept_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_accept_test_LDADD = $(http_files_test_libs)
t_unit_http_fields_test_SOURCES = t/unit/http/fields_test.c t/unit/http/asking.h
t_unit_http_fields_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_fields_test_LDADD = $(http_files_test_libs)
t_unit_http_freshness_test_SOURCES = t/unit/http/freshness_test.c t/unit/http/asking.h
t_unit_http_freshness_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_freshness_test_LDADD = $(http_files_test_libs)
t_unit_http_redirect_test_SOURCES = t/unit/http/redirect_test.c t/unit/http/asking.h
t_unit_http_redirect_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_redirect_test_LDADD = $(http_files_test_libs)
t_unit_http_listing_test_SOURCES = t/unit/http/listing_test.c $(http_site_sources)
t_unit_http_listing_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_listing_test_LDADD = $(http_files_test_libs)
t_unit_http_places_test_SOURCES = t/unit/http/places_test.c $(http_site_sources)
t_unit_http_places_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_places_test_LDADD = $(http_files_test_libs)
t_unit_http_sites_test_SOURCES = t/unit/http/sites_test.c $(http_site_sources)
t_unit_http_sites_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_sites_test_LDADD = $(http_files_test_libs)
t_unit_http_static_change_test_SOURCES = t/unit/http/static_change_test.c $(http_site_sources)
t_unit_http_static_change_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_static_change_test_LDADD = $(http_files_test_libs)
t_unit_http_static_test_SOURCES = t/unit/http/static_test.c $(http_site_sources)
t_unit_http_static_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_static_test_LDADD = $(http_files_test_libs)
t_unit_http_variants_test_SOURCES = t/unit/http/variants_test.c $(http_site_sources)
t_unit_http_variants_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_variants_test_LDADD = $(http_files_test_libs)
t_unit_http_gzip_test_SOURCES = t/unit/http/gzip_test.c $(http_site_sources)
t_unit_http_gzip_test_CFLAGS = $(http_files_test_cflags) $(ZLIB_CFLAGS)
t_unit_http_gzip_test_LDADD = $(http_files_test_libs)
check_PROGRAMS += t/unit/http/closing_test
t_unit_http_closing_test_SOURCES = t/unit/http/closing_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_closing_test_CFLAGS = $(http_test_cflags)
t_unit_http_closing_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/logging_test
t_unit_http_logging_test_SOURCES = t/unit/http/logging_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_logging_test_CFLAGS = $(http_test_cflags)
t_unit_http_logging_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/mutation_test
t_unit_http_mutation_test_SOURCES = t/unit/http/mutation_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_mutation_test_CFLAGS = $(http_test_cflags)
t_unit_http_mutation_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/deadline_test
t_unit_http_deadline_test_CFLAGS = $(http_test_cflags)
t_unit_http_deadline_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/storm_test
t_unit_http_storm_test_SOURCES = t/unit/http/storm_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_storm_test_CFLAGS = $(http_test_cflags)
t_unit_http_storm_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/outbox_test
t_unit_http_outbox_test_CFLAGS = $(http_test_cflags)
t_unit_http_outbox_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/epochs_test
t_unit_http_epochs_test_SOURCES = t/unit/http/epochs_test.c $(http_site_sources)
t_unit_http_epochs_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_epochs_test_LDADD = $(http_files_test_libs)

check_PROGRAMS += t/unit/http/client_key_test t/unit/http/quota_test t/unit/http/quota_rate_test
t_unit_http_client_key_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_client_key_test_LDADD = $(http_files_test_libs)
t_unit_http_quota_test_SOURCES = t/unit/http/quota_test.c t/unit/http/crowd.c t/unit/http/crowd.h
t_unit_http_quota_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_quota_test_LDADD = $(http_files_test_libs)
t_unit_http_quota_rate_test_SOURCES = t/unit/http/quota_rate_test.c t/unit/http/crowd.c \
	t/unit/http/crowd.h
t_unit_http_quota_rate_test_CFLAGS = $(http_files_test_cflags)
t_unit_http_quota_rate_test_LDADD = $(http_files_test_libs)
# Who is at the other end.
http_client_tests = t/unit/http/client_test t/unit/http/forwarded_test
check_PROGRAMS += $(http_client_tests)
t_unit_http_client_test_CFLAGS = $(http_test_cflags)
t_unit_http_client_test_LDADD = $(http_test_libs)
t_unit_http_forwarded_test_CFLAGS = $(http_test_cflags)
t_unit_http_forwarded_test_LDADD = $(http_test_libs)
check_PROGRAMS += t/unit/http/tls_test
t_unit_http_tls_test_SOURCES = t/unit/http/tls_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_tls_test_CFLAGS = $(http_test_cflags) $(OPENSSL_CFLAGS)
t_unit_http_tls_test_LDADD = $(http_test_libs)
t_unit_http_tls_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=SSL_new,--wrap=SSL_set_fd,--wrap=SSL_dup_CA_list
check_PROGRAMS += t/unit/http/tls_kernel_test t/unit/http/tls_saved_test
t_unit_http_tls_saved_test_CFLAGS = $(http_test_cflags) $(OPENSSL_CFLAGS)
t_unit_http_tls_saved_test_LDADD = $(http_test_libs)
t_unit_http_tls_kernel_test_CFLAGS = $(http_test_cflags) $(OPENSSL_CFLAGS)
t_unit_http_tls_kernel_test_LDADD = $(http_test_libs)

http_proxy_tests = t/unit/http/intake_test t/unit/http/proxy_test
check_PROGRAMS += $(http_proxy_tests)
t_unit_http_intake_test_SOURCES = t/unit/http/intake_test.c $(http_pair_sources)
t_unit_http_intake_test_CFLAGS = $(http_test_cflags)
t_unit_http_intake_test_LDADD = $(http_test_libs)
t_unit_http_proxy_test_CFLAGS = $(http_test_cflags)
t_unit_http_proxy_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/body_test
t_unit_http_body_test_CFLAGS = $(http_test_cflags)
t_unit_http_body_test_LDADD = $(http_test_libs)
http_balancer_tests = t/unit/http/health_test t/unit/http/request_id_test
check_PROGRAMS += $(http_balancer_tests)
t_unit_http_health_test_SOURCES = t/unit/http/health_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_health_test_CFLAGS = $(http_test_cflags)
t_unit_http_health_test_LDADD = $(http_test_libs)
t_unit_http_request_id_test_SOURCES = t/unit/http/request_id_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_request_id_test_CFLAGS = $(http_test_cflags)
t_unit_http_request_id_test_LDADD = $(http_test_libs)
check_PROGRAMS += t/unit/http/admission_test
t_unit_http_admission_test_SOURCES = t/unit/http/admission_test.c $(http_pair_sources)
t_unit_http_admission_test_CFLAGS = $(http_test_cflags)
t_unit_http_admission_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/evict_test
t_unit_http_evict_test_SOURCES = t/unit/http/evict_test.c $(http_pair_sources)
t_unit_http_evict_test_CFLAGS = $(http_test_cflags)
t_unit_http_evict_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/room_test
t_unit_http_room_test_SOURCES = t/unit/http/room_test.c $(http_pair_sources)
t_unit_http_room_test_CFLAGS = $(http_test_cflags)
t_unit_http_room_test_LDADD = $(http_test_libs)

check_PROGRAMS += t/unit/http/pace_test
t_unit_http_pace_test_SOURCES = t/unit/http/pace_test.c $(http_pair_sources)
t_unit_http_pace_test_CFLAGS = $(http_test_cflags)
t_unit_http_pace_test_LDADD = $(http_test_libs)
