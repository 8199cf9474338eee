/* What a loaded pack of flows is made of; private to the engine. Everything borrows its texts from the
 * YAML trees that the flow owns, except what was folded or made ready for sending. */
#ifndef FLOWS_ENGINE_MODEL_H
#define FLOWS_ENGINE_MODEL_H

#include "base/yaml.h"
#include "flows/engine/flow.h"
#include "flows/engine/phrase.h"

enum {
	LANGS_MAX = 8,
	NODES_MAX = 4096, /* of all flows of a pack */
	PARTS_MAX = 32,
	OPTIONS_MAX = 20,
	RANGES_MAX = 8,
	AGAIN_MAX = 5,
	ROLES_MAX = 8,
	CALLS_MAX = 6,
	NOWHERE = -1,
	BROKEN = -2 /* a reference that was reported already: no second finding for it */
};

struct text {
	const struct yaml_node *at;
	const char *by_lang[LANGS_MAX]; /* as written; NULL where the language is missing */
	char *sent[LANGS_MAX];          /* owned: the same as it is sent, accents off where that is wanted */
};

/* One way to say an answer or a command. */
struct word {
	const struct yaml_node *at;
	const char *text; /* as written */
	char *folded;     /* owned */
	char *sent;       /* owned: as it is shown; NULL for what is never shown */
	int lang;         /* index into languages, NOWHERE for `any` */
	int part;         /* flow whose file it stands in, NOWHERE for pack.yaml */
};

struct words {
	struct word *items; /* owned */
	size_t count;
};

enum word_kind {
	WORD_START, WORD_BACK, WORD_HELP, WORD_STOP, WORD_LANGUAGE, WORD_ACCENTS, WORD_PLAIN, WORD_RESTART,
	WORD_NEXT,
	WORD_OK, /* from here on: no commands, so they may be answers too */
	WORD_RESUME, WORD_YES, WORD_NO, WORD_PREFIX, WORD_KINDS
};

enum say_kind { SAY_HELP, SAY_WRONG, SAY_HELLO, SAY_MORE, SAY_RESUME, SAY_KINDS };

enum { DO_ALERT = 1, DO_FILE_NORMAL = 2, DO_FILE_URGENT = 4, DO_RAISE = 8 };

struct option {
	const struct yaml_node *at;
	const char *key;
	struct words words; /* the first of each language is its label */
	const char *kind;   /* NULL, or what the report is about if no text said so */
	int lang;           /* goes on in that language; NOWHERE: as before */
	unsigned actions;   /* DO_ bits */
	int go;
};

enum answer_type { TYPE_NONE, TYPE_PICK, TYPE_TEXT, TYPE_NUMBER, TYPE_AGE, TYPE_DATE, TYPE_PHONE,
	           TYPE_CODE, TYPE_PLACE, TYPE_FROM };

struct range {
	long low, high;
};

/* What is asked on one channel and how its answer is read. `tell` and `end` use the text only. */
struct question {
	const struct yaml_node *at; /* its `type` or `pick` */
	struct text text;
	enum answer_type type;
	bool lent;     /* options belong to another question */
	long text_min; /* TYPE_TEXT: characters */
	struct range ranges[RANGES_MAX];
	size_t range_count;
	struct option *options; /* owned unless lent */
	size_t option_count;
	const struct yaml_node *from_at; /* TYPE_FROM: where the name of the place stands */
	char *from;          /* owned unless lent: answer whose candidates are offered */
	bool has_none;       /* the last option is "none of these" */
	char **keys;         /* owned: while the question is put, the codes of the places it offers */
	size_t place_count;
	int none;            /* where that, or spent retries, leads */
};

enum subject { SUBJECT_ANSWER, SUBJECT_URGENCY, SUBJECT_KIND, SUBJECT_LANGUAGE, SUBJECT_ROLE,
	       SUBJECT_CHANNEL };
enum compare { IS, IS_NOT, AT_LEAST, AT_MOST, ABOVE, BELOW };

struct term {
	enum subject subject;
	char *name; /* owned; SUBJECT_ANSWER */
	enum compare compare;
	char *value; /* owned */
	struct yaml_node at; /* place only, for findings */
};

