noinst_LIBRARIES += libflow.a
libflow_a_SOURCES = \
	flows/engine/check.c \
	flows/engine/condition.c \
	flows/engine/dialogue.c flows/engine/dialogue.h \
	flows/engine/flow.h \
	flows/engine/fold.c flows/engine/fold.h \
	flows/engine/load.c \
	flows/engine/load_nodes.c \
	flows/engine/load_texts.c \
	flows/engine/match.c \
	flows/engine/model.h \
	flows/engine/phrase.c \
	flows/engine/say.c \
	flows/engine/sha256.c flows/engine/sha256.h \
	flows/engine/state.c flows/engine/state.h \
	flows/engine/step.c \
	flows/engine/triage.c

flowsdir = $(pkgdatadir)/flows/hotline
dist_flows_DATA = flows/hotline/hotline.yaml
EXTRA_DIST += flows/hotline/tests.yaml
