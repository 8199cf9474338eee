/* What each part of one message's path costs when nothing else runs: processor time and the rate that
 * this part alone would allow. The stores' own parts are measured by tests/bench/run.
 * usage: cost DIALOGUE FLOWS KEYS SPOOL   (KEYS: as `hotlinectl keys init` makes them; SPOOL: a folder) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/smpp/pdu.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/charset.h"
#include "core/flow_places.h"
#include "core/number.h"
#include "core/places.h"
#include "dialogue.h"
#include "flows/engine/flow.h"
#include "store/spool.h"
#include "store/vault.h"

enum {
	SPOOL_WINDOW = 256,
	SPOOL_RECORDS = 40000,
	SEGMENT_BYTES = 64 * 1024 * 1024,
	/* sizes seen in the dialogue of the benchmark */
	SPOOLED_BYTES = 330,
	STATE_BYTES = 900,
	ENTRY_BYTES = 1500,
	REPORT_BYTES = 400
};

static const int64_t NOW_MS = INT64_C(1767225600000);
static const double SECONDS = 0.5;

struct cost {
	struct dialogue dialogue;
	char *texts[DIALOGUE_TURNS_MAX]; /* owned, UTF-8 */
	struct flow *flow;               /* owned */
	struct vault *vault;             /* owned */
	uint8_t bytes[4096];
	struct buf out;
	/* spool */
	struct loop *loop;
	struct spool *spool;
	unsigned appended, written;
};

static double clock_s(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print_row(const char *name, double cpu_us, double wall_us)
{
	printf("  %-44s %8.2f us CPU  %10.0f/s alone\n", name, cpu_us, 1e6 / wall_us);
}

/* Runs the part for half a second; `each` messages are worked on in one call. */
static void measure(const char *name, struct cost *c, void (*part)(struct cost *c), double each)
{
	double cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID), wall = clock_s(CLOCK_MONOTONIC), spent;
	double calls = 0;

	do {
		for (int i = 0; i < 100; i++)
			part(c);
		calls += 100;
		spent = clock_s(CLOCK_MONOTONIC) - wall;
	} while (spent < SECONDS);
	cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	print_row(name, cpu * 1e6 / calls / each, spent * 1e6 / calls / each);
}

/* ---- parts ---- */

static void code_pdus(struct cost *c)
{
	const struct dialogue_turn *turn = &c->dialogue.turns[0];
	struct octets body = {turn->parts[0].octets, turn->parts[0].len};
	struct pdu pdu = {.command_id = PDU_DELIVER_SM, .sequence_number = 7, .source_addr_ton = 1,
			  .source_addr = octets_of("84912345678"), .destination_addr = octets_of("111"),
			  .short_message = body};
	struct pdu got;

	for (int i = 0; i < 2; i++) { /* deliver_sm in, submit_sm out, and their answers */
		buf_clear(&c->out);
		pdu.command_id = i ? PDU_SUBMIT_SM : PDU_DELIVER_SM;
		pdu_encode(&pdu, &c->out);
		pdu_decode(c->out.data, c->out.len, &got);
		buf_clear(&c->out);
		got = (struct pdu){.command_id = pdu.command_id | PDU_RESPONSE,
				   .message_id = octets_of("1a2b3c")};
		pdu_encode(&got, &c->out);
		pdu_decode(c->out.data, c->out.len, &got);
	}
}

static void code_texts(struct cost *c)
{
	const struct dialogue_turn *turn = &c->dialogue.turns[0];
	struct charset_parts parts;

	buf_clear(&c->out);
	charset_to_utf8(turn->ucs2 ? ALPHABET_UTF16 : ALPHABET_GSM7, turn->parts[0].octets,
			turn->parts[0].len, &c->out);
	charset_split("Da nhan tin. Co can nguoi den giup ngay luc nay khong?\n1 Co\n2 Khong",
		      ALPHABET_GSM7, 8, 10, &parts);
	charset_parts_free(&parts);
}

static void read_number(struct cost *c)
{
	struct number number;

	(void)c;
	number_parse("84912345678", 1, "VN", &number);
}

static void play(struct cost *c)
{
	struct flow_world world = {.places = flow_places_vn()};
	struct flow_state *state = flow_state_new(c->flow, "BP-123456", "");

	for (unsigned i = 0; i < c->dialogue.count; i++) {
		struct flow_event event = {.kind = FLOW_EV_TEXT, .text = c->texts[i], .world = &world};
		struct flow_effects effects;
		struct flow_report report;

		event.id[0] = (uint8_t)(i + 1);
		flow_step(c->flow, state, &event, NOW_MS, &effects);
		flow_effects_fini(&effects);
		flow_report(c->flow, state, &report);
		flow_report_fini(&report);
		buf_clear(&c->out);
		flow_state_save(state, &c->out);
		flow_state_free(state);
		state = flow_state_load(c->out.data, c->out.len);
	}
	flow_state_free(state);
}

static void look_for_places(struct cost *c)
{
	struct places_found found;

	places_find(c->texts[0], "75", &found);
}

/* Seals: spool record, state, queue entry, text, revision. Opened again: state, queue entry. Hashes:
 * sender, duplicate key, delivery, partition, revision. */
