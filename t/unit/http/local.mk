http_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(LLHTTP_CFLAGS)
http_test_libs = libhttp.a $(LLHTTP) libbase.a $(LIBEVENT_LIBS) $(CMOCKA_LIBS)

http_connection_tests = t/unit/http/connection_test
check_PROGRAMS += $(http_connection_tests)
t_unit_http_connection_test_SOURCES = t/unit/http/connection_test.c t/unit/http/talk.c t/unit/http/talk.h
t_unit_http_connection_test_CFLAGS = $(http_test_cflags)
t_unit_http_connection_test_LDADD = $(http_test_libs)
