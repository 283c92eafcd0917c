# check_PROGRAMS += t/unit/base/..._test
