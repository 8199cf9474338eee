# libFuzzer targets, only with --enable-fuzz and clang. tests/fuzz/run builds and runs what is named here;
# seeds of fuzz_x are in tests/fuzz/corpus/x.
FUZZ_TARGETS =
FUZZ_FLAGS = -fsanitize=fuzzer
# Pattern for one target:
# FUZZ_TARGETS += tests/fuzz/fuzz_x
# tests_fuzz_fuzz_x_SOURCES = tests/fuzz/fuzz_x.c
# nodist_EXTRA_tests_fuzz_fuzz_x_SOURCES = dummy.cxx
# tests_fuzz_fuzz_x_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
# tests_fuzz_fuzz_x_LDADD = $(TEST_LIBS)
noinst_PROGRAMS += $(FUZZ_TARGETS)
