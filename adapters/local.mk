noinst_LIBRARIES += libadapters.a
libadapters_a_SOURCES = \
	adapters/adapter.h adapters/adapters.c \
	adapters/sim/sim.c adapters/sim/sim.h \
	adapters/smpp/bind.c \
	adapters/smpp/conf.c \
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
