/* A phone inside the process, for `hotlinectl phone`, the console's test phone and tests. */
#ifndef ADAPTERS_SIM_SIM_H
#define ADAPTERS_SIM_SIM_H

#include "adapters/adapter.h"
#include "adapters/ussd.h"

extern const struct adapter sim_adapter;

/* A phone `from` texts `text` (UTF-8) to `to`. False, and done is not called, if the link is not
 * started or the text is longer than INBOUND_BODY_MAX. */
bool sim_deliver(struct link *link, const char *from, const char *to, const char *text,
                 received_fn *done, void *arg);

/* A phone dials `to`, answers a screen, or hangs up. show is called once, with the next screen. False, and
 * show is not called, if the link is not started. */
bool sim_ussd(struct link *link, enum ussd_op op, const char *from, const char *to, const char *text,
              ussd_show_fn *show, void *arg);

typedef void sim_text_fn(void *arg, const char *from, const char *to, const char *text);

/* Who hears the texts that any sim link sends to phones; one listener, NULL for none. The strings
 * are borrowed for the call. */
void sim_listen(sim_text_fn *fn, void *arg);

#endif
