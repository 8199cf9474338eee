noinst_LIBRARIES += libflow.a
libflow_a_SOURCES = \
	flows/engine/check.c \
	flows/engine/check_graph.c \
	flows/engine/check_reads.c \
	flows/engine/check_sizes.c \
	flows/engine/check_words.c \
	flows/engine/choice.c flows/engine/choice.h \
	flows/engine/classes.c flows/engine/classes.h \
	flows/engine/condition.c \
	flows/engine/cost.c flows/engine/cost.h \
	flows/engine/dialogue.c flows/engine/dialogue.h \
	flows/engine/flow.h \
	flows/engine/fold.c flows/engine/fold.h \
	flows/engine/fonts.c flows/engine/fonts.h \
	flows/engine/load.c \
	flows/engine/load_answers.c \
	flows/engine/load_lang.c \
	flows/engine/load_nodes.c \
	flows/engine/load_pack.c \
	flows/engine/load_texts.c \
	flows/engine/match.c \
	flows/engine/model.h \
	flows/engine/pack.c \
	flows/engine/phrase.c flows/engine/phrase.h \
	flows/engine/reading.c flows/engine/reading.h \
	flows/engine/say.c flows/engine/say.h \
	flows/engine/say_worst.c \
	flows/engine/schema.c \
	flows/engine/sha256.c flows/engine/sha256.h \
	flows/engine/skeleton.c flows/engine/skeleton.h \
	flows/engine/split.c flows/engine/split.h \
	flows/engine/spelling.c flows/engine/spelling.h \
	flows/engine/state.c flows/engine/state.h \
	flows/engine/step.c flows/engine/step.h \
	flows/engine/step_answer.c \
	flows/engine/step_text.c \
	flows/engine/syllable.c flows/engine/syllable.h \
	flows/engine/trace.h \
	flows/engine/triage.c \
	flows/engine/values.c \
	flows/engine/view.c flows/engine/view.h

flowsdir = $(pkgdatadir)/flows/hotline
dist_flows_DATA = \
	flows/hotline/pack.yaml \
	flows/hotline/citizen.yaml \
	flows/hotline/child.yaml \
	flows/hotline/accident.yaml \
	flows/hotline/follow.yaml \
	flows/hotline/member.yaml \
	flows/hotline/call-me.yaml \
	flows/hotline/info.yaml \
	flows/hotline/campaign.yaml \
	flows/hotline/contact.yaml \
	flows/hotline/place.yaml
EXTRA_DIST += \
	flows/hotline/citizen-tests.yaml \
	flows/hotline/other-tests.yaml \
	flows/hotline/ways-tests.yaml
