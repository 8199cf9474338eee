noinst_LIBRARIES += libadapters.a
libadapters_a_SOURCES = \
	adapters/adapter.h adapters/adapters.c \
	adapters/gsup/component.c adapters/gsup/component.h \
	adapters/gsup/ipa.c adapters/gsup/ipa.h \
	adapters/gsup/message.c adapters/gsup/message.h \
	adapters/gsup/ussd_string.c adapters/gsup/ussd_string.h \
	adapters/sim/sim.c adapters/sim/sim.h \
	adapters/smpp/link.c \
	adapters/smpp/mo.c \
	adapters/smpp/mt.c \
	adapters/smpp/pdu.c adapters/smpp/pdu.h \
	adapters/smpp/smpp.c adapters/smpp/smpp.h \
	adapters/smpp/window.c adapters/smpp/window.h