enum op_kind { OP_TERM, OP_AND, OP_OR, OP_NOT };

/* A condition is in postfix order, so that deciding it takes one pass and a few bits. */
struct op {
	enum op_kind kind;
	struct term term;
};

struct branch {
	const struct yaml_node *at;
	struct op *ops; /* owned; none: else */
	size_t count;
	int go;
};

enum node_kind { NODE_ASK, NODE_TELL, NODE_WHEN, NODE_CALL, NODE_DO, NODE_END };

struct node {
	const struct yaml_node *at;
	const char *name;
	const char *save; /* name under which its answer is kept */
	int part;
	enum node_kind kind;
	struct question ask;   /* ask, tell, end */
	struct question *ussd; /* owned; NULL: the same on USSD */
	struct text *again;    /* owned: wording after the first, second ... bad answer */
	size_t again_count;
	struct branch *branches; /* owned */
	size_t branch_count;
	unsigned actions; /* DO_ bits, on entering */
	int go, tired, timeout, several;
	int call;         /* NODE_CALL: flow */
	int retries;      /* -1: the flow's */
	bool if_room;     /* NODE_TELL: left out where it does not fit with what follows */
	bool from_text;   /* an answer may be found in what was told before */
	bool reached;     /* checker */
};

struct kind {
	const char *key;
	struct phrases phrases;
	enum urgency at_least; /* of a report of this kind */
};

struct hint {
	int lang;
	struct phrases phrases;
};

struct budget {
	int sms, ussd;       /* segments, screens; 0: not given */
	int ussd_path;       /* screens on the longest way; 0: not given */
	int ussd_septets;    /* of one screen */
	const struct yaml_node *ussd_path_at;
	int ussd_path_part;  /* file of ussd_path_at */
};

struct waits {
	int64_t sms_ms, ussd_ms, resume_ms; /* 0: not given */
};

/* One flow of the pack. What it does not say itself it takes from the pack. */
struct part {
	char *file;             /* owned: as findings name it */
	struct yaml_node *root; /* owned */
	const char *name, *title;
	const char *keep;       /* name under which the word that entered it is kept; NULL: it is not */
	int first;              /* its nodes: first .. first + count - 1 */
	size_t count;
	struct waits waits;
	struct budget budget;
	int retries;            /* -1: not given */
	int first_text, safe;   /* node or NOWHERE */
	int *owed;              /* owned */
	size_t owed_count;
	struct text say[SAY_KINDS]; /* at == NULL: not given */
	bool says[SAY_KINDS];       /* its own, not lent by the pack */
};

struct role_start {
	const char *role;
	int part;
};

/* A file with the texts of one language. */
struct lang_file {
	char *name;             /* owned: as findings name it */
	struct yaml_node *root; /* owned: what is left once its texts joined the flows */
};

/* A pack, or a lone flow. */
struct flow {
	uint8_t hash[FLOW_HASH_LEN];
	const char *name;
	char *file;             /* owned: pack.yaml as findings name it; NULL for a lone flow */
	struct yaml_node *root; /* owned: pack.yaml; NULL for a lone flow */
	const char *langs[LANGS_MAX];
	size_t lang_count;
	struct lang_file lang_files[LANGS_MAX];
	size_t lang_file_count;
	bool strip;
	struct part defaults;   /* what pack.yaml gives to every flow */
	struct part parts[PARTS_MAX];
	size_t part_count;
	struct role_start role_starts[ROLES_MAX];
	size_t role_start_count;
	enum urgency default_urgency;
	struct word_classes classes;
	struct phrases triage[URGENCY_KHAN_CAP + 1];
	struct kind *kinds; /* owned */
	size_t kind_count;
	struct phrases others, no_contact, danger_near, discreet, not_after, sayings;
	struct hint *hints; /* owned */
	size_t hint_count;
	struct words words[WORD_KINDS];
	struct node *nodes; /* owned */
	size_t node_count;
	int *names;         /* owned: hash table of nodes by flow and name */
	size_t name_slots;
};

