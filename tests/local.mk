# Unit tests: one program per module, cmocka. Each prints its own groups; tests/run sums them up.
UNIT =
TEST_LIBS = libadapters.a libpath.a libstore.a libcore.a libflow.a libbase.a $(TLS_LIBS) $(CURL_LIBS) $(COMMON_LIBS) $(CMOCKA_LIBS)
include tests/unit/base.mk
include tests/unit/core.mk
include tests/unit/flow.mk
include tests/unit/smpp.mk
include tests/unit/gsup.mk
include tests/unit/store.mk
include tests/unit/oncall.mk
include tests/unit/path.mk
include tests/unit/http.mk
include tests/faults/local.mk
include tests/soak/local.mk
if FUZZ
include tests/fuzz/local.mk
endif
check_PROGRAMS += $(UNIT)

# make check: every suite, or those named (make check TEST_SUITES="layers unit flow").
check-local:
	@$(srcdir)/tests/run --build . --suites "$(TEST_SUITES)" $(UNIT)

# Everything that `make check` would build, without running it. One after the other: `all` runs a make of its
# own, and two of them would write the same archives at once.
tests-build: all
	@$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS)
fuzz-targets: $(BUILT_SOURCES) $(FUZZ_TARGETS)
.PHONY: tests-build fuzz-targets

clean-local:
	rm -rf tests/logs tests/faults-plain tests/sabotage

EXTRA_DIST += tests/run tests/layers tests/data tests/fuzz/run tests/fuzz/corpus \
	tests/flows tests/scripts tests/system
