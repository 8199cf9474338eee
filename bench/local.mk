# Benchmarks: make bench (build without --enable-sanitize).
EXTRA_PROGRAMS += bench/flow
CLEANFILES += bench/flow
bench_flow_SOURCES = bench/flow.c
nodist_EXTRA_bench_flow_SOURCES = dummy.cxx
bench_flow_LDADD = libcore.a libflow.a libbase.a $(YAML_LIBS) $(UTF8PROC_LIBS) $(PHONENUMBER_LIBS)
bench: bench/flow$(EXEEXT)
	bench/flow$(EXEEXT) $(srcdir)/flows/hotline $(srcdir)/tests/data/vn-sms-examples.tsv
.PHONY: bench
