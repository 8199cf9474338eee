/* The conversation engine: a pure function from (flow, state, event, now) to (state', effects). No
 * input or output, no clock, no globals, no log. The caller makes state and effects durable before
 * it sends anything; an event that is replayed gives the same reply and no other effect.
 * Language reference: doc/flow-language.md. */
#ifndef FLOWS_ENGINE_FLOW_H
#define FLOWS_ENGINE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flows/engine/trace.h"

/* ---- loading ---- */

struct flow;       /* one immutable version of one flow */
struct flow_state; /* one conversation */

enum { FLOW_HASH_LEN = 32, FLOW_CODE_LEN = 4, FLOW_STATE_MAX = 65536, FLOW_STEPS_MAX = 100 };

struct flow_finding {
	char *file;               /* owned by the list */
	unsigned line, column;
	char code[FLOW_CODE_LEN]; /* "E01".."E18" */
	char *text;               /* what is wrong and what would be right; owned by the list */
};

struct flow_findings {
	struct flow_finding *items; /* owned; flow_findings_fini() */
	size_t count;
};

void flow_findings_fini(struct flow_findings *list);

enum { FLOW_FILE_MAX = 1 << 20, FLOW_BUNDLE_MAX = 4 << 20 };

/* Loads and checks from bytes: a lone flow, or a bundle, which is all files of a pack in one text, each
 * after a line "%%file NAME". `file` is only for the findings; of a bundle it is the folder, and the
 * findings name the file in it. All findings are listed, sorted by place, not the first only. Returns
 * NULL if any finding forbids loading. The caller owns the flow. */
struct flow *flow_load(const char *file, const char *bytes, size_t len, struct flow_findings *found);
struct flow *flow_load_file(const char *path, struct flow_findings *found);
/* A folder: pack.yaml and its flows, or one lone flow; *tests*.yaml are dialogues and left out. */
struct flow *flow_load_pack(const char *dir, struct flow_findings *found);
/* The bytes by which flow_load() loads that folder again. False after a finding (a file that cannot
 * be read or is too large). */
bool flow_bundle(const char *dir, struct buf *out, struct flow_findings *found);
void flow_free(struct flow *flow);
const char *flow_name(const struct flow *flow); /* of the pack, or of the lone flow */
const uint8_t *flow_hash(const struct flow *flow); /* FLOW_HASH_LEN bytes over the content */

/* ---- what an author may write; the reference of the language is made from it ---- */

enum {
	FLOW_IN_PACK = 1 << 0,   /* pack.yaml, or the top of a lone flow */
	FLOW_IN_FLOW = 1 << 1,   /* the top of a flow's file */
	FLOW_IN_ASK = 1 << 2,    /* a node, by the key that makes its kind */
	FLOW_IN_TELL = 1 << 3,
	FLOW_IN_WHEN = 1 << 4,
	FLOW_IN_CALL = 1 << 5,
	FLOW_IN_DO = 1 << 6,
	FLOW_IN_END = 1 << 7,
	FLOW_IN_NODE = FLOW_IN_ASK | FLOW_IN_TELL | FLOW_IN_WHEN | FLOW_IN_CALL | FLOW_IN_DO | FLOW_IN_END,
	FLOW_IN_USSD = 1 << 8,   /* under `ussd:` of a node */
	FLOW_IN_OPTION = 1 << 9, /* one answer of a `pick` */
	FLOW_IN_FROM = 1 << 10,  /* a `pick` over what a place may be */
	FLOW_IN_BRANCH = 1 << 11,
	FLOW_IN_WORDS = 1 << 12,
	FLOW_IN_FLOW_WORDS = 1 << 13, /* `words:` of one flow of a pack */
	FLOW_IN_SAY = 1 << 14,
	FLOW_IN_WAIT = 1 << 15,
	FLOW_IN_BUDGET = 1 << 16,
	FLOW_IN_TRIAGE = 1 << 17,
	FLOW_IN_LANG = 1 << 18, /* the top of a language's file */
	FLOW_IN_KIND = 1 << 19  /* one of `kinds` */
};

struct flow_key {
	const char *key;
	unsigned in;         /* FLOW_IN_ bits */
	const char *value;   /* its form, for a reader */
	const char *help;
};

extern const struct flow_key flow_schema[]; /* ends with a NULL key */

struct flow_type {
	const char *name, *value, *help; /* value: how it is written after `type:` */
};

extern const struct flow_type flow_types[]; /* ends with a NULL name */

/* ---- classifying an opening or any other free text ---- */

enum urgency { URGENCY_KHONG, URGENCY_THAP, URGENCY_TRUNG_BINH, URGENCY_CAO, URGENCY_KHAN_CAP };
const char *urgency_name(enum urgency urgency); /* "khong", "thap", "trung_binh", "cao", "khan_cap" */

enum flow_text_class {
	FLOW_TEXT_REPORT, /* substantive: kept, triaged and filed */
	FLOW_TEXT_ANSWER, /* a menu digit, a start, back, help or language word, a thumbs-up */
	FLOW_TEXT_STOP,   /* the reporter wants silence: nothing is ever sent after it */
	FLOW_TEXT_OTHERS, /* `others` of the pack and nothing that sounds like a report: adverts, opt-out keywords
	                   * of 5656, private texts, orders of officers, trying out; kept, never filed */
	FLOW_TEXT_EMPTY   /* nothing but white space */
};

struct flow_triage {
	enum flow_text_class text_class;
	enum urgency urgency;   /* FLOW_TEXT_REPORT: at least `triage.default` of the flow */
	char kind[32];          /* key of the flow's `kinds:`, "khong_ro" if none matched */
	bool no_contact;        /* the text asks not to be called or answered ("dung goi lai") */
};

