# Figures, not tests: `make bench` compares with the kernel's floor and with the servers installed here.
# More by hand: bench/run --help.
EXTRA_PROGRAMS += bench/floor
bench_floor_SOURCES = bench/floor.c
CLEANFILES += bench/floor$(EXEEXT)
EXTRA_DIST += bench/run

.PHONY: bench
bench: bench/floor$(EXEEXT) brood$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/run --floor bench/floor$(EXEEXT) $(BENCH_OPTIONS)
