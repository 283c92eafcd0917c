# Figures, not tests: `make bench` compares with the kernel's floor and with the servers installed here.
# `make bench-rolls` tells what rolling restarts cost. More by hand: bench/run --help, bench/rolls --help.
EXTRA_PROGRAMS += bench/floor
bench_floor_SOURCES = bench/floor.c
CLEANFILES += bench/floor$(EXEEXT)
EXTRA_DIST += bench/run bench/rolls

.PHONY: bench bench-rolls
bench: bench/floor$(EXEEXT) brood$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/run --floor bench/floor$(EXEEXT) $(BENCH_OPTIONS)

bench-rolls: brood$(EXEEXT) broodctl$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/rolls $(BENCH_OPTIONS)