/* ---- load*.c, pack.c, check*.c ---- */

struct loading {
	const char *file; /* of what is being read */
	int part;         /* flow being read, NOWHERE for pack.yaml */
	struct flow *flow;
	struct flow_findings *found;
	bool unsure; /* a key at the top was unknown: what seems missing may be that one, misspelt */
};

/* From here on findings are in the file of that flow; NOWHERE: in pack.yaml. */
void loading_enter(struct loading *in, int part);
void loading_find_at(struct loading *in, unsigned line, unsigned column, const char *code,
                     const char *text);
__attribute__((format(printf, 4, 5)))
void loading_find(struct loading *in, const struct yaml_node *at, const char *code,
                  const char *format, ...);
/* The same with `, did you mean "NEAR"?` behind it; near may be NULL. */
__attribute__((format(printf, 5, 6)))
void loading_find_near(struct loading *in, const struct yaml_node *at, const char *code,
                       const char *near, const char *format, ...);
/* Every key of the map must be one of allowed (ends with NULL): E02. False if it is not a map. */
bool loading_keys(struct loading *in, const struct yaml_node *map, const char *const *allowed);
/* Every key must be one that flow_schema allows there (FLOW_IN_ bits). */
bool loading_keys_in(struct loading *in, const struct yaml_node *map, unsigned where);
/* A scalar's text, or NULL and E12. */
const char *loading_scalar(struct loading *in, const struct yaml_node *node, const char *what);
/* Kept in states and reports, where its length is bounded. */
const char *loading_short(struct loading *in, const struct yaml_node *node, const char *what,
                          size_t max);
/* A whole number of at most six digits from low to high, or NOWHERE and E12. */
int loading_number(struct loading *in, const struct yaml_node *node, int low, int high);
int loading_lang(struct loading *in, const struct yaml_node *key);
int loading_node_ref(struct loading *in, const struct yaml_node *at);
int loading_part_ref(struct loading *in, const struct yaml_node *at);
/* Names and keys are kept in saved states and read by other programs: letters, digits, - and _. */
void loading_name(struct loading *in, const struct yaml_node *key);
/* E08: a text or an answer lacks that language. */
void loading_missing(struct loading *in, const struct yaml_node *at, const char *lang);
void loading_text(struct loading *in, const struct yaml_node *at, struct text *out);
/* {vi: [a, b], any: [c]} or, with no language above it, [a, b]. */
void loading_words(struct loading *in, const struct yaml_node *at, struct words *out);
void loading_word_list(struct loading *in, const struct yaml_node *at, int lang, struct words *out);
void loading_phrases(struct loading *in, const struct yaml_node *at, struct phrases *out);
void loading_wait(struct loading *in, const struct yaml_node *at, struct waits *out);
void loading_budget(struct loading *in, const struct yaml_node *at, struct budget *out);
void loading_say(struct loading *in, const struct yaml_node *at, struct part *out);
void loading_globals(struct loading *in, const struct yaml_node *root); /* load_pack.c */
void loading_languages(struct loading *in); /* load_lang.c */
/* The file that a language comes from; NULL: its texts stand in the flows themselves. */
const struct lang_file *flow_lang_file(const struct flow *flow, const char *lang);
/* Where that language of the text was written. */
const struct yaml_node *text_place(const struct text *text, const char *lang);
void loading_node_names(struct loading *in, const struct yaml_node *at);
void loading_nodes(struct loading *in, const struct yaml_node *at);
void loading_go(struct loading *in, const struct yaml_node *map, const char *key, int *out);
void loading_actions(struct loading *in, const struct yaml_node *at, unsigned *out);
/* `type` and `pick` of a node or of its `ussd`; false if neither stands there. */
bool loading_question(struct loading *in, const struct yaml_node *map, struct question *out);
void loading_check(struct loading *in);
void check_graph(struct loading *in); /* E04 E05 E06 E15 E16 */
void check_reads(struct loading *in); /* E11, E03 and E12 of what is read */
void check_words(struct loading *in); /* E10 E14 E17 E18 */
void check_sizes(struct loading *in); /* E09 E13 */

