cluster_tests = \
	t/unit/cluster/acceptor_test \
	t/unit/cluster/backoff_test \
	t/unit/cluster/board_test \
	t/unit/cluster/cluster_test \
	t/unit/cluster/crossing_test \
	t/unit/cluster/handoff_test \
	t/unit/cluster/hostile_test \
	t/unit/cluster/log_ring_test \
	t/unit/cluster/master_restore_test \
	t/unit/cluster/memory_test \
	t/unit/cluster/outcomes_test \
	t/unit/cluster/place_test \
	t/unit/cluster/recycle_test \
	t/unit/cluster/roll_test \
	t/unit/cluster/slot_test \
	t/unit/cluster/spread_test \
	t/unit/cluster/stop_test \
	t/unit/cluster/taking_test \
	t/unit/cluster/watchdog_test \
	t/unit/cluster/state_record_test \
	t/unit/cluster/upgrade_test
check_PROGRAMS += $(cluster_tests)

t_unit_cluster_acceptor_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_acceptor_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_backoff_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_backoff_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_board_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_board_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_cluster_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_cluster_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_crossing_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_crossing_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_crossing_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kill,--wrap=brood_process_fork,--wrap=clock_now_ms \
	-Wl,--wrap=slots_make_room
t_unit_cluster_handoff_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_handoff_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_outcomes_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_outcomes_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_outcomes_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kill,--wrap=clock_now_ms
t_unit_cluster_place_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_place_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_roll_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_roll_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_slot_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_slot_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_spread_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_spread_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_spread_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_now_ms,--wrap=handoff_offer,--wrap=closer_put
t_unit_cluster_stop_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_cluster_stop_test_LDADD = libcluster.a $(CMOCKA_LIBS)
t_unit_cluster_taking_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_taking_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_hostile_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_hostile_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_log_ring_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_log_ring_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_recycle_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_recycle_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_watchdog_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_watchdog_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_memory_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_memory_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_upgrade_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_upgrade_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_state_record_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_state_record_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
t_unit_cluster_master_restore_test_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
t_unit_cluster_master_restore_test_LDADD = libcluster.a libproc.a libbase.a $(CMOCKA_LIBS) $(LIBEVENT_LIBS)
