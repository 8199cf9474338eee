# Benchmarks: make bench (build without --enable-sanitize).
EXTRA_PROGRAMS += bench/flow bench/codec
CLEANFILES += bench/flow bench/codec
bench_flow_SOURCES = bench/flow.c
nodist_EXTRA_bench_flow_SOURCES = dummy.cxx
bench_flow_LDADD = libcore.a libflow.a libbase.a $(YAML_LIBS) $(UTF8PROC_LIBS) $(PHONENUMBER_LIBS)
bench_codec_SOURCES = bench/codec.c
nodist_EXTRA_bench_codec_SOURCES = dummy.cxx
bench_codec_LDADD = libadapters.a libcore.a libbase.a
bench: bench/flow$(EXEEXT) bench/codec$(EXEEXT)
	bench/flow$(EXEEXT) $(srcdir)/flows/hotline $(srcdir)/tests/data/vn-sms-examples.tsv
	bench/codec$(EXEEXT)
.PHONY: bench
