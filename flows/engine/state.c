/* The memory of one conversation: bounded answers and texts, and its bytes for the session store. */
#include "flows/engine/state.h"

#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

enum { STATE_VERSION = 2, NAME_MAX_BYTES = 63, MATCHES_MAX_BYTES = 79 };

static const char magic[4] = {'H', 'F', 'S', STATE_VERSION};

/* ---- answers ---- */

static size_t answer_bytes(const struct flow_state *state)
{
	size_t bytes = 0;

	for (size_t i = 0; i < state->answer_count; i++)
		bytes += strlen(state->answers[i].name) + strlen(state->answers[i].value) +
		         strlen(state->answers[i].text) + strlen(state->answers[i].matches);
	return bytes;
}

static void answer_free(struct answer *answer)
{
	mem_free(answer->name);
	mem_free(answer->value);
	mem_free(answer->text);
	mem_free(answer->matches);
}

const struct answer *state_answer(const struct flow_state *state, const char *name)
{
	for (size_t i = 0; i < state->answer_count; i++)
		if (!strcmp(state->answers[i].name, name))
			return &state->answers[i];
	return NULL;
}

void state_drop_answer(struct flow_state *state, const char *name)
{
	const struct answer *found = state_answer(state, name);
	size_t at = found ? (size_t)(found - state->answers) : 0;

	if (!found)
		return;
	answer_free(&state->answers[at]);
	state->answer_count--;
	memmove(&state->answers[at], &state->answers[at + 1],
	        (state->answer_count - at) * sizeof *state->answers);
}

static void set(struct flow_state *state, const char *name, const char *value, const char *text,
                const char *matches)
{
	size_t used, room;

	state_drop_answer(state, name);
	used = answer_bytes(state) + strlen(name) + MATCHES_MAX_BYTES;
	if (state->answer_count == ANSWERS_MAX || used > ANSWER_BYTES)
		return;
	room = (ANSWER_BYTES - used) / 2;
	room = room < TEXT_BYTES_MAX ? room : TEXT_BYTES_MAX;
	state->answers[state->answer_count++] = (struct answer){
		.name = mem_strdup(name), .value = fold_clean(value, room),
		.text = fold_clean(text, room), .matches = fold_clean(matches, MATCHES_MAX_BYTES)};
}

void state_set_answer(struct flow_state *state, const char *name, const char *value,
                      const char *text)
{
	set(state, name, value, text, "");
}

void state_set_matches(struct flow_state *state, const char *name, const char *matches,
                       const char *text)
{
	set(state, name, "unknown", text, matches);
}

/* ---- texts ---- */

static size_t text_bytes(const struct flow_state *state)
{
	size_t bytes = 0;

	for (size_t i = 0; i < state->text_count; i++)
		bytes += strlen(state->texts[i]);
	return bytes;
}

static void drop_text(struct flow_state *state, size_t at)
{
	mem_free(state->texts[at]);
	state->text_count--;
	memmove(&state->texts[at], &state->texts[at + 1],
	        (state->text_count - at) * sizeof *state->texts);
}

static const char cut_mark[] = " [...]";

enum { PIECE_BYTES_MAX = TEXT_BYTES_MAX - sizeof cut_mark };

static void mark_cut(struct flow_state *state)
{
	char *last = state->texts[state->text_count - 1];

	state->texts[state->text_count - 1] = mem_printf("%s%s", last, cut_mark);
	mem_free(last);
}

/* Makes room for a piece at the cost of older texts, but for the opening; false if that is not enough.
 * own: index of the first piece of the text that is being added. */
static bool make_room(struct flow_state *state, size_t len, size_t *own)
{
	while (state->text_count && (state->text_count == TEXTS_MAX ||
	                             text_bytes(state) + len + sizeof cut_mark > TEXTS_BYTES)) {
		if (*own < 2)
			return false;
		drop_text(state, 1); /* earlier revisions of the report keep it */
		--*own;
	}
	return true;
}

