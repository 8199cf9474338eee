/* The memory of one conversation: bounded answers and texts, and its bytes for the session store. */
#include "flows/engine/state.h"

#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"

enum { STATE_VERSION = 1, NAME_MAX_BYTES = 63 };

static const char magic[4] = {'H', 'F', 'S', STATE_VERSION};

/* ---- answers ---- */

static size_t answer_bytes(const struct flow_state *state)
{
	size_t bytes = 0;

	for (size_t i = 0; i < state->answer_count; i++)
		bytes += strlen(state->answers[i].name) + strlen(state->answers[i].value) +
		         strlen(state->answers[i].text);
	return bytes;
}

static void answer_free(struct answer *answer)
{
	mem_free(answer->name);
	mem_free(answer->value);
	mem_free(answer->text);
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

void state_set_answer(struct flow_state *state, const char *name, const char *value,
                      const char *text)
{
	size_t used, room;

	state_drop_answer(state, name);
	used = answer_bytes(state) + strlen(name);
	if (state->answer_count == ANSWERS_MAX || used > ANSWER_BYTES)
		return;
	room = (ANSWER_BYTES - used) / 2;
	room = room < TEXT_BYTES_MAX ? room : TEXT_BYTES_MAX;
	state->answers[state->answer_count++] = (struct answer){
		.name = mem_strdup(name), .value = fold_clean(value, room), .text = fold_clean(text, room)};
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

void state_add_text(struct flow_state *state, const char *text)
{
	char *copy = fold_clean(text, TEXT_BYTES_MAX);

	while (state->text_count > 1 && (state->text_count == TEXTS_MAX ||
	                                 text_bytes(state) + strlen(copy) > TEXTS_BYTES))
		drop_text(state, 1); /* the opening stays; earlier revisions of the report keep the rest */
	state->texts[state->text_count++] = copy;
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
	state->node = NOWHERE;
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
	FLAGS_ALL = 63
};

static uint8_t flags_of(const struct flow_state *state)
{
	return (uint8_t)((state->opened ? FLAG_OPENED : 0) | (state->ended ? FLAG_ENDED : 0) |
	                 (state->silent ? FLAG_SILENT : 0) |
	                 (state->substantive ? FLAG_SUBSTANTIVE : 0) |
	                 (state->filed ? FLAG_FILED : 0) | (state->reply ? FLAG_REPLY : 0));
}

void flow_state_save(const struct flow_state *state, struct buf *out)
{
	buf_put(out, magic, sizeof magic);
	buf_put(out, state->hash, sizeof state->hash);
	buf_put_str(out, state->ref);
	buf_put_str(out, state->lang);
	buf_put_str(out, state->kind);
	buf_put_u8(out, (uint8_t)state->urgency);
	buf_put_u8(out, (uint8_t)(state->safe + 1));
	buf_put_u16(out, (uint16_t)(state->node + 1));
	buf_put_u32(out, state->turn);
	buf_put_u32(out, state->tries);
	buf_put_u8(out, flags_of(state));
	buf_put_u8(out, (uint8_t)state->id_count);
	buf_put(out, state->ids, state->id_count * ID_LEN);
	buf_put_str(out, state->reply);
	buf_put_u16(out, (uint16_t)state->answer_count);
	for (size_t i = 0; i < state->answer_count; i++) {
		buf_put_str(out, state->answers[i].name);
		buf_put_str(out, state->answers[i].value);
		buf_put_str(out, state->answers[i].text);
	}
	buf_put_u8(out, (uint8_t)state->text_count);
	for (size_t i = 0; i < state->text_count; i++)
		buf_put_str(out, state->texts[i]);
	buf_put_u8(out, (uint8_t)state->path_len);
	for (size_t i = 0; i < state->path_len; i++)
		buf_put_u16(out, state->path[i]);
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

static void load_fixed(struct reader *r, struct flow_state *state)
{
	const uint8_t *bytes = reader_take(r, sizeof state->hash);

	if (bytes)
		memcpy(state->hash, bytes, sizeof state->hash);
	reader_str_into(r, state->ref, sizeof state->ref);
	reader_str_into(r, state->lang, sizeof state->lang);
	reader_str_into(r, state->kind, sizeof state->kind);
	state->urgency = (enum urgency)take_count(r, reader_u8(r), URGENCY_KHAN_CAP);
	state->safe = (int)take_count(r, reader_u8(r), 2) - 1;
	state->node = (int)take_count(r, reader_u16(r), NODES_MAX) - 1;
	state->turn = reader_u32(r);
	state->tries = reader_u32(r);
}

static void load_flags(struct reader *r, struct flow_state *state, bool *replied)
{
	size_t flags = take_count(r, reader_u8(r), FLAGS_ALL);

	state->opened = flags & FLAG_OPENED;
	state->ended = flags & FLAG_ENDED;
	state->silent = flags & FLAG_SILENT;
	state->substantive = flags & FLAG_SUBSTANTIVE;
	state->filed = flags & FLAG_FILED;
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
	}
	count = take_count(r, reader_u8(r), TEXTS_MAX);
	for (size_t i = 0; i < count && !r->bad; i++)
		state->texts[state->text_count++] = take_text(r, TEXT_BYTES_MAX);
	count = take_count(r, reader_u8(r), PATH_MAX_NODES);
	for (size_t i = 0; i < count && !r->bad; i++)
		state->path[state->path_len++] = reader_u16(r);
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
