base_tests = \
	t/unit/base/address_test \
	t/unit/base/buffer_test \
	t/unit/base/clock_test \
	t/unit/base/cpu_test \
	t/unit/base/fd_kind_test \
	t/unit/base/fd_test \
	t/unit/base/interrupt_test \
	t/unit/base/line_queue_test \
	t/unit/base/heap_test \
	t/unit/base/log_test \
	t/unit/base/network_test \
	t/unit/base/path_walk_test \
	t/unit/base/privilege_test \
	t/unit/base/sandbox_test \
	t/unit/base/signals_test \
	t/unit/base/socket_test \
	t/unit/base/text_test \
	t/unit/base/trusted_file_test \
	t/unit/base/utf8_test
check_PROGRAMS += $(base_tests)

t_unit_base_address_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_address_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_buffer_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_buffer_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_clock_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_clock_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_cpu_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_cpu_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_fd_kind_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_fd_kind_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_fd_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_fd_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_interrupt_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_interrupt_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_line_queue_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_line_queue_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_heap_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_heap_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_log_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_log_test_LDADD = libbase.a $(CMOCKA_LIBS) -lutil
t_unit_base_network_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_network_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_path_walk_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_path_walk_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_path_walk_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat -Wl,--wrap=__openat_2
t_unit_base_privilege_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_privilege_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_sandbox_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_sandbox_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_signals_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_signals_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_socket_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_socket_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_text_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_text_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_trusted_file_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_trusted_file_test_LDADD = libbase.a $(CMOCKA_LIBS)
t_unit_base_utf8_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_base_utf8_test_LDADD = libbase.a $(CMOCKA_LIBS)