void state_add_text(struct flow_state *state, const char *text)
{
	size_t own = state->text_count;
	char *piece;

	do {
		piece = fold_clean(text, PIECE_BYTES_MAX);
		if (!make_room(state, strlen(piece), &own)) {
			mem_free(piece);
			mark_cut(state);
			return;
		}
		text += strlen(piece);
		state->texts[state->text_count++] = piece;
	} while (*text);
}

/* ---- ids of events ---- */

static bool is_id(const uint8_t id[ID_LEN])
{
	static const uint8_t none[ID_LEN];

	return memcmp(id, none, ID_LEN) != 0;
}

bool state_seen(const struct flow_state *state, const uint8_t id[ID_LEN])
{
	for (size_t i = 0; is_id(id) && i < state->id_count; i++)
		if (!memcmp(state->ids[i], id, ID_LEN))
			return true;
	return false;
}

void state_add_id(struct flow_state *state, const uint8_t id[ID_LEN])
{
	if (!is_id(id))
		return;
	memmove(state->ids[1], state->ids[0], (IDS_MAX - 1) * ID_LEN);
	memcpy(state->ids[0], id, ID_LEN);
	if (state->id_count < IDS_MAX)
		state->id_count++;
}

/* ---- life ---- */

struct flow_state *flow_state_new(const struct flow *flow, const char *ref, const char *lang)
{
	struct flow_state *state = mem_alloc(sizeof *state);

	memcpy(state->hash, flow->hash, sizeof state->hash);
	strncpy(state->ref, ref, sizeof state->ref - 1);
	strncpy(state->lang, lang, sizeof state->lang - 1);
	strncpy(state->kind, "khong_ro", sizeof state->kind - 1);
	state->safe = -1;
	state->part = state->node = NOWHERE;
	return state;
}

void flow_state_free(struct flow_state *state)
{
	if (!state)
		return;
	for (size_t i = 0; i < state->answer_count; i++)
		answer_free(&state->answers[i]);
	for (size_t i = 0; i < state->text_count; i++)
		mem_free(state->texts[i]);
	mem_free(state->reply);
	mem_free(state);
}

const uint8_t *flow_state_flow_hash(const struct flow_state *state)
{
	return state->hash;
}

bool flow_state_ended(const struct flow_state *state)
{
	return state->ended;
}

bool flow_state_silent(const struct flow_state *state)
{
	return state->silent;
}

/* ---- bytes: magic and version, fixed fields, then counted lists ---- */

enum {
	FLAG_OPENED = 1,
	FLAG_ENDED = 2,
	FLAG_SILENT = 4,
	FLAG_SUBSTANTIVE = 8,
	FLAG_FILED = 16,
	FLAG_REPLY = 32,
	FLAG_USSD = 64,
	FLAG_DROPPED = 128,
	FLAG_RESUMING = 256,
	FLAG_ACCENTS = 512,
	FLAGS_ALL = 1023
};

static uint16_t flags_of(const struct flow_state *state)
{
	return (uint16_t)((state->opened ? FLAG_OPENED : 0) | (state->ended ? FLAG_ENDED : 0) |
	                 (state->silent ? FLAG_SILENT : 0) |
	                 (state->substantive ? FLAG_SUBSTANTIVE : 0) |
	                 (state->filed ? FLAG_FILED : 0) | (state->reply ? FLAG_REPLY : 0) |
	                 (state->ussd ? FLAG_USSD : 0) | (state->dropped ? FLAG_DROPPED : 0) |
	                 (state->resuming ? FLAG_RESUMING : 0) | (state->accents ? FLAG_ACCENTS : 0));
}

static void put_calls(struct buf *out, const uint16_t calls[CALLS_MAX], size_t depth)
{
	buf_put_u8(out, (uint8_t)depth);
	for (size_t i = 0; i < depth; i++)
		buf_put_u16(out, calls[i]);
}

