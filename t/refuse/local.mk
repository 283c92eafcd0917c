# Runs a program without openat2: what the tests of paths and links are run by once more.
check_PROGRAMS += t/refuse/refuse
t_refuse_refuse_SOURCES = t/refuse/refuse.c
