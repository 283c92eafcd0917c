# The server as another version, from the same objects: what upgrades are tested with. It can be made to
# fail, see fault.c.
check_PROGRAMS += t/next/brood-next
t_next_brood_next_CFLAGS = $(brood_CFLAGS)
t_next_brood_next_LDADD = $(brood_LDADD)
t_next_brood_next_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=master_restore
t_next_brood_next_SOURCES = src/brood/main.c t/next/version.c t/next/fault.c
