noinst_LIBRARIES += libadapters.a
libadapters_a_SOURCES = \
	adapters/adapter.h adapters/adapters.c \
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
	adapters/smpp/window.c adapters/smpp/window.h

httpdir = $(pkgdatadir)/http
dist_http_DATA = \
	adapters/http/profiles/africastalking.yaml \
	adapters/http/profiles/generic.yaml \
	adapters/http/profiles/hubtel.yaml \
	adapters/http/profiles/infobip.yaml \
	adapters/http/profiles/kannel.yaml
