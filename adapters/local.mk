noinst_LIBRARIES += libadapters.a
libadapters_a_SOURCES = \
	adapters/adapter.h adapters/adapters.c \
	adapters/sim/sim.c adapters/sim/sim.h \
	adapters/smpp/link.c \
	adapters/smpp/mo.c \
	adapters/smpp/mt.c \
	adapters/smpp/pdu.c adapters/smpp/pdu.h \
	adapters/smpp/smpp.c adapters/smpp/smpp.h \
	adapters/smpp/window.c adapters/smpp/window.h
