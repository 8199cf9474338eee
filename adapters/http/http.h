/* The HTTP adapter: an aggregator's webhooks in, calls of its API out. Settings and profiles: doc/http.md. */
#ifndef ADAPTERS_HTTP_HTTP_H
#define ADAPTERS_HTTP_HTTP_H

#include "adapters/adapter.h"

extern const struct adapter http_adapter;

#endif
