# Figures, not tests: `make bench` compares with the kernel's floor and with the servers installed here.
# `make bench-rolls` tells what rolling restarts cost, `make bench-tls` compares TLS with nginx's. More by hand:
# bench/run --help, bench/rolls --help, bench/tls --help.
EXTRA_PROGRAMS += bench/floor bench/handshakes
bench_floor_SOURCES = bench/floor.c
bench_handshakes_SOURCES = bench/handshakes.c
bench_handshakes_LDADD = $(OPENSSL_LIBS)
CLEANFILES += bench/floor$(EXEEXT) bench/handshakes$(EXEEXT)
EXTRA_DIST += bench/run bench/rolls bench/tls

.PHONY: bench bench-rolls bench-tls
bench: bench/floor$(EXEEXT) brood$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/run --floor bench/floor$(EXEEXT) $(BENCH_OPTIONS)

bench-rolls: brood$(EXEEXT) broodctl$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/rolls $(BENCH_OPTIONS)

bench-tls: bench/handshakes$(EXEEXT) brood$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/tls --handshakes-program bench/handshakes$(EXEEXT) $(BENCH_OPTIONS)
