# Unit tests: each t/unit/LAYER/…/NAME_test.c becomes a program, linked with its layer and those below and with what the
# other files of that layer's folder (fixtures) have for it. What it defines as __wrap_NAME takes the place of NAME.
# A new one needs no line here.

unit_sources = $(wildcard $(addprefix $(srcdir)/t/unit/,*/*.c */*/*.c))
unit_objects = $(patsubst $(srcdir)/%.c,%.o,$(unit_sources))
unit_tests = $(patsubst %.o,%,$(filter %_test.o,$(unit_objects)))
unit_fixtures = $(filter-out %_test.o,$(unit_objects))
EXTRA_DIST += $(unit_sources) $(wildcard $(addprefix $(srcdir)/t/unit/,*.h */*.h))

unit_base = libbase.a
unit_proc = libproc.a $(unit_base)
unit_cluster = libcluster.a $(unit_proc)
unit_http = libhttp.a $(filter %.a,$(LLHTTP)) $(unit_base)
unit_control = libcontrol.a $(unit_base)
unit_prove = libprove.a $(unit_proc)
unit_brood = libprogram.a libcluster.a libproc.a $(filter-out libbase.a,$(unit_http)) $(unit_control)

layer_of = $(firstword $(subst /, ,$(1)))
unit_needs = $(filter t/unit/$(call layer_of,$(1))/%,$(unit_fixtures)) $(unit_$(call layer_of,$(1)))

t/unit/%.o: t/unit/%.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) $(test_cflags) -I$(srcdir)/t/unit/$(call layer_of,$*) -MMD -MP -c -o $@ $<

.SECONDEXPANSION:
t/unit/%_test: t/unit/%_test.o $$(call unit_needs,$$*)
	$(AM_V_CCLD)$(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) $(call wraps,$(srcdir)/$@.c) -o $@ $^ \
		$(CMOCKA_LIBS) $(test_libs) $(LIBS) -lutil

test_objects += $(unit_objects)
CLEANFILES += $(unit_tests)
