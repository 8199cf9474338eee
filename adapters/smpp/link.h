/* What the adapter table needs of a link; everything else of it is between the files of this folder,
 * in smpp.h. */
#ifndef ADAPTERS_SMPP_LINK_H
#define ADAPTERS_SMPP_LINK_H

#include "adapters/adapter.h"

extern const struct adapter smpp_adapter;

struct link *link_create(const struct adapter_host *host, const char *name,
                         const struct yaml_node *map, char *error, size_t error_size);
void link_start(struct link *link);
void link_stop(struct link *link);
void link_destroy(struct link *link);
enum link_state link_state_now(const struct link *link);
void link_status_now(const struct link *link, struct link_status *status);
void link_obey(struct link *link, enum link_order order);
void link_trace(struct link *link, link_trace_fn *fn, void *arg);
bool link_same(const struct link *a, const struct link *b);

#endif
