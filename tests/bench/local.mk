# The load generator and the side-by-side benchmark: make bench (configure without --enable-sanitize).
BENCH_TOOLS = tests/bench/smsc tests/bench/answer tests/bench/cost
EXTRA_PROGRAMS += $(BENCH_TOOLS)
CLEANFILES += $(BENCH_TOOLS) tests/bench/nodelay.so
tests_bench_smsc_SOURCES = \
	tests/bench/dialogue.c tests/bench/dialogue.h \
	tests/bench/histogram.c tests/bench/histogram.h \
	tests/bench/procs.c tests/bench/procs.h \
	tests/bench/smsc.c tests/bench/smsc.h \
	tests/bench/smsc_binds.c \
	tests/bench/smsc_phones.c \
	tests/bench/smsc_report.c
nodist_EXTRA_tests_bench_smsc_SOURCES = dummy.cxx
tests_bench_smsc_LDADD = libadapters.a libcore.a libbase.a $(COMMON_LIBS) -lm
tests_bench_cost_SOURCES = tests/bench/cost.c tests/bench/dialogue.c tests/bench/dialogue.h
nodist_EXTRA_tests_bench_cost_SOURCES = dummy.cxx
tests_bench_cost_LDADD = libadapters.a libstore.a libcore.a libflow.a libbase.a $(COMMON_LIBS)
tests_bench_answer_SOURCES = tests/bench/answer.c
tests_bench_answer_LDADD = $(EVENT_LIBS)
tests/bench/nodelay.so: tests/bench/nodelay.c
	@$(MKDIR_P) tests/bench
	$(AM_V_GEN)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -fPIC -shared -o $@ $(srcdir)/tests/bench/nodelay.c -ldl

bench-build: all $(BENCH_TOOLS) tests/bench/nodelay.so bench/flow$(EXEEXT)
# Needs Redis and PostgreSQL (the quickstart's private ones) and Kannel (unpacked); takes a few minutes.
bench-compare: bench-build
	$(srcdir)/tests/bench/run --build .
bench: bench-compare
.PHONY: bench-build bench-compare
EXTRA_DIST += tests/bench/flow tests/bench/report.dialogue tests/bench/replies.dialogue \
	tests/bench/filing.sql tests/bench/nodelay.c tests/bench/parts tests/bench/ratios tests/bench/run tests/bench/settled tests/bench/world.sh
dist_doc_DATA += doc/benchmark.md
