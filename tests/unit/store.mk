# Pattern for one test program (the dummy C++ source only where libcore's number.cc is linked):
# UNIT += tests/unit/test_x
# tests_unit_test_x_SOURCES = tests/unit/test_x.c
# nodist_EXTRA_tests_unit_test_x_SOURCES = dummy.cxx
# tests_unit_test_x_LDADD = $(TEST_LIBS)
UNIT += tests/unit/test_vault
tests_unit_test_vault_SOURCES = tests/unit/test_vault.c
nodist_EXTRA_tests_unit_test_vault_SOURCES = dummy.cxx
tests_unit_test_vault_LDADD = $(TEST_LIBS)
# These two start a private PostgreSQL.
UNIT += tests/unit/test_pg tests/unit/test_schema
tests_unit_test_pg_SOURCES = tests/unit/test_pg.c tests/lib/pg_fixture.c tests/lib/pg_fixture.h
nodist_EXTRA_tests_unit_test_pg_SOURCES = dummy.cxx
tests_unit_test_pg_LDADD = $(TEST_LIBS)
tests_unit_test_schema_SOURCES = tests/unit/test_schema.c tests/lib/pg_fixture.c tests/lib/pg_fixture.h
nodist_EXTRA_tests_unit_test_schema_SOURCES = dummy.cxx
tests_unit_test_schema_LDADD = $(TEST_LIBS)
UNIT += tests/unit/test_redis
tests_unit_test_redis_SOURCES = tests/unit/test_redis.c
nodist_EXTRA_tests_unit_test_redis_SOURCES = dummy.cxx
tests_unit_test_redis_LDADD = $(TEST_LIBS)
