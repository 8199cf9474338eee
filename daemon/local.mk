# Layers from the bottom: base, core (pure), store, path (the stations of a message), control.
noinst_LIBRARIES += libbase.a libcore.a libstore.a libpath.a libcontrol.a

libbase_a_SOURCES = \
	daemon/base/buf.c daemon/base/buf.h \
	daemon/base/conf.c daemon/base/conf.h \
	daemon/base/log.c daemon/base/log.h \
	daemon/base/loop.c daemon/base/loop.h \
	daemon/base/map.c daemon/base/map.h \
	daemon/base/mem.c daemon/base/mem.h \
	daemon/base/notify.c daemon/base/notify.h \
	daemon/base/yaml.c daemon/base/yaml.h \
	daemon/base/yaml_read.c daemon/base/yaml_read.h \
	daemon/base/zonefile.c daemon/base/zonefile.h

libcore_a_SOURCES = \
	daemon/core/charset.c daemon/core/charset.h \
	daemon/core/charset_internal.h daemon/core/charset_split.c \
	daemon/core/charset_national.c daemon/core/charset_national.h \
	daemon/core/civil.c daemon/core/civil.h \
	daemon/core/clocks.c daemon/core/clocks.h \
	daemon/core/command.c daemon/core/command.h \
	daemon/core/crc32c.c daemon/core/crc32c.h \
	daemon/core/entry.c daemon/core/entry.h \
	daemon/core/flow_places.c daemon/core/flow_places.h \
	daemon/core/heard.c daemon/core/heard.h \
	daemon/core/ids.c daemon/core/ids.h \
	daemon/core/inbound.c daemon/core/inbound.h \
	daemon/core/letters.c daemon/core/letters.h \
	daemon/core/number.cc daemon/core/number.h \
	daemon/core/outbound.h \
	daemon/core/places.c daemon/core/places.h daemon/core/places_data.h \
	daemon/core/places_match.c daemon/core/places_match.h \
	daemon/core/places_words.c daemon/core/places_words.h \
	daemon/core/policy.c daemon/core/policy.h \
	daemon/core/roster.c daemon/core/roster.h \
	daemon/core/roster_csv.c daemon/core/roster_lines.c \
	daemon/core/rota.c daemon/core/rota.h \
	daemon/core/workdays.c daemon/core/workdays.h \
	daemon/core/zone.c daemon/core/zone.h \
	daemon/core/ussd.c daemon/core/ussd.h
nodist_libcore_a_SOURCES = daemon/core/places_data.c
CLEANFILES += daemon/core/places_data.c
BUILT_SOURCES += daemon/core/places_data.c

PLACES = $(srcdir)/daemon/data/vn-units.tsv $(srcdir)/daemon/data/vn-units-former.tsv \
	$(srcdir)/daemon/data/vn-units-aliases.tsv
EXTRA_DIST += $(PLACES) build-aux/embed-places
dist_pkgdata_DATA = daemon/data/vn-clocks.yaml daemon/data/vn-holidays.yaml
placesdocdir = $(docdir)
dist_placesdoc_DATA = daemon/data/vn-units.LICENSE.txt doc/places.md doc/officer-commands.md
daemon/core/places_data.c: $(PLACES) $(srcdir)/build-aux/embed-places
	@$(MKDIR_P) daemon/core
	$(AM_V_GEN)AWK='$(AWK)' $(SHELL) $(srcdir)/build-aux/embed-places $(PLACES) >$@.tmp && mv $@.tmp $@

libstore_a_SOURCES = \
	daemon/store/keyspace.c daemon/store/keyspace.h \
	daemon/store/migrate.c \
	daemon/store/pg.c daemon/store/pg.h \
	daemon/store/pg_values.c daemon/store/pg_values.h \
	daemon/store/redis.c daemon/store/redis.h \
	daemon/store/spool.c daemon/store/spool.h \
	daemon/store/spool_format.c daemon/store/spool_format.h \
	daemon/store/spool_internal.h daemon/store/spool_segments.c \
	daemon/store/vault.c daemon/store/vault.h \
	daemon/store/vault_files.c daemon/store/vault_files.h \
	daemon/store/zones.c daemon/store/zones.h
nodist_libstore_a_SOURCES = daemon/store/schema_data.c
CLEANFILES += daemon/store/schema_data.c
BUILT_SOURCES += daemon/store/schema_data.c

SCHEMA = $(srcdir)/daemon/schema/001_base.sql $(srcdir)/daemon/schema/002_filing.sql \
	$(srcdir)/daemon/schema/003_escalation.sql $(srcdir)/daemon/schema/004_notices.sql \
	$(srcdir)/daemon/schema/005_answers.sql $(srcdir)/daemon/schema/006_api.sql \
	$(srcdir)/daemon/schema/007_roster.sql $(srcdir)/daemon/schema/008_policy.sql \
	$(srcdir)/daemon/schema/009_clocks.sql $(srcdir)/daemon/schema/010_audit.sql \
	$(srcdir)/daemon/schema/011_members.sql
EXTRA_DIST += $(SCHEMA) build-aux/embed-schema
daemon/store/schema_data.c: $(SCHEMA) $(srcdir)/build-aux/embed-schema
	@$(MKDIR_P) daemon/store
	$(AM_V_GEN)$(SHELL) $(srcdir)/build-aux/embed-schema $(SCHEMA) >$@.tmp && mv $@.tmp $@

