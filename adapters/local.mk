noinst_LIBRARIES += libadapters.a
libadapters_a_SOURCES = \
	adapters/adapter.h adapters/adapters.c \
	adapters/gsup/client.c adapters/gsup/client.h \
	adapters/gsup/component.c adapters/gsup/component.h \
	adapters/gsup/dialogue.c \
	adapters/gsup/gsup.c adapters/gsup/gsup.h \
	adapters/gsup/ipa.c adapters/gsup/ipa.h \
	adapters/gsup/message.c adapters/gsup/message.h \
	adapters/gsup/numbers.c adapters/gsup/numbers.h \
	adapters/gsup/ussd_string.c adapters/gsup/ussd_string.h \
	adapters/http/client.c adapters/http/client.h \
	adapters/http/fields.c adapters/http/fields.h \
	adapters/http/gate.c adapters/http/gate.h \
	adapters/http/http.c adapters/http/http.h \
	adapters/http/link.h \
	adapters/http/message.c adapters/http/message.h \
	adapters/http/profile.c adapters/http/profile.h \
	adapters/http/server.c adapters/http/server.h \
	adapters/http/settings.c adapters/http/settings.h \
	adapters/http/submit.c \
	adapters/http/tls.c adapters/http/tls.h \
	adapters/http/webhook.c \
	adapters/ussd.c adapters/ussd.h \
	adapters/sim/sim.c adapters/sim/sim.h \
	adapters/smpp/bind.c \
	adapters/smpp/conf.c \
	adapters/smpp/dial.c \
	adapters/smpp/dialect.c adapters/smpp/dialect.h \
	adapters/smpp/link.c adapters/smpp/link.h \
	adapters/smpp/mo.c \
	adapters/smpp/mt.c \
	adapters/smpp/pdu.c adapters/smpp/pdu.h \
	adapters/smpp/rate.c adapters/smpp/rate.h \
	adapters/smpp/receipt.c \
	adapters/smpp/refs.c adapters/smpp/refs.h \
	adapters/smpp/smpp.c adapters/smpp/smpp.h \
	adapters/smpp/tls.c adapters/smpp/tls.h \
	adapters/smpp/trace.c adapters/smpp/trace.h \
	adapters/smpp/ussd.c \
	adapters/smpp/window.c adapters/smpp/window.h

httpdir = $(pkgdatadir)/http
dist_http_DATA = \
	adapters/http/profiles/africastalking.yaml \
	adapters/http/profiles/generic.yaml \
	adapters/http/profiles/hubtel.yaml \
	adapters/http/profiles/infobip.yaml \
	adapters/http/profiles/kannel.yaml

smppdir = $(pkgdatadir)/smpp
dist_smpp_DATA = \
	adapters/smpp/dialects/data_sm.yaml \
	adapters/smpp/dialects/echo.yaml \
	adapters/smpp/dialects/mica.yaml \
	adapters/smpp/dialects/msisdn.yaml \
	adapters/smpp/dialects/notify.yaml \
	adapters/smpp/dialects/sixdee.yaml \
	adapters/smpp/dialects/standard.yaml \
	adapters/smpp/dialects/tata.yaml
