# check_PROGRAMS += t/unit/http/..._test