void flow_state_save(const struct flow_state *state, struct buf *out)
{
	buf_put(out, magic, sizeof magic);
	buf_put(out, state->hash, sizeof state->hash);
	buf_put_str(out, state->ref);
	buf_put_str(out, state->lang);
	buf_put_str(out, state->kind);
	buf_put_str(out, state->role);
	buf_put_u8(out, (uint8_t)(state->part + 1));
	buf_put_u8(out, (uint8_t)state->page_from);
	buf_put_u8(out, (uint8_t)state->page_to);
	put_calls(out, state->calls, state->call_depth);
	buf_put_u8(out, (uint8_t)state->urgency);
	buf_put_u8(out, (uint8_t)(state->safe + 1));
	buf_put_u16(out, (uint16_t)(state->node + 1));
	buf_put_u32(out, state->turn);
	buf_put_u32(out, state->tries);
	buf_put_u16(out, flags_of(state));
	buf_put_u8(out, (uint8_t)state->id_count);
	buf_put(out, state->ids, state->id_count * ID_LEN);
	buf_put_str(out, state->reply);
	buf_put_u16(out, (uint16_t)state->answer_count);
	for (size_t i = 0; i < state->answer_count; i++) {
		buf_put_str(out, state->answers[i].name);
		buf_put_str(out, state->answers[i].value);
		buf_put_str(out, state->answers[i].text);
		buf_put_str(out, state->answers[i].matches);
	}
	buf_put_u8(out, (uint8_t)state->text_count);
	for (size_t i = 0; i < state->text_count; i++)
		buf_put_str(out, state->texts[i]);
	buf_put_u8(out, (uint8_t)state->path_len);
	for (size_t i = 0; i < state->path_len; i++) {
		buf_put_u16(out, state->path[i].node);
		put_calls(out, state->path[i].calls, state->path[i].depth);
	}
}

/* A count from outside: one above max spoils the reader. */
static size_t take_count(struct reader *r, size_t count, size_t max)
{
	if (count <= max)
		return count;
	r->bad = true;
	r->left = 0;
	return 0;
}

static char *take_text(struct reader *r, size_t max)
{
	char *text = reader_str(r), *clean = fold_clean(text, max);

	/* what was saved is clean and bounded: anything else is no state of ours */
	if (strcmp(text, clean))
		take_count(r, 1, 0);
	mem_free(text);
	return clean;
}

static size_t take_calls(struct reader *r, uint16_t calls[CALLS_MAX])
{
	size_t depth = take_count(r, reader_u8(r), CALLS_MAX);

	for (size_t i = 0; i < depth; i++)
		calls[i] = (uint16_t)take_count(r, reader_u16(r), NODES_MAX - 1);
	return depth;
}

static void load_fixed(struct reader *r, struct flow_state *state)
{
	const uint8_t *bytes = reader_take(r, sizeof state->hash);

	if (bytes)
		memcpy(state->hash, bytes, sizeof state->hash);
	reader_str_into(r, state->ref, sizeof state->ref);
	reader_str_into(r, state->lang, sizeof state->lang);
	reader_str_into(r, state->kind, sizeof state->kind);
	reader_str_into(r, state->role, sizeof state->role);
	state->part = (int)take_count(r, reader_u8(r), PARTS_MAX) - 1;
	state->page_from = take_count(r, reader_u8(r), OPTIONS_MAX);
	state->page_to = take_count(r, reader_u8(r), OPTIONS_MAX);
	state->call_depth = take_calls(r, state->calls);
	state->urgency = (enum urgency)take_count(r, reader_u8(r), URGENCY_KHAN_CAP);
	state->safe = (int)take_count(r, reader_u8(r), 2) - 1;
	state->node = (int)take_count(r, reader_u16(r), NODES_MAX) - 1;
	state->turn = reader_u32(r);
	state->tries = reader_u32(r);
}