static void seal_all(struct cost *c)
{
	static const enum vault_purpose purposes[] = {VAULT_SPOOL, VAULT_SESSION, VAULT_QUEUE,
						      VAULT_CONTACT, VAULT_CONTACT};
	static const size_t sizes[] = {SPOOLED_BYTES, STATE_BYTES, ENTRY_BYTES, 256, REPORT_BYTES + 112};
	struct buf opened = {0};
	uint8_t hash[VAULT_INDEX_LEN];

	for (int i = 0; i < 5; i++) {
		buf_clear(&c->out);
		vault_seal(c->vault, purposes[i], "aad", 3, c->bytes, sizes[i], &c->out);
		if (i == 1 || i == 2)
			vault_unseal(c->vault, purposes[i], "aad", 3, c->out.data, c->out.len, &opened);
		vault_index(c->vault, VAULT_IDX_SUBJECT, c->bytes, 200, hash);
	}
	buf_free(&opened);
}

/* ---- spool ---- */

static void append(struct cost *c);

static void on_written(void *arg, uint64_t number, bool ok)
{
	struct cost *c = arg;

	if (!ok) {
		fprintf(stderr, "cost: the spool refused a record\n");
		exit(EXIT_FAILURE);
	}
	spool_done(c->spool, number);
	if (++c->written == SPOOL_RECORDS)
		loop_stop(c->loop);
	else if (c->appended < SPOOL_RECORDS)
		append(c);
}

static void append(struct cost *c)
{
	struct spool_meta meta = {.wall_us = NOW_MS * 1000};

	c->appended++;
	spool_append(c->spool, &meta, c->bytes, SPOOLED_BYTES, on_written, c);
}

static bool measure_spool(struct cost *c, const char *dir)
{
	struct spool_status status;
	double cpu, wall;
	char error[300];

	c->loop = loop_new();
	c->spool = spool_open(c->loop, c->vault, dir, SEGMENT_BYTES, error, sizeof(error));
	if (!c->spool) {
		fprintf(stderr, "cost: %s\n", error);
		loop_free(c->loop);
		return false;
	}
	cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
	wall = clock_s(CLOCK_MONOTONIC);
	for (int i = 0; i < SPOOL_WINDOW; i++)
		append(c);
	loop_run(c->loop);
	cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = clock_s(CLOCK_MONOTONIC) - wall;
	spool_status(c->spool, &status);
	print_row("spool: seal, append, fdatasync, 256 at a time", cpu * 1e6 / SPOOL_RECORDS,
		  wall * 1e6 / SPOOL_RECORDS);
	printf("  %-44s %8.1f records in one\n", "spool: fdatasync", (double)SPOOL_RECORDS / (double)status.syncs);
	spool_close(c->spool);
	loop_free(c->loop);
	return true;
}

/* ---- start ---- */

static void read_texts(struct cost *c)
{
	for (unsigned i = 0; i < c->dialogue.count; i++) {
		const struct dialogue_turn *turn = &c->dialogue.turns[i];
		struct buf text = {0};

		charset_to_utf8(turn->ucs2 ? ALPHABET_UTF16 : ALPHABET_GSM7, turn->parts[0].octets,
				turn->parts[0].len, &text);
		c->texts[i] = mem_strdup(buf_cstr(&text));
		buf_free(&text);
	}
}

static bool prepare(struct cost *c, char **argv)
{
	struct flow_findings found = {0};
	char error[512];

	if (!dialogue_read(argv[1], &c->dialogue, error, sizeof(error))) {
		fprintf(stderr, "cost: %s\n", error);
		return false;
	}
	read_texts(c);
	c->flow = flow_load_pack(argv[2], &found);
	if (!c->flow)
		fprintf(stderr, "cost: %s\n", found.count ? found.items[0].text : "no flow");
	flow_findings_fini(&found);
	c->vault = vault_open(argv[3], "hotline", error, sizeof(error));
	if (!c->vault)
		fprintf(stderr, "cost: %s\n", error);
	return c->flow && c->vault;
}

int main(int argc, char **argv)
{
	struct cost *c = mem_alloc(sizeof(*c));
	bool good = false;

	if (argc != 5) {
		fprintf(stderr, "usage: cost DIALOGUE FLOWS KEYS SPOOL\n");
	} else if (prepare(c, argv)) {
		number_warm_up();
		measure("codec: 4 PDUs written and read", c, code_pdus, 1);
		measure("alphabets: text in, reply out", c, code_texts, 1);
		measure("number of the sender", c, read_number, 1);
		measure("engine: a turn, state saved and loaded", c, play, c->dialogue.count);
		measure("places in the story (once a dialogue)", c, look_for_places, 1);
		measure("crypto: 5 seals, 2 opened, 5 hashes", c, seal_all, 1);
		good = measure_spool(c, argv[4]);
	}
	flow_free(c->flow);
	vault_close(c->vault);
	for (unsigned i = 0; i < c->dialogue.count; i++)
		mem_free(c->texts[i]);
	dialogue_free(&c->dialogue);
	buf_free(&c->out);
	mem_free(c);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
