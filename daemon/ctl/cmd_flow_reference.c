/* hotlinectl flow reference: all that an author may write, from the tables by which the loader reads. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "ctl/ctl.h"
#include "flows/engine/flow.h"

struct chapter {
	unsigned in; /* one FLOW_IN_ bit */
	const char *title, *about;
};

static const struct chapter chapters[] = {
	{FLOW_IN_PACK, "pack.yaml", "What all flows of a folder share. A lone flow file holds these keys itself."},
	{FLOW_IN_FLOW, "A flow's file", "What it does not say itself, it takes from `pack.yaml`."},
	{FLOW_IN_LANG, "A language's file", "A language may have a file of its own beside `pack.yaml`, of any name: it holds "
	                "every text\nand word in the places where the flows have them, one level flatter, since the "
	                "language is known."},
	{FLOW_IN_WAIT, "`wait:`", NULL},
	{FLOW_IN_BUDGET, "`budget:`", "A text that is longer is an error (E09), and so is a longer way (E13)."},
	{FLOW_IN_TRIAGE, "`triage:`", NULL},
	{FLOW_IN_WORDS, "`words:`", "Commands, in every flow and at every question. Accents and case do not matter."},
	{FLOW_IN_FLOW_WORDS, "`words:` of one flow", NULL},
	{FLOW_IN_SAY, "`say:`", "Texts that belong to no node."},
	{FLOW_IN_ASK, "A node with `ask:`", "Asks, and waits for the answer. It has `type:` or `pick:`. A question whose "
	                                    "answer is known is passed."},
	{FLOW_IN_OPTION, "An answer of `pick:`", "Beside the words of each language, and of `any:` language:"},
	{FLOW_IN_FROM, "`pick:` over places", NULL},
	{FLOW_IN_USSD, "`ussd:` of a node", "The same node as it is on USSD."},
	{FLOW_IN_TELL, "A node with `tell:`", NULL},
	{FLOW_IN_WHEN, "A node with `when:`", NULL},
	{FLOW_IN_BRANCH, "A branch of `when:`", NULL},
	{FLOW_IN_CALL, "A node with `call:`", NULL},
	{FLOW_IN_DO, "A node with `do:` alone", NULL},
	{FLOW_IN_END, "A node with `end:`", NULL},
};

static const char head[] =
	"# Reference of the flow language\n\n"
	"Made by `hotlinectl flow reference` from the tables by which flows are read; do not edit. To learn the\n"
	"language, begin with [flow-language.md](flow-language.md); what a finding means says\n"
	"[flow-errors.md](flow-errors.md).\n\n"
	"Files are YAML without anchors, aliases, tags, tabs and duplicate keys. Every value is text: `no`, `0`\n"
	"and `1e3` stay what was written. A *text* is `{vi: \"...\", en: \"...\"}`, in every language of the pack.\n"
	"Names of nodes, answers and flows are letters without accents, digits, `-` and `_`.\n";

static const char foot[] =
	"\n## Placeholders in texts\n\n"
	"| written | becomes |\n|---|---|\n"
	"| `{ref}` | the code of the report, such as BP-123456 |\n"
	"| `{urgency}` | how urgent it is by now |\n"
	"| `{NODE}` | the answer to that question: the label of a menu answer, the name of a place |\n"
	"| `{NODE.text}` | the reporter's own words for it |\n"
	"| `{NODE.code}` | the answer as it is kept: key, code of the place, date |\n"
	"\n## Conditions\n\n"
	"`NAME OP VALUE`, joined by `and`, `or`, `not` and parentheses; `not` binds tightest, then `and`.\n"
	"OP is `=`, `!=`, `<`, `<=`, `>` or `>=`. NAME is a question, or one of:\n\n"
	"| name | values |\n|---|---|\n"
	"| `urgency` | khong, thap, trung_binh, cao, khan_cap |\n"
	"| `kind` | a key of `kinds:`, or khong_ro |\n"
	"| `language` | one of `languages:` |\n"
	"| `role` | who writes: citizen, or another role that the daemon knows of them, such as member |\n"
	"| `channel` | sms, ussd |\n\n"
	"An answer that was not given yet reads as `unknown`.\n"
	"\n## Phrases\n\n"
	"In `triage`, `kinds`, `others`, `not_after`, `sayings`, `no_contact`, `danger_near`, `discreet` and `hints`. A\n"
	"phrase matches whole words anywhere in a text, in their order. A word that the sender wrote with accents must have\n"
	"those of the phrase; one without accents matches any, unless at least half of the words of the text have\n"
	"accents. A phrase of `triage` or `kinds` does not count directly after one of `not_after`, no comma between:\n"
	"\"không bị đánh\" raises nothing; and no word of `sayings` counts for it: \"đánh răng\" is no beating.\n\n"
	"| written | means |\n|---|---|\n"
	"| `cầm dao` | these words, one after the other |\n"
	"| `nhốt ... không cho ăn` | up to eight other words in between |\n"
	"| `lấy roi .. đánh` | up to three |\n"
	"| `<hit> .. <child>` | any word of the class of that name under `classes`, also with others: `<child>/vợ` |\n"
	"| `gả & tuổi` | both, anywhere in the text, in whatever order |\n"
	"| `cứu con/em/cháu` | one of these words at that place |\n"
	"| `^đừng gọi$` | `^`: nothing stands before; `$`: nothing behind |\n"
	"| `=sờ` | only where the sender wrote the accents (\"so\" may be a number) |\n"
	"| `siêu nhân *4` | in `kinds`: counts as four words; in `others`: from 8 on it leaves no doubt, and only khan_cap makes the text a report |\n"
	"| `đánh ! đánh răng \\| đánh giày` | not where it is part of one of the phrases behind `!` |\n"
	"\n## Limits\n\n"
	"1 MiB a file, 4096 nodes a pack, 32 flows a pack, 20 answers a menu, 100 nodes passed between two\n"
	"questions, flows called six deep, 64 KiB of state for one conversation.\n";

/* A cell of a Markdown table. */
static void put_cell(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_printf(out, *text == '|' ? "\\|" : "%c", *text);
}

static void put_row(struct buf *out, const char *key, const char *value, const char *help)
{
	buf_printf(out, "| `%s` | `", key);
	put_cell(out, value);
	buf_printf(out, "` | ");
	put_cell(out, help);
	buf_printf(out, " |\n");
}

static void put_chapter(struct buf *out, const struct chapter *chapter)
{
	buf_printf(out, "\n## %s\n\n", chapter->title);
	if (chapter->about)
		buf_printf(out, "%s\n\n", chapter->about);
	buf_printf(out, "| key | value | meaning |\n|---|---|---|\n");
	for (const struct flow_key *k = flow_schema; k->key; k++)
		if (k->in & chapter->in)
			put_row(out, k->key, k->value, k->help);
}

static void put_types(struct buf *out)
{
	buf_printf(out, "\n## Types of answers\n\n| type | written | takes |\n|---|---|---|\n");
	for (const struct flow_type *t = flow_types; t->name; t++)
		put_row(out, t->name, t->value, t->help);
}

int cmd_flow_reference(int argc, char **argv)
{
	static const struct ctl_option options[] = {{.name = NULL}};
	struct buf out = {0};

	if (!ctl_parse(argc, argv, 2, options, NULL, 0, 0))
		return CTL_USAGE;
	buf_printf(&out, "%s", head);
	for (size_t i = 0; i < sizeof chapters / sizeof *chapters; i++)
		put_chapter(&out, &chapters[i]);
	put_types(&out);
	buf_printf(&out, "%s", foot);
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
	return CTL_OK;
}
