/* The GSUP adapter: USSD straight from an Osmocom core network, as an external USSD entity (EUSE) of its HLR.
 * Settings and the HLR's side: doc/gsup.md. */
#ifndef ADAPTERS_GSUP_GSUP_H
#define ADAPTERS_GSUP_GSUP_H

#include "adapters/adapter.h"

extern const struct adapter gsup_adapter;

#endif
