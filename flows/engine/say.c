/* The wording of what is sent: language, placeholders, numbered answers. */
#include <string.h>

#include "base/mem.h"
#include "flows/engine/fold.h"
#include "flows/engine/model.h"
#include "flows/engine/state.h"

/* Longest that an answer is quoted in a text. */
enum { QUOTE_BYTES = 40, PLACEHOLDER_MAX = 64 };

int say_lang(const struct flow *flow, const struct flow_state *state)
{
	for (size_t i = 0; i < flow->lang_count; i++)
		if (!strcmp(flow->langs[i], state->lang))
			return (int)i;
	return 0;
}

static const char *label_of(const struct option *option, int lang)
{
	for (size_t i = 0; i < option->words.count; i++)
		if (option->words.items[i].lang == lang)
			return option->words.items[i].text;
	return option->key;
}

static void quote_answer(const struct flow *flow, const struct flow_state *state, int index,
                         struct buf *out)
{
	const struct node *node = &flow->nodes[index];
	const struct answer *answer = state_answer(state, node->name);
	char *quote;

	if (!answer)
		return;
	for (size_t i = 0; i < node->option_count; i++)
		if (!strcmp(node->options[i].key, answer->value)) {
			buf_printf(out, "%s", label_of(&node->options[i], say_lang(flow, state)));
			return;
		}
	quote = fold_clean(answer->value, QUOTE_BYTES);
	buf_printf(out, "%s", quote);
	mem_free(quote);
}

/* Text between braces; what is no placeholder stands as it was written. */
static void put_placeholder(const struct flow *flow, const struct flow_state *state,
                            const char *name, size_t len, struct buf *out)
{
	char word[PLACEHOLDER_MAX];
	int node;

	if (len >= sizeof word)
		return;
	memcpy(word, name, len);
	word[len] = '\0';
	node = flow_find_node(flow, word);
	if (!strcmp(word, "ref"))
		buf_printf(out, "%s", state->ref);
	else if (!strcmp(word, "urgency"))
		buf_printf(out, "%s", urgency_name(state->urgency));
	else if (node != NOWHERE)
		quote_answer(flow, state, node, out);
}

void say_text(const struct flow *flow, const struct flow_state *state, const struct text *text,
              struct buf *out)
{
	const char *p = text->by_lang[say_lang(flow, state)], *open, *close;

	if (!p || !*p)
		return;
	if (out->len)
		buf_put_u8(out, '\n');
	while ((open = strchr(p, '{'))) {
		close = strpbrk(open + 1, "{} ");
		buf_put(out, p, (size_t)(open - p));
		p = open + 1;
		if (!close || *close != '}') {
			buf_put_u8(out, '{');
			continue;
		}
		put_placeholder(flow, state, open + 1, (size_t)(close - open - 1), out);
		p = close + 1;
	}
	buf_put(out, p, strlen(p));
}

void say_question(const struct flow *flow, const struct flow_state *state, const struct node *node,
                  struct buf *out)
{
	say_text(flow, state, &node->text, out);
	for (size_t i = 0; i < node->option_count; i++)
		buf_printf(out, "\n%zu %s", i + 1, label_of(&node->options[i], say_lang(flow, state)));
}
