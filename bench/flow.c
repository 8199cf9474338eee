/* How many steps a second the flow engine takes on one core: menu answers, free texts with triage and
 * places, and how long a large flow takes to load.
 * usage: bench/flow PACK TEXTS   (TEXTS: tests/data/vn-sms-examples.tsv) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/flow_places.h"
#include "flows/engine/flow.h"

enum { TEXTS_MAX = 1000, LINE_MAX_BYTES = 65536, LARGE_NODES = 1000, TEXT_COLUMN = 3 };

static const double SECONDS = 2.0;
static const int64_t NOW_MS = INT64_C(1767225600000);

static const char menu_flow[] = "flow: menu\nlanguages: [vi]\nwait: {sms: 24h}\nretries: 2\n"
				"words: {back: {any: [\"00\"]}}\nnodes:\n"
				"  a:\n    ask: {vi: \"Có cần giúp ngay không?\"}\n"
				"    pick:\n      yes: {vi: [Có]}\n      no: {vi: [Không]}\n    go: b\n"
				"  b:\n    ask: {vi: \"Có an toàn không?\"}\n"
				"    pick:\n      yes: {vi: [Có]}\n      no: {vi: [Không]}\n    go: c\n"
				"  c:\n    end: {vi: \"Đã nhận.\"}\n";

/* Joins the pack: a story is triaged and its place looked up in one step. */
static const char story_flow[] = "%%file zz-bench.yaml\nflow: zz-bench\nfirst_text: what\n"
				 "words: {start: {any: [zzbench]}}\nretries: 0\nnodes:\n"
				 "  what:\n    ask: {vi: \"Kể đi.\", en: \"Tell.\"}\n    type: text\n    go: where\n"
				 "  where:\n    ask: {vi: \"Ở đâu?\", en: \"Where?\"}\n    type: place\n"
				 "    from_text: yes\n    tired: done\n    go: done\n"
				 "  done:\n    end: {vi: \"Xong.\", en: \"Done.\"}\n";

struct bench {
	const struct flow *flow;
	struct flow_world world;
	char *texts[TEXTS_MAX]; /* owned */
	size_t text_count;
	uint64_t events;
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void say(struct bench *b, struct flow_state *state, const char *text)
{
	struct flow_event event = {.kind = FLOW_EV_TEXT, .text = text, .world = &b->world};
	struct flow_effects effects;

	b->events++;
	memcpy(event.id, &b->events, sizeof b->events);
	flow_step(b->flow, state, &event, NOW_MS, &effects);
	flow_effects_fini(&effects);
}

/* A menu is answered, and taken back: two steps a turn. */
static double menu_steps(struct bench *b)
{
	struct flow_state *state = flow_state_new(b->flow, "BP-123456", "");
	double begin = now_s(), spent;
	uint64_t before;

	say(b, state, "1");
	before = b->events;
	do {
		for (int i = 0; i < 1000; i++) {
			say(b, state, "2");
			say(b, state, "00");
		}
		spent = now_s() - begin;
	} while (spent < SECONDS);
	flow_state_free(state);
	return (double)(b->events - before) / spent;
}

/* Every text is the story of a conversation of its own; only that step counts. */
static double text_steps(struct bench *b)
{
	double begin = now_s(), spent;
	uint64_t before = b->events, started = 0;
	struct flow_state *state;

	do {
		for (size_t i = 0; i < b->text_count; i++) {
			state = flow_state_new(b->flow, "BP-123456", "");
			say(b, state, "zzbench");
			say(b, state, b->texts[i]);
			started++;
			flow_state_free(state);
		}
		spent = now_s() - begin;
	} while (spent < SECONDS);
	return (double)(b->events - before - started) / spent;
}

static struct flow *load_stories(const char *dir, struct flow_findings *found)
{
	struct buf bytes = {0};
	struct flow *flow = NULL;

	if (flow_bundle(dir, &bytes, found)) {
		buf_put(&bytes, story_flow, sizeof story_flow - 1);
		flow = flow_load(dir, (const char *)bytes.data, bytes.len, found);
	}
	buf_free(&bytes);
	return flow;
}

static void put_large(struct buf *out)
{
	buf_printf(out, "flow: large\nlanguages: [vi, en]\nwait: {sms: 24h}\nretries: 2\nnodes:\n");
	for (int i = 0; i < LARGE_NODES - 1; i++)
		buf_printf(out,
			   "  n%d:\n    ask: {vi: \"Câu hỏi số %d?\", en: \"Question number %d?\"}\n"
			   "    pick:\n      yes: {vi: [Có], en: [\"Yes\"]}\n"
			   "      no: {vi: [Không], en: [\"No\"]}\n    go: n%d\n",
			   i, i, i, i + 1);
	buf_printf(out, "  n%d:\n    end: {vi: \"Đã nhận.\", en: \"Received.\"}\n", LARGE_NODES - 1);
}

static double load_ms(void)
{
	struct flow_findings found = {0};
	struct buf text = {0};
	struct flow *flow;
	double begin, spent;

	put_large(&text);
	begin = now_s();
	flow = flow_load("large.yaml", (const char *)text.data, text.len, &found);
	spent = now_s() - begin;
	if (!flow)
		fprintf(stderr, "the large flow does not load: %s\n", found.count ? found.items[0].text : "");
	flow_free(flow);
	flow_findings_fini(&found);
	buf_free(&text);
	return spent * 1000;
}

/* The n-th column of a line, or NULL; what follows it is cut off. */
static char *column(char *line, int n)
{
	for (; n > 0; n--) {
		line = strchr(line, '\t');
		if (!line)
			return NULL;
		line++;
	}
	line[strcspn(line, "\t\n")] = '\0';
	return line;
}

static bool read_texts(struct bench *b, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = mem_alloc(LINE_MAX_BYTES), *text;

	while (file && b->text_count < TEXTS_MAX && fgets(line, LINE_MAX_BYTES, file)) {
		text = line[0] == '#' ? NULL : column(line, TEXT_COLUMN);
		if (!text)
			continue;
		b->texts[b->text_count++] = mem_strdup(text);
	}
	if (file)
		fclose(file);
	mem_free(line);
	return b->text_count > 0;
}

int main(int argc, char **argv)
{
	struct bench b = {.world = {.places = flow_places_vn()}};
	struct flow_findings found = {0};
	struct flow *menu = flow_load("menu.yaml", menu_flow, strlen(menu_flow), &found);
	struct flow *pack = argc == 3 ? load_stories(argv[1], &found) : NULL;
	int status = EXIT_FAILURE;

	if (menu && pack && read_texts(&b, argv[2])) {
		b.flow = menu;
		printf("menu answers\t%.0f steps/s\n", menu_steps(&b));
		b.flow = pack;
		printf("free texts\t%.0f steps/s\n", text_steps(&b));
		printf("%d nodes\t%.1f ms to load and check\n", LARGE_NODES, load_ms());
		status = EXIT_SUCCESS;
	} else {
		fprintf(stderr, "usage: bench/flow PACK TEXTS%s%s\n", found.count ? "\n" : "",
			found.count ? found.items[0].text : "");
	}
	for (size_t i = 0; i < b.text_count; i++)
		mem_free(b.texts[i]);
	flow_findings_fini(&found);
	flow_free(menu);
	flow_free(pack);
	return status;
}