libpath_a_SOURCES = \
	daemon/path/acks.c daemon/path/acks.h \
	daemon/path/canary.c daemon/path/canary.h \
	daemon/path/allowance.c daemon/path/allowance.h \
	daemon/path/alert.c daemon/path/alert.h \
	daemon/path/auditor.c daemon/path/auditor.h \
	daemon/path/escalate.c daemon/path/escalate.h \
	daemon/path/clockwork.c daemon/path/clockwork.h \
	daemon/path/conversation.c daemon/path/conversation.h \
	daemon/path/copies.c daemon/path/copies.h \
	daemon/path/delivery.c daemon/path/delivery.h \
	daemon/path/duty.c daemon/path/duty.h \
	daemon/path/filing.c daemon/path/filing.h \
	daemon/path/filing_rows.c daemon/path/filing_rows.h \
	daemon/path/flowbook.c daemon/path/flowbook.h \
	daemon/path/hotline.c daemon/path/hotline.h \
	daemon/path/intake.c daemon/path/intake.h \
	daemon/path/links.c daemon/path/links.h \
	daemon/path/mail.c daemon/path/mail.h \
	daemon/path/members.c daemon/path/members.h \
	daemon/path/outbox.c daemon/path/outbox.h \
	daemon/path/outcomes.c daemon/path/outcomes.h \
	daemon/path/parts.c daemon/path/parts.h \
	daemon/path/pending.c daemon/path/pending.h \
	daemon/path/replay.c daemon/path/replay.h \
	daemon/path/reply.c daemon/path/reply.h \
	daemon/path/roles.c daemon/path/roles.h \
	daemon/path/roster_import.c daemon/path/roster_import.h \
	daemon/path/session.c daemon/path/session.h \
	daemon/path/turn.c daemon/path/turn.h

libcontrol_a_SOURCES = \
	daemon/control/access.c \
	daemon/control/cases.c \
	daemon/control/commands.c \
	daemon/control/control.c daemon/control/control.h \
	daemon/control/door.c daemon/control/door.h \
	daemon/control/flows.c \
	daemon/control/links.c \
	daemon/control/metrics.c daemon/control/metrics.h \
	daemon/control/members.c \
	daemon/control/oncall.c \
	daemon/control/policies.c

COMMON_LIBS = $(EVENT_LIBS) $(PQ_LIBS) $(HIREDIS_LIBS) $(YAML_LIBS) $(SODIUM_LIBS) \
	$(JANSSON_LIBS) $(UTF8PROC_LIBS) $(PHONENUMBER_LIBS) -lpthread

# The dummy C++ source makes automake link with the C++ compiler: number.cc sits in a library.
sbin_PROGRAMS += hotlined
hotlined_SOURCES = daemon/hotlined.c
nodist_EXTRA_hotlined_SOURCES = dummy.cxx
hotlined_LDADD = libcontrol.a libadapters.a libpath.a libstore.a libcore.a libflow.a libbase.a $(TLS_LIBS) $(CURL_LIBS) $(COMMON_LIBS)

# Everything of the tool but its main, so that tests link it.
noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = \
	daemon/ctl/ctl.h \
	daemon/ctl/client.c \
	daemon/ctl/cmd_case.c \
	daemon/ctl/cmd_db.c \
	daemon/ctl/cmd_flow.c \
	daemon/ctl/cmd_flow_cost.c \
	daemon/ctl/cmd_flow_graph.c \
	daemon/ctl/cmd_flow_language.c \
	daemon/ctl/cmd_flow_reference.c \
	daemon/ctl/cmd_flow_talk.c \
	daemon/ctl/cmd_flow_test.c \
	daemon/ctl/cmd_flow_versions.c \
	daemon/ctl/cmd_keys.c \
	daemon/ctl/cmd_links.c \
	daemon/ctl/cmd_list.c \
	daemon/ctl/cmd_member.c \
	daemon/ctl/cmd_oncall.c \
	daemon/ctl/cmd_phone.c \
	daemon/ctl/cmd_policy.c \
	daemon/ctl/cmd_report.c \
	daemon/ctl/cmd_roster.c \
	daemon/ctl/flow_files.c daemon/ctl/flow_files.h \
	daemon/ctl/options.c \
	daemon/ctl/phone.h \
	daemon/ctl/phone_link.c \
	daemon/ctl/phone_script.c \
	daemon/ctl/phone_view.c \
	daemon/ctl/screen.c \
	daemon/ctl/sealed.c \
	daemon/ctl/table.c \
	daemon/ctl/talk.c daemon/ctl/talk.h \
	daemon/ctl/talk_save.c

bin_PROGRAMS += hotlinectl
hotlinectl_SOURCES = daemon/hotlinectl.c
nodist_EXTRA_hotlinectl_SOURCES = dummy.cxx
hotlinectl_LDADD = libctl.a libstore.a libcore.a libflow.a libbase.a $(COMMON_LIBS)

dist_man_MANS = doc/hotlinectl.1 doc/hotlined.8
dist_doc_DATA = doc/faults.md doc/keys.md doc/policies.md doc/roster.md doc/flow-errors.md doc/flow-language.md \
	doc/flow-reference.md doc/gsup.md doc/http.md doc/smpp.md
