/* USSD straight from an Osmocom HLR. */
#ifndef ADAPTERS_GSUP_GSUP_H
#define ADAPTERS_GSUP_GSUP_H

#include "adapters/adapter.h"

extern const struct adapter gsup_adapter;

#endif
