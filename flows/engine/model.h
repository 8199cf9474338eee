/* What a loaded flow is made of; private to the engine. Everything borrows its texts from the YAML
 * tree that the flow owns, except what was folded. */
#ifndef FLOWS_ENGINE_MODEL_H
#define FLOWS_ENGINE_MODEL_H

#include "base/yaml.h"
#include "flows/engine/flow.h"

enum { LANGS_MAX = 8, NODES_MAX = 256, OPTIONS_MAX = 20, RANGES_MAX = 8, NOWHERE = -1, BROKEN = -2 };

/* BROKEN: a reference that was reported already; no second finding for it. */
struct text {
	const struct yaml_node *at;
	const char *by_lang[LANGS_MAX]; /* NULL where the language is missing */
};

/* One phrase as its author wrote it, folded and cut into words. A NULL word is "...": a gap of up to
 * GAP_WORDS words. */
struct phrase {
	char **words; /* owned */
	size_t count;
	bool from_start, to_end; /* "^" and "$": nothing may stand before, after */
};

struct phrases {
	struct phrase *items; /* owned */
	size_t count;
};

/* One way to say an answer or a command. */
struct word {
	const struct yaml_node *at;
	const char *text; /* as written */
	char *folded;     /* owned */
	int lang;         /* index into languages, NOWHERE for `any` */
};

struct words {
	struct word *items; /* owned */
	size_t count;
};

enum word_kind { WORD_START, WORD_BACK, WORD_HELP, WORD_STOP, WORD_LANGUAGE, WORD_OK, WORD_KINDS };
enum say_kind { SAY_HELP, SAY_WRONG, SAY_HELLO, SAY_KINDS };

enum { DO_ALERT = 1, DO_FILE_NORMAL = 2, DO_FILE_URGENT = 4 };

struct option {
	const struct yaml_node *at;
	const char *key;
	struct words words; /* the first of each language is its label */
	unsigned actions;   /* DO_ bits */
	int go;
};

enum answer_type { TYPE_NONE, TYPE_PICK, TYPE_TEXT, TYPE_NUMBER };

struct range {
	long low, high;
};

enum subject { SUBJECT_ANSWER, SUBJECT_URGENCY, SUBJECT_KIND, SUBJECT_LANGUAGE };
enum compare { IS, IS_NOT, AT_LEAST, AT_MOST, ABOVE, BELOW };

struct term {
	enum subject subject;
	int node; /* SUBJECT_ANSWER */
	enum compare compare;
	char *value; /* owned */
	bool or_before; /* begins a new alternative */
};

struct branch {
	const struct yaml_node *at;
	struct term *terms; /* owned; none: else */
	size_t count;
	int go;
};

enum node_kind { NODE_ASK, NODE_TELL, NODE_WHEN, NODE_DO, NODE_END };

struct node {
	const struct yaml_node *at;
	const char *name;
	enum node_kind kind;
	struct text text; /* ask, tell, end */
	enum answer_type type;
	long text_min; /* TYPE_TEXT: characters */
	struct range ranges[RANGES_MAX];
	size_t range_count;
	struct option *options; /* owned */
	size_t option_count;
	struct branch *branches; /* owned */
	size_t branch_count;
	unsigned actions; /* DO_ bits, on entering */
	int go, tired;
	bool reached; /* checker */
};

struct kind {
	const char *key;
	struct phrases phrases;
};

struct hint {
	int lang;
	struct phrases phrases;
};

struct flow {
	struct yaml_node *root; /* owned */
	uint8_t hash[FLOW_HASH_LEN];
	const char *name;
	const char *langs[LANGS_MAX];
	size_t lang_count;
	bool strip;
	int64_t wait_sms_ms, wait_ussd_ms; /* 0: not given */
	int retries;                       /* -1: not given */
	int first_text, safe;              /* node or NOWHERE */
	int *owed;                         /* owned */
	size_t owed_count;
	enum urgency default_urgency;
	struct phrases triage[URGENCY_KHAN_CAP + 1];
	struct kind *kinds; /* owned */
	size_t kind_count;
	struct phrases others, no_contact, danger_near, discreet;
	struct hint *hints; /* owned */
	size_t hint_count;
	struct words words[WORD_KINDS];
	struct text say[SAY_KINDS]; /* at == NULL: not given */
	struct node *nodes;         /* owned */
	size_t node_count;
};

