# The GSUP adapter: its codec, and a link against a scripted HLR.
GSUP_LIBS = libadapters.a libcore.a libbase.a $(TLS_LIBS) $(CURL_LIBS) $(COMMON_LIBS) $(CMOCKA_LIBS)
UNIT += tests/unit/test_gsup_codec
tests_unit_test_gsup_codec_SOURCES = tests/unit/test_gsup_codec.c
nodist_EXTRA_tests_unit_test_gsup_codec_SOURCES = dummy.cxx
tests_unit_test_gsup_codec_LDADD = $(GSUP_LIBS)
UNIT += tests/unit/test_gsup_link
tests_unit_test_gsup_link_SOURCES = tests/unit/test_gsup_link.c tests/unit/gsup_hlr.c tests/unit/gsup_hlr.h
nodist_EXTRA_tests_unit_test_gsup_link_SOURCES = dummy.cxx
tests_unit_test_gsup_link_LDADD = $(GSUP_LIBS)
