# Figures, not tests: `make bench` compares with the kernel's floor and with the servers installed here.
# `make bench-rolls` tells what rolling restarts cost, `make bench-tls` compares TLS with nginx's. More by hand:
# bench/run --help, bench/rolls --help, bench/tls --help. `make bench-instructions` counts what the hot path needs.
EXTRA_PROGRAMS += bench/floor bench/handshakes
bench_floor_SOURCES = bench/floor.c
bench_handshakes_SOURCES = bench/handshakes.c
bench_handshakes_LDADD = $(OPENSSL_LIBS)
CLEANFILES += bench/floor$(EXEEXT) bench/handshakes$(EXEEXT) bench/openat2.so
EXTRA_DIST += bench/run bench/rolls bench/tls bench/instructions bench/openat2.c

.PHONY: bench bench-rolls bench-tls bench-instructions
bench: bench/floor$(EXEEXT) brood$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/run --floor bench/floor$(EXEEXT) $(BENCH_OPTIONS)

bench-rolls: brood$(EXEEXT) broodctl$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/rolls $(BENCH_OPTIONS)

bench-tls: bench/handshakes$(EXEEXT) brood$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/tls --handshakes-program bench/handshakes$(EXEEXT) $(BENCH_OPTIONS)

# A library, and the only one: too little for libtool.
bench/openat2.so: $(srcdir)/bench/openat2.c
	$(AM_V_CC)$(MKDIR_P) bench && $(CC) -std=gnu11 -Wall -Wextra -D_GNU_SOURCE -O2 -shared -fPIC -o $@ $(srcdir)/bench/openat2.c -ldl

bench-instructions: bench/openat2.so brood$(EXEEXT)
	BROOD=./brood$(EXEEXT) $(PERL) $(srcdir)/bench/instructions --preload $(abs_builddir)/bench/openat2.so $(BENCH_OPTIONS)
