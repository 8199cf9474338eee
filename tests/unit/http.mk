# The HTTP adapter: grammar, profiles, who may call, the server, a link against a scripted provider; and the
# USSD session that all bearers share.
HTTP_LIBS = libadapters.a libcore.a libbase.a $(TLS_LIBS) $(CURL_LIBS) $(COMMON_LIBS) $(CMOCKA_LIBS)
HTTP_WIRE = tests/unit/http_wire.c tests/unit/http_wire.h
UNIT += tests/unit/test_http_message tests/unit/test_http_profile tests/unit/test_http_gate \
	tests/unit/test_http_server tests/unit/test_http_link tests/unit/test_ussd
tests_unit_test_http_message_SOURCES = tests/unit/test_http_message.c
nodist_EXTRA_tests_unit_test_http_message_SOURCES = dummy.cxx
tests_unit_test_http_message_LDADD = $(HTTP_LIBS)
tests_unit_test_http_profile_SOURCES = tests/unit/test_http_profile.c
nodist_EXTRA_tests_unit_test_http_profile_SOURCES = dummy.cxx
tests_unit_test_http_profile_LDADD = $(HTTP_LIBS)
tests_unit_test_http_gate_SOURCES = tests/unit/test_http_gate.c
nodist_EXTRA_tests_unit_test_http_gate_SOURCES = dummy.cxx
tests_unit_test_http_gate_LDADD = $(HTTP_LIBS)
tests_unit_test_http_server_SOURCES = tests/unit/test_http_server.c $(HTTP_WIRE)
nodist_EXTRA_tests_unit_test_http_server_SOURCES = dummy.cxx
tests_unit_test_http_server_LDADD = $(HTTP_LIBS)
tests_unit_test_http_link_SOURCES = tests/unit/test_http_link.c $(HTTP_WIRE)
nodist_EXTRA_tests_unit_test_http_link_SOURCES = dummy.cxx
tests_unit_test_http_link_LDADD = $(HTTP_LIBS)
tests_unit_test_ussd_SOURCES = tests/unit/test_ussd.c
nodist_EXTRA_tests_unit_test_ussd_SOURCES = dummy.cxx
tests_unit_test_ussd_LDADD = $(HTTP_LIBS)
