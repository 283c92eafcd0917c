# check_PROGRAMS += t/unit/brood/..._test
