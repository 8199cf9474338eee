/* Plays the dialogues that stand beside a pack: tests as data. Between any two steps the state is
 * saved and loaded again.
 *
 *   - test: what it shows
 *     from: sms                              # or ussd; what follows is for the reader
 *     role: member                           # who writes; citizen if not given
 *     lang: en                               # known from an earlier conversation; else the default
 *     play:
 *       - {in: text, id: m1, at: danger, effects: [file partial, alert duty], says: "1 Co"}
 *       - {wait: 24h, effects: [file partial], at: end}
 *       - {event: ussd begin}                # dials: what follows is typed on USSD
 *       - {event: ussd end}                  # hangs up: what follows are texts
 *       - {event: retire}                    # the version is withdrawn
 *     saved: {what: text, danger: "yes"}     # answers at the end; "" = none
 *     report: {urgency: cao, kind: bao_luc, partial: "no", safe: "yes", lang: vi, silent: "no"}
 *
 * `effects` lists what is filed and who is alerted, all of it or nothing; without the key they are not
 * looked at. `says` is a part of the reply, "" = nothing may be sent. `at` is the question that
 * waits, or `end`. Steps of one `id` are one event that the carrier delivered again. */
#ifndef FLOWS_ENGINE_DIALOGUE_H
#define FLOWS_ENGINE_DIALOGUE_H

#include <stddef.h>

#include "flows/engine/flow.h"

/* What the dialogues are played with; all of it may be NULL. */
struct dialogue_options {
	const struct flow_places *places; /* borrowed */
	const char *home;                 /* as in struct flow_world; borrowed */
	const struct flow_trace *trace;   /* told of every way that is taken; borrowed */
};

/* Plays all of them; every difference is one entry of `failures` (code T01). A file that does not
 * parse or has an unknown key is a failure too (E01, E02, E12). Returns how many tests there were. */
size_t dialogue_run(const struct flow *flow, const struct dialogue_options *options,
                    const char *file, const char *bytes, size_t len,
                    struct flow_findings *failures);

#endif