/* ---- load.c, load_texts.c, load_nodes.c, check.c ---- */

struct loading {
	const char *file;
	struct flow *flow;
	struct flow_findings *found;
};

void loading_find_at(struct loading *in, unsigned line, unsigned column, const char *code,
                     const char *text);
__attribute__((format(printf, 4, 5)))
void loading_find(struct loading *in, const struct yaml_node *at, const char *code,
                  const char *format, ...);
/* Every key of the map must be one of allowed (ends with NULL): E02. False if it is not a map. */
bool loading_keys(struct loading *in, const struct yaml_node *map, const char *const *allowed);
/* A scalar's text, or NULL and E12. */
const char *loading_scalar(struct loading *in, const struct yaml_node *node, const char *what);
int loading_lang(struct loading *in, const struct yaml_node *key);
int loading_node_ref(struct loading *in, const struct yaml_node *at);
void loading_text(struct loading *in, const struct yaml_node *at, struct text *out);
/* {vi: [a, b], any: [c]} or, with no language above it, [a, b]. */
void loading_words(struct loading *in, const struct yaml_node *at, struct words *out);
void loading_word_list(struct loading *in, const struct yaml_node *at, int lang, struct words *out);
void loading_nodes(struct loading *in, const struct yaml_node *at);
void loading_check(struct loading *in);

int flow_find_node(const struct flow *flow, const char *name);
int flow_find_lang(const struct flow *flow, const char *lang);

/* ---- conditions (condition.c) ---- */

/* `name op value (and|or name op value)*`; `and` binds tighter. */
void loading_condition(struct loading *in, const struct yaml_node *at, struct branch *out);
/* "unknown" for an answer not given yet. */
bool branch_holds(const struct flow *flow, const struct branch *branch, const struct flow_state *state);

/* ---- wording (say.c) ---- */

/* Index of the conversation's language. */
int say_lang(const struct flow *flow, const struct flow_state *state);
/* Appends the text in that language, placeholders filled, on a new line if something stands there. */
void say_text(const struct flow *flow, const struct flow_state *state, const struct text *text,
              struct buf *out);
/* The same for a question, its numbered answers below it. */
void say_question(const struct flow *flow, const struct flow_state *state, const struct node *node,
                  struct buf *out);

/* ---- phrases (phrase.c) ---- */

enum { GAP_WORDS = 8 };

void phrase_parse(const char *text, struct phrase *out);
void phrases_free(struct phrases *list);
/* Number of words that the longest matching phrase has, 0 if none matches. folded: fold_text(). */
size_t phrases_longest(const struct phrases *list, const char *folded);
/* Words of all phrases that match. */
size_t phrases_weight(const struct phrases *list, const char *folded);
size_t folded_word_count(const char *folded);

/* ---- triage.c ---- */

/* A short text with one of the `danger_near` phrases: somebody may be reading along. */
bool triage_danger_near(const struct flow *flow, const char *folded);

/* ---- matching an answer (match.c) ---- */

enum { NO_OPTION = -1 };

/* Index of the option that the reply means, NO_OPTION if none or several. */
int match_option(const struct node *node, const char *reply, const char *folded);
bool match_number(const struct node *node, const char *folded, long *number);
bool match_text(const struct node *node, const char *folded);
/* A whole reply that is one of the words: sets *lang to that word's language if it has one. */
bool match_word(const struct words *words, const char *folded, int *lang);
/* A reply of one to four digits and nothing else. */
bool match_digits(const char *folded);

#endif
