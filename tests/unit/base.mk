# Pattern for one test program (the dummy C++ source only where libcore's number.cc is linked):
# UNIT += tests/unit/test_x
# tests_unit_test_x_SOURCES = tests/unit/test_x.c
# nodist_EXTRA_tests_unit_test_x_SOURCES = dummy.cxx
# tests_unit_test_x_LDADD = $(TEST_LIBS)
UNIT += tests/unit/test_histogram
tests_unit_test_histogram_SOURCES = tests/unit/test_histogram.c \
	tests/bench/histogram.c tests/bench/histogram.h
tests_unit_test_histogram_LDADD = $(CMOCKA_LIBS)