void words_free(struct words *words);
void text_free(struct text *text);
void node_free(struct node *node);

int flow_find_node(const struct flow *flow, int part, const char *name);
int flow_find_part(const struct flow *flow, const char *name);
int flow_find_lang(const struct flow *flow, const char *lang);
/* A question that keeps its answer under that name, of this flow if it has one; NOWHERE. */
int flow_find_setter(const struct flow *flow, int part, const char *answer);
/* Where a node may lead in its own flow, by a number that counts up; *more false after the last. */
int node_successor(const struct node *node, size_t n, bool *more);

/* The question in force on a channel. */
static inline const struct question *node_question(const struct node *node, bool ussd)
{
	return ussd && node->ussd ? node->ussd : &node->ask;
}

void question_free(struct question *question);

/* ---- conditions (condition.c) ---- */

/* `name op value`, joined by and, or, not and parentheses; `not` binds tightest, then `and`. */
void loading_condition(struct loading *in, const struct yaml_node *at, struct branch *out);
/* An answer not given yet reads as "unknown". */
bool branch_holds(const struct flow *flow, const struct branch *branch, const struct flow_state *state,
                  bool ussd);

/* ---- placeholders in texts: {name}, {name.text}, {name.code}, {ref}, {urgency} ---- */

/* The next "{name}" at or after *p: its length with the braces, 0 if there is none. */
size_t text_next_placeholder(const char **p);

/* ---- texts at their longest (say_worst.c) ---- */

/* The text as it is sent when every placeholder takes the most room, and below it as many answers of
 * the question (NULL: none) as one message of that flow holds, at least one. */
void say_worst(const struct flow *flow, const struct text *text, const struct question *question,
               int part, int lang, struct buf *out);
/* The same for one channel. */
void say_worst_on(const struct flow *flow, const struct text *text, const struct question *question,
                  int part, int lang, bool ussd, struct buf *out);

/* ---- triage.c ---- */

/* A short text with one of the `danger_near` phrases: somebody may be reading along. */
bool triage_danger_near(const struct flow *flow, const char *folded);

/* ---- matching an answer (match.c) ---- */

enum { NO_OPTION = -1 };

/* Index of the option that the reply means, NO_OPTION if none or several. */
int match_option(const struct question *question, const char *reply, const char *folded);
/* The one option named somewhere in a longer text. */
int match_option_within(const struct question *question, const char *folded);
bool match_text(const struct question *question, const char *folded);
/* A whole reply that is one of the words; NULL if it is none. */
const struct word *match_command(const struct words *words, const char *folded);
/* The same: sets *lang to that word's language if it has one. */
bool match_word(const struct words *words, const char *folded, int *lang);
/* A word that the text begins with, more words behind it. */
const struct word *match_prefix(const struct words *words, const char *folded);
/* A reply of one to four digits and nothing else. */
bool match_digits(const char *folded);

/* ---- values (values.c): from a reply to a number, a date, a telephone number ---- */

enum { VALUE_MAX = 24 };

bool value_in_ranges(const struct question *question, long value);
bool value_number(const struct question *question, const char *folded, char out[VALUE_MAX]);
/* A number of years, or a date or year of birth at now_ms. */
bool value_age(const struct question *question, const char *folded, int64_t now_ms,
               char out[VALUE_MAX]);
/* "9 tuoi" somewhere in a story; two different ages are none. */
bool value_age_within(const struct question *question, const char *folded, char out[VALUE_MAX]);
/* "2015-03-05", "2015-03" or "2015". */
bool value_date(const char *folded, int64_t now_ms, char out[VALUE_MAX]);
/* "+84912345678". */
bool value_phone(const char *text, char out[VALUE_MAX]);
/* A code such as ref, "BP-123456", somewhere in a text, or its digits alone; two different ones are none. */
bool value_code(const char *folded, const char *ref, char out[VALUE_MAX]);

/* Units of cost_of() that fit one message, or one screen, of that flow. */
size_t part_limit(const struct part *part, bool ussd, bool ucs2);

#endif
