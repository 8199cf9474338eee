EXTRA_DIST += tests/unit/flow_help.h tests/unit/flow_places_few.h
UNIT += tests/unit/test_yaml tests/unit/test_buf
tests_unit_test_yaml_SOURCES = tests/unit/test_yaml.c
tests_unit_test_yaml_LDADD = $(FLOW_TEST_LIBS)
tests_unit_test_buf_SOURCES = tests/unit/test_buf.c
tests_unit_test_buf_LDADD = $(FLOW_TEST_LIBS)

UNIT += tests/unit/test_flow_fold tests/unit/test_flow_load tests/unit/test_flow_triage \
	tests/unit/test_flow_step
tests_unit_test_flow_fold_SOURCES = tests/unit/test_flow_fold.c
tests_unit_test_flow_fold_LDADD = $(FLOW_TEST_LIBS)
tests_unit_test_flow_load_SOURCES = tests/unit/test_flow_load.c
tests_unit_test_flow_load_LDADD = $(FLOW_TEST_LIBS)
tests_unit_test_flow_triage_SOURCES = tests/unit/test_flow_triage.c
tests_unit_test_flow_triage_LDADD = $(FLOW_TEST_LIBS)
tests_unit_test_flow_step_SOURCES = tests/unit/test_flow_step.c
tests_unit_test_flow_step_LDADD = $(FLOW_TEST_LIBS)

UNIT += tests/unit/test_flow_every tests/unit/test_flow_broken tests/unit/test_flow_values
tests_unit_test_flow_values_SOURCES = tests/unit/test_flow_values.c
tests_unit_test_flow_values_LDADD = $(FLOW_TEST_LIBS)
tests_unit_test_flow_every_SOURCES = tests/unit/test_flow_every.c
tests_unit_test_flow_every_LDADD = $(FLOW_TEST_LIBS)
tests_unit_test_flow_broken_SOURCES = tests/unit/test_flow_broken.c
tests_unit_test_flow_broken_LDADD = $(FLOW_TEST_LIBS)

UNIT += tests/unit/test_flow_reading
tests_unit_test_flow_reading_SOURCES = tests/unit/test_flow_reading.c
tests_unit_test_flow_reading_LDADD = $(FLOW_TEST_LIBS)

UNIT += tests/unit/test_flow_cost
tests_unit_test_flow_cost_SOURCES = tests/unit/test_flow_cost.c
tests_unit_test_flow_cost_LDADD = $(FLOW_TEST_LIBS)

# The engine stands on libyaml and utf8proc alone: linking no more keeps it so.
FLOW_TEST_LIBS = libflow.a libbase.a $(YAML_LIBS) $(UTF8PROC_LIBS) $(CMOCKA_LIBS)