/* The text is read as its writer meant it (flows/engine/reading.h) and held against the pack's lists
 * (flows/engine/phrase.h): the highest urgency wins, then the kind with the most matching words. Give it the
 * bytes as they came: an old 8-bit font is known by them. */
void flow_triage(const struct flow *flow, const char *text, struct flow_triage *out);

/* ---- what the engine is told about the world ---- */

enum { FLOW_PLACE_CODE = 8, FLOW_PLACES_MAX = 8, FLOW_PLACE_NAME = 64 };

struct flow_place_found {
	char code[FLOW_PLACE_CODE];                          /* the one place meant, else "" */
	char candidates[FLOW_PLACES_MAX][FLOW_PLACE_CODE];   /* what may be meant, most likely first */
	size_t count;
	bool more;                                           /* there were more than fit */
};

/* A table of administrative units; pure and constant, so that replaying an event finds the same. */
struct flow_places {
	void (*find)(const char *text, const char *home, struct flow_place_found *out);
	/* The name by which a person tells it from its namesakes ("Bom Bo, Dong Nai"), at most size - 1
	 * bytes; false: no such code. */
	bool (*label)(const char *code, bool accents, char *out, size_t size);
};

struct flow_world {
	const struct flow_places *places; /* NULL: places stay as they were written */
	const char *home;                 /* codes of the provinces served, "75,79"; NULL: the whole country */
	const char *role;                 /* who writes: "citizen", "member"; NULL: "citizen" */
};

/* ---- stepping ---- */

enum flow_event_kind {
	FLOW_EV_TEXT,       /* the reporter wrote; text is UTF-8 */
	FLOW_EV_USSD_BEGIN, /* dialled the code */
	FLOW_EV_USSD_END,   /* the session ended under us */
	FLOW_EV_TIMER,      /* a timer that an earlier step asked for; a no-op unless `turn` is current */
	FLOW_EV_RETIRE      /* this version is withdrawn: file what there is and end silently */
};

struct flow_event {
	enum flow_event_kind kind;
	uint8_t id[16];     /* the carrier's or spool's id; a seen id gives the last reply again and nothing else */
	const char *text;   /* borrowed; "" where the kind has none */
	bool ussd;          /* the channel of this turn */
	uint32_t turn;      /* FLOW_EV_TIMER: the turn the timer was made for */
	const struct flow_world *world; /* borrowed; NULL: no places, role "citizen" */
	const struct flow_trace *trace; /* borrowed; NULL: nobody wants to know */
};

enum flow_effect_kind {
	FLOW_SEND,  /* text: one reply; at most one per step */
	FLOW_TIMER, /* at_ms, turn: wake this conversation up; replaces any earlier timer */
	FLOW_FILE,  /* a new revision of the report: the caller takes flow_report() */
	FLOW_ALERT, /* urgency rose to cao or above, by the opening text or an answer; FLOW_FILE follows */
	FLOW_AUDIT  /* text: one event for the record ("stop", "timeout", "retries spent", ...) */
};

struct flow_effect {
	enum flow_effect_kind kind;
	char *text;     /* owned by the list */
	int64_t at_ms;
	uint32_t turn;
};

enum { FLOW_EFFECTS_MAX = 16 };

struct flow_effects {
	struct flow_effect items[FLOW_EFFECTS_MAX];
	size_t count;
	bool seen; /* the event's id had been handled before */
	bool classed; /* the step had to know what the text is: `text_class` says it */
	enum flow_text_class text_class;
};

void flow_effects_fini(struct flow_effects *effects);

/* `ref` is what {ref} expands to (at most 31 bytes); lang "" = the flow's default language. */
struct flow_state *flow_state_new(const struct flow *flow, const char *ref, const char *lang);
void flow_state_free(struct flow_state *state);
void flow_state_save(const struct flow_state *state, struct buf *out);
/* NULL if the bytes are not a state of this engine. flow_state_flow_hash() names its version. */
struct flow_state *flow_state_load(const void *bytes, size_t len);
const uint8_t *flow_state_flow_hash(const struct flow_state *state);

/* One step. now_ms: wall clock, milliseconds since 1970. `flow` must be the version of the state. */
void flow_step(const struct flow *flow, struct flow_state *state, const struct flow_event *event,
               int64_t now_ms, struct flow_effects *out);

bool flow_state_ended(const struct flow_state *state);
bool flow_state_silent(const struct flow_state *state); /* after stop: send nothing, ever */

/* ---- what the conversation has told so far ---- */

struct flow_answer {
	const char *name;  /* node that asked, or its `save:`; borrowed from the state */
	const char *value; /* option key, number, date (ISO 8601), place code, telephone number (E.164) or
	                    * text as written; "unknown" for a place that could not be resolved */
	const char *text;  /* the reporter's own words for it */
};

struct flow_report {
	bool substantive;     /* something worth a report has been said */
	bool partial;         /* the conversation has not reached an `end` that files it */
	enum urgency urgency;
	const char *kind;     /* borrowed from the state */
	const char *lang;
	const char *flow;     /* name of the flow it entered; borrowed from the flow */
	int safe_contact;     /* 1 yes, 0 no, -1 unknown: answer to the node named by `safe:` of the flow */
	uint32_t turn;        /* grows with every step */
	struct flow_answer *answers; /* owned: flow_report_fini(); in the order given */
	size_t answer_count;
	const char **texts;   /* owned array of borrowed strings: every free text, in order */
	size_t text_count;
};

void flow_report(const struct flow *flow, const struct flow_state *state, struct flow_report *out);
void flow_report_fini(struct flow_report *report);

#endif
