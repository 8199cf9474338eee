# Being on call: calendars, zones, rotations, legal clocks, rosters, policies.
ONCALL_TEST_LIBS = libcore.a libbase.a $(YAML_LIBS) $(CMOCKA_LIBS)
UNIT += tests/unit/test_zone tests/unit/test_rota tests/unit/test_clocks
tests_unit_test_zone_SOURCES = tests/unit/test_zone.c
tests_unit_test_zone_LDADD = $(ONCALL_TEST_LIBS)
tests_unit_test_rota_SOURCES = tests/unit/test_rota.c
tests_unit_test_rota_LDADD = $(ONCALL_TEST_LIBS)
tests_unit_test_clocks_SOURCES = tests/unit/test_clocks.c
tests_unit_test_clocks_LDADD = $(ONCALL_TEST_LIBS)
EXTRA_DIST += tests/unit/zone_help.h
UNIT += tests/unit/test_roster
tests_unit_test_roster_SOURCES = tests/unit/test_roster.c
nodist_EXTRA_tests_unit_test_roster_SOURCES = dummy.cxx
tests_unit_test_roster_LDADD = $(TEST_LIBS)
UNIT += tests/unit/test_policy
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c
tests_unit_test_policy_LDADD = libcore.a libbase.a $(YAML_LIBS) $(UTF8PROC_LIBS) $(CMOCKA_LIBS)
# This one starts a private PostgreSQL.
UNIT += tests/unit/test_schema_oncall
tests_unit_test_schema_oncall_SOURCES = tests/unit/test_schema_oncall.c tests/lib/pg_fixture.c tests/lib/pg_fixture.h
nodist_EXTRA_tests_unit_test_schema_oncall_SOURCES = dummy.cxx
tests_unit_test_schema_oncall_LDADD = $(TEST_LIBS)
UNIT += tests/unit/test_mail
tests_unit_test_mail_SOURCES = tests/unit/test_mail.c
nodist_EXTRA_tests_unit_test_mail_SOURCES = dummy.cxx
tests_unit_test_mail_LDADD = $(TEST_LIBS)