static void load_flags(struct reader *r, struct flow_state *state, bool *replied)
{
	size_t flags = take_count(r, reader_u16(r), FLAGS_ALL);

	state->opened = flags & FLAG_OPENED;
	state->ended = flags & FLAG_ENDED;
	state->silent = flags & FLAG_SILENT;
	state->substantive = flags & FLAG_SUBSTANTIVE;
	state->filed = flags & FLAG_FILED;
	state->ussd = flags & FLAG_USSD;
	state->dropped = flags & FLAG_DROPPED;
	state->resuming = flags & FLAG_RESUMING;
	state->accents = flags & FLAG_ACCENTS;
	*replied = flags & FLAG_REPLY;
}

static void load_lists(struct reader *r, struct flow_state *state)
{
	size_t count = take_count(r, reader_u16(r), ANSWERS_MAX);

	for (size_t i = 0; i < count && !r->bad; i++) {
		struct answer *answer = &state->answers[state->answer_count++];

		answer->name = take_text(r, NAME_MAX_BYTES);
		answer->value = take_text(r, TEXT_BYTES_MAX);
		answer->text = take_text(r, TEXT_BYTES_MAX);
		answer->matches = take_text(r, MATCHES_MAX_BYTES);
	}
	count = take_count(r, reader_u8(r), TEXTS_MAX);
	for (size_t i = 0; i < count && !r->bad; i++)
		state->texts[state->text_count++] = take_text(r, TEXT_BYTES_MAX);
	count = take_count(r, reader_u8(r), PATH_MAX_NODES);
	for (size_t i = 0; i < count && !r->bad; i++) {
		struct asked *asked = &state->path[state->path_len++];

		asked->node = reader_u16(r);
		asked->depth = (uint8_t)take_calls(r, asked->calls);
	}
}

struct flow_state *flow_state_load(const void *bytes, size_t len)
{
	struct reader r = reader_of(bytes, len);
	struct flow_state *state;
	const uint8_t *start = reader_take(&r, sizeof magic), *ids;
	bool replied;

	if (!start || memcmp(start, magic, sizeof magic) || len > FLOW_STATE_MAX)
		return NULL;
	state = mem_alloc(sizeof *state);
	load_fixed(&r, state);
	load_flags(&r, state, &replied);
	state->id_count = take_count(&r, reader_u8(&r), IDS_MAX);
	ids = reader_take(&r, state->id_count * ID_LEN);
	if (ids)
		memcpy(state->ids, ids, state->id_count * ID_LEN);
	state->reply = take_text(&r, REPLY_MAX);
	if (!replied) {
		mem_free(state->reply);
		state->reply = NULL;
	}
	load_lists(&r, state);
	if (!r.bad && r.left == 0 && answer_bytes(state) <= ANSWER_BYTES &&
	    text_bytes(state) <= TEXTS_BYTES)
		return state;
	flow_state_free(state);
	return NULL;
}

/* ---- the report ---- */

void flow_report(const struct flow *flow, const struct flow_state *state, struct flow_report *out)
{
	*out = (struct flow_report){
		.substantive = state->substantive,
		.partial = !state->filed,
		.urgency = state->urgency,
		.kind = state->kind,
		.flow = state->part >= 0 && state->part < (int)flow->part_count
		                ? flow->parts[state->part].name : flow->parts[0].name,
		.lang = state->lang[0] ? state->lang : flow->langs[0],
		.safe_contact = state->safe,
		.turn = state->turn,
		.answers = mem_array(NULL, state->answer_count + 1, sizeof *out->answers),
		.answer_count = state->answer_count,
		.texts = mem_array(NULL, state->text_count + 1, sizeof *out->texts),
		.text_count = state->text_count,
	};
	for (size_t i = 0; i < state->answer_count; i++)
		out->answers[i] = (struct flow_answer){.name = state->answers[i].name,
		                                       .value = state->answers[i].value,
		                                       .text = state->answers[i].text};
	for (size_t i = 0; i < state->text_count; i++)
		out->texts[i] = state->texts[i];
}

void flow_report_fini(struct flow_report *report)
{
	mem_free(report->answers);
	mem_free(report->texts);
	*report = (struct flow_report){0};
}
