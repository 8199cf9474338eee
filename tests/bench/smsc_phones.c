/* The phones: each plays the dialogue once, and says its next line as soon as it is answered. */
#include "smsc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "adapters/smpp/pdu.h"
#include "adapters/smpp/smpp.h"
#include "base/buf.h"
#include "base/mem.h"
#include "core/charset.h"

struct phone {
	int64_t intended_ns; /* when its last text was meant to be sent */
	uint8_t turn;        /* the one it waits for an answer to */
	uint8_t parts_heard;
	bool active;
};

struct phones {
	struct smsc *s;         /* borrowed */
	struct phone *phones;   /* owned; one for each dialogue */
	uint64_t total;         /* warm-up included */
	uint64_t begun, ended;
	uint64_t oldest;        /* every phone before this one has ended */
	struct event *arrivals; /* owned; open loop */
	struct event *watch;    /* owned; looks for phones without an answer */
	int64_t next_ns;        /* open loop: when the next dialogue is due */
	uint64_t random;
	bool started;
};

static const struct timeval watch_every = {1, 0};

uint64_t phones_number(const struct smsc *s, uint64_t phone)
{
	return s->options.first_number + phone;
}

static void say(struct phones *p, uint64_t index, int64_t intended_ns)
{
	struct phone *phone = &p->phones[index];
	const struct dialogue_turn *turn = &p->s->dialogue.turns[phone->turn];

	phone->intended_ns = intended_ns;
	phone->parts_heard = 0;
	for (unsigned i = 0; i < turn->part_count; i++) {
		struct text text = {index, intended_ns, phone->turn, (uint8_t)i};

		binds_send(p->s->binds, &text);
	}
}

static void begin(struct phones *p, int64_t intended_ns)
{
	uint64_t index = p->begun++;

	p->phones[index] = (struct phone){.active = true};
	say(p, index, intended_ns);
}

/* ---- arrivals ---- */

/* Uniform in (0, 1]: xorshift64*, so that a run can be repeated. */
static double dice(struct phones *p)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return (double)((p->random * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / 9007199254740992.0 + 1e-16;
}

static int64_t gap_ns(struct phones *p)
{
	double gap_s = 1.0 / p->s->options.rate;

	return (int64_t)((p->s->options.fixed ? gap_s : -log(dice(p)) * gap_s) * 1e9);
}

static void arm_arrivals(struct phones *p, int64_t now_ns)
{
	int64_t left_us = (p->next_ns - now_ns) / 1000;
	struct timeval wait = {left_us / 1000000, left_us % 1000000};

	event_add(p->arrivals, &wait);
}

/* Every dialogue that is due by now begins, late or not: its latency counts from when it was due. */
static void on_arrivals(evutil_socket_t fd, short what, void *arg)
{
	struct phones *p = arg;
	int64_t now_ns = smsc_now_ns();

	(void)fd;
	(void)what;
	while (p->begun < p->total && p->next_ns <= now_ns) {
		if (!p->s->measuring && p->begun >= p->s->options.warm_up)
			smsc_measure(p->s);
		begin(p, p->next_ns);
		p->next_ns += gap_ns(p);
	}
	if (p->begun < p->total)
		arm_arrivals(p, now_ns);
}

static void fill_up(struct phones *p)
{
	while (p->begun < p->total && p->begun - p->ended < p->s->options.concurrent)
		begin(p, smsc_now_ns());
}

/* ---- ends ---- */

static void end(struct phones *p, uint64_t index)
{
	struct smsc *s = p->s;

	p->phones[index].active = false;
	p->ended++;
	if (s->options.rate <= 0) {
		if (!s->measuring && p->ended >= s->options.warm_up)
			smsc_measure(s);
		fill_up(p);
	}
	if (p->ended == p->total)
		smsc_finish(s);
}

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct phones *p = arg;
	int64_t limit_ns = smsc_now_ns() - (int64_t)(p->s->options.patience_s * 1e9);

	(void)fd;
	(void)what;
	while (p->oldest < p->begun && !p->phones[p->oldest].active)
		p->oldest++;
	for (uint64_t i = p->oldest; i < p->begun; i++) {
		if (!p->phones[i].active || p->phones[i].intended_ns > limit_ns)
			continue;
		p->s->counts.stuck++;
		end(p, i);
	}
}

/* ---- replies ---- */

static bool number_of(const struct pdu *pdu, uint64_t *number)
{
	char digits[32], *stop;

	octets_text(pdu->destination_addr, digits, sizeof(digits));
	*number = strtoull(digits[0] == '+' ? digits + 1 : digits, &stop, 10);
	return digits[0] && *stop == '\0';
}

/* Parts of this text, 1 if it is whole. */
static unsigned parts_of(const struct pdu *pdu)
{
	struct charset_udh udh;

	if (!(pdu->esm_class & ESM_UDHI) ||
	    !charset_udh_read(pdu->short_message.p, pdu->short_message.len, &udh) || udh.ref_bits == 0)
		return 1;
	return udh.total;
}

static bool as_expected(const struct dialogue_turn *turn, const struct pdu *pdu)
{
	enum alphabet alphabet = mo_alphabet(pdu->data_coding, ALPHABET_GSM7);
	struct buf text = {0};
	bool found;

	if (!turn->expect || pdu->esm_class & ESM_UDHI)
		return true;
	charset_to_utf8(alphabet, pdu->short_message.p, pdu->short_message.len, &text);
	found = strstr(buf_cstr(&text), turn->expect) != NULL;
	buf_free(&text);
	return found;
}

void phones_hear(struct phones *p, const struct pdu *pdu)
{
	struct smsc *s = p->s;
	int64_t now_ns = smsc_now_ns();
	struct phone *phone;
	uint64_t number, index;

	if (!number_of(pdu, &number) || number < s->options.first_number ||
	    number - s->options.first_number >= p->total) {
		s->counts.strays++;
		return;
	}
	index = number - s->options.first_number;
	phone = &p->phones[index];
	if (!phone->active) {
		s->counts.strays++;
		return;
	}
	if (++phone->parts_heard < parts_of(pdu))
		return;
	s->counts.replies++;
	s->counts.wrong += !as_expected(&s->dialogue.turns[phone->turn], pdu);
	s->last_reply_ns = now_ns;
	if (s->measuring)
		histogram_add(&s->replies, now_ns - phone->intended_ns);
	if (++phone->turn < s->dialogue.count) {
		say(p, index, now_ns);
		return;
	}
	s->counts.finished++;
	end(p, index);
}

/* ---- life ---- */

void phones_start(struct phones *p)
{
	if (p->started)
		return;
	p->started = true;
	event_add(p->watch, &watch_every);
	if (p->s->options.warm_up == 0)
		smsc_measure(p->s);
	if (p->s->options.rate > 0) {
		p->next_ns = smsc_now_ns();
		arm_arrivals(p, p->next_ns);
	} else {
		fill_up(p);
	}
}

struct phones *phones_new(struct smsc *s)
{
	struct phones *p = mem_alloc(sizeof(*p));

	p->s = s;
	p->total = s->options.warm_up + s->options.dialogues;
	p->phones = mem_alloc(p->total * sizeof(*p->phones));
	p->random = s->options.seed | 1;
	p->arrivals = event_new(s->base, -1, 0, on_arrivals, p);
	p->watch = event_new(s->base, -1, EV_PERSIST, on_watch, p);
	return p;
}

void phones_free(struct phones *p)
{
	if (!p)
		return;
	event_free(p->arrivals);
	event_free(p->watch);
	mem_free(p->phones);
	mem_free(p);
}
