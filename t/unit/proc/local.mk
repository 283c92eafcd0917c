# check_PROGRAMS += t/unit/proc/..._test
