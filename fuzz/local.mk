# Fuzzing: one small program for each way in which octets come from outside. All tests run each of them
# for a moment (t/source/fuzz.t). For longer, with libFuzzer looking for what reaches new code:
#
#     CC=clang ../configure --enable-fuzz && make fuzz [FUZZ_SECONDS=60] [FUZZ="http master"]

FUZZ = admin answer body config control ctl fields http lines log master mime obituary proxy records tls
fuzz_programs = $(FUZZ:%=fuzz/%_fuzz)

if LIBFUZZER
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
fuzz_driver = fuzz/driver.o
fuzz_ldflags = $(AM_LDFLAGS)
endif

fuzz/%.o: fuzz/%.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) $(test_cflags) -MMD -MP -c -o $@ $<

fuzz/%_fuzz: fuzz/%.o $(fuzz_driver) libprove.a libprogram.a libcluster.a libproc.a libhttp.a $(filter %.a,$(LLHTTP)) libcontrol.a libbase.a
	$(AM_V_CCLD)$(CC) $(AM_CFLAGS) $(CFLAGS) $(fuzz_ldflags) $(LDFLAGS) $(call wraps,$(srcdir)/fuzz/$*.c) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(test_libs) $(LIBS)
fuzz/http_fuzz fuzz/tls_fuzz: fuzz/root.o
fuzz/ctl_fuzz: $(patsubst %,src/ctl/broodctl-%.$(OBJEXT),ctl_exchange show show_status show_why)

FUZZ_SECONDS = 60
fuzz: $(fuzz_programs)
	$(srcdir)/fuzz/make-corpus fuzz-corpus
	@for target in $(FUZZ); do echo "fuzz: $$target" && \
		fuzz/$${target}_fuzz -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=1024 \
			-print_final_stats=1 fuzz-corpus/$$target || exit 1; done
.PHONY: fuzz

EXTRA_DIST += fuzz/make-corpus $(wildcard $(srcdir)/fuzz/*.[ch])
test_objects += $(fuzz_programs:_fuzz=.o) fuzz/driver.o fuzz/root.o
CLEANFILES += $(fuzz_programs)
