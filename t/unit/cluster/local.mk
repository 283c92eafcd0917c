# check_PROGRAMS += t/unit/cluster/..._test
