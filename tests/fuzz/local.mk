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
FUZZ_TARGETS += tests/fuzz/fuzz_pdu tests/fuzz/fuzz_charset
tests_fuzz_fuzz_pdu_SOURCES = tests/fuzz/fuzz_pdu.c
nodist_EXTRA_tests_fuzz_fuzz_pdu_SOURCES = dummy.cxx
tests_fuzz_fuzz_pdu_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_pdu_LDADD = $(TEST_LIBS)
tests_fuzz_fuzz_charset_SOURCES = tests/fuzz/fuzz_charset.c
nodist_EXTRA_tests_fuzz_fuzz_charset_SOURCES = dummy.cxx
tests_fuzz_fuzz_charset_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_charset_LDADD = $(TEST_LIBS)
noinst_PROGRAMS += $(FUZZ_TARGETS)

FUZZ_TARGETS += tests/fuzz/fuzz_flow tests/fuzz/fuzz_flow_state
tests_fuzz_fuzz_flow_SOURCES = tests/fuzz/fuzz_flow.c
tests_fuzz_fuzz_flow_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_flow_LDADD = libflow.a libbase.a $(YAML_LIBS) $(UTF8PROC_LIBS)
tests_fuzz_fuzz_flow_state_SOURCES = tests/fuzz/fuzz_flow_state.c
tests_fuzz_fuzz_flow_state_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_flow_state_LDADD = libflow.a libbase.a $(YAML_LIBS) $(UTF8PROC_LIBS)
FUZZ_TARGETS += tests/fuzz/fuzz_text
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c
tests_fuzz_fuzz_text_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_text_LDADD = libflow.a libbase.a $(YAML_LIBS) $(UTF8PROC_LIBS)
FUZZ_TARGETS += tests/fuzz/fuzz_gsup
tests_fuzz_fuzz_gsup_SOURCES = tests/fuzz/fuzz_gsup.c
nodist_EXTRA_tests_fuzz_fuzz_gsup_SOURCES = dummy.cxx
tests_fuzz_fuzz_gsup_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_gsup_LDADD = $(TEST_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_http tests/fuzz/fuzz_http_profile tests/fuzz/fuzz_ussd
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c
nodist_EXTRA_tests_fuzz_fuzz_http_SOURCES = dummy.cxx
tests_fuzz_fuzz_http_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_http_LDADD = $(TEST_LIBS)
tests_fuzz_fuzz_http_profile_SOURCES = tests/fuzz/fuzz_http_profile.c
nodist_EXTRA_tests_fuzz_fuzz_http_profile_SOURCES = dummy.cxx
tests_fuzz_fuzz_http_profile_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_http_profile_LDADD = $(TEST_LIBS)
tests_fuzz_fuzz_ussd_SOURCES = tests/fuzz/fuzz_ussd.c
nodist_EXTRA_tests_fuzz_fuzz_ussd_SOURCES = dummy.cxx
tests_fuzz_fuzz_ussd_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
tests_fuzz_fuzz_ussd_LDADD = $(TEST_LIBS)
