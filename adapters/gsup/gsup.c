/* USSD dialogues of an Osmocom HLR: each becomes a session, known by its IMSI and number, its sender the
 * telephone number where the HLR tells it. */
#include "adapters/gsup/gsup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/gsup/codec.h"
#include "adapters/gsup/ipa_client.h"
#include "adapters/settings.h"
#include "adapters/ussd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"

enum {
	NUMBER_MS = 300,       /* how long a number is waited for */
	CLOSE_MS = 5000,       /* from the end of the guard time to the end of the dialogue */
	DIALOGUES_MAX = 20000,
	SESSION_NAME = 32
};

struct gsup_conf {
	char *connect, *numbers, *name, *carrier, *voice;
	int64_t guard_ms;
};

/* What the phone said while its number is being asked for. */
struct heard {
	enum ussd_op op;
	char text[SS_TEXT_MAX * 3 + 1];
};

struct dialogue {
	struct link *link;
	struct dialogue *next, **at;
	char imsi[IMSI_DIGITS + 1];
	uint32_t session;
	uint8_t first_invoke;     /* of the phone's request: its last answer carries it */
	uint8_t invoke;           /* of our last request */
	bool numbered;            /* from is settled */
	char from[INBOUND_ADDRESS_MAX]; /* telephone number, or the IMSI */
	char code[INBOUND_ADDRESS_MAX]; /* what was dialled */
	uint32_t asked;           /* number of our question for the telephone number; 0: none */
	struct heard *waiting;    /* owned; until the number is known */
	struct loop_timer *timer; /* owned: gives the number up, later the dialogue */
	bool over;                /* freed when the timer fires */
};

/* A screen that is owed; outlives dialogue and link. */
struct owed {
	struct link *link; /* NULL once it has gone */
	struct owed *next, **at;
	char imsi[IMSI_DIGITS + 1];
	uint32_t session;
};

struct link {
	const struct adapter_host *host; /* borrowed */
	char name[INBOUND_NAME_MAX];
	char source[INBOUND_ADDRESS_MAX];
	char identity[128];
	struct gsup_conf conf;
	struct ipa_client *hlr, *numbers; /* owned; numbers may be NULL */
	struct ussd *ussd;                /* owned */
	enum link_state state;
	struct dialogue *dialogues;       /* owned */
	unsigned dialogue_count;
	struct owed *owed;                /* each owns itself */
	uint32_t questions;               /* last number given */
};

#define AT(field) offsetof(struct gsup_conf, field)

static const struct adapter_setting settings[] = {
	{"connect", ADAPTER_SETTING_TEXT, "127.0.0.1:4222", 1, 64, AT(connect)},
	{"numbers", ADAPTER_SETTING_TEXT, NULL, 1, 64, AT(numbers)},
	{"euse", ADAPTER_SETTING_TEXT, "hotline-00-00-00-00-00-00", 1, 100, AT(name)},
	{"carrier", ADAPTER_SETTING_TEXT, NULL, 1, INBOUND_NAME_MAX - 1, AT(carrier)},
	{"voice", ADAPTER_SETTING_TEXT, "111", 1, 16, AT(voice)},
	{"guard", ADAPTER_SETTING_DURATION, "28s", 1000, 255000, AT(guard_ms)},
};
enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

static const char *const keys[] = {"name", "adapter", "short_codes", "connect", "numbers", "euse", "carrier", "voice",
				   "guard", NULL};

/* ---- dialogues ---- */

static struct dialogue *find(const struct link *link, const char *imsi, uint32_t session)
{
	for (struct dialogue *d = link->dialogues; d; d = d->next) {
		if (!d->over && d->session == session && strcmp(d->imsi, imsi) == 0)
			return d;
	}
	return NULL;
}

static void dialogue_free(struct dialogue *d)
{
	*d->at = d->next;
	if (d->next)
		d->next->at = d->at;
	d->link->dialogue_count--;
	loop_timer_free(d->timer);
	mem_free(d->waiting);
	mem_free(d);
}

static void hear_waiting(struct dialogue *d);

/* No number is coming; or the dialogue is over, by a last word or by a guard time that nobody tells us of. */
static void on_timer(void *arg)
{
	struct dialogue *d = arg;

	if (d->waiting && !d->over)
		hear_waiting(d);
	else
		dialogue_free(d);
}

/* Freed after this turn of the loop: whoever called us may still hold it. */
static void dialogue_close(struct dialogue *d)
{
	d->over = true;
	loop_timer_set(d->timer, 0);
}

static struct dialogue *dialogue_new(struct link *link, const struct gsup_message *m)
{
	struct dialogue *d = mem_alloc(sizeof(*d));

	d->link = link;
	memcpy(d->imsi, m->imsi, sizeof(d->imsi));
	memcpy(d->from, m->imsi, sizeof(m->imsi));
	d->session = m->session;
	d->timer = loop_timer_new(link->host->loop, on_timer, d);
	d->next = link->dialogues;
	d->at = &link->dialogues;
	if (d->next)
		d->next->at = &d->next;
	link->dialogues = d;
	link->dialogue_count++;
	return d;
}

/* ---- screens ---- */

static void send_component(struct link *link, const struct dialogue *d, uint8_t state, const struct ss_component *c)
{
	struct gsup_message m = {.type = GSUP_SS_RESULT, .session = d->session, .state = state};
	struct buf facility = {0}, payload = {0};

	memcpy(m.imsi, d->imsi, sizeof(m.imsi));
	ss_encode(c, &facility);
	m.facility = facility.data;
	m.facility_len = facility.len;
	buf_put_u8(&payload, IPA_EXT_GSUP);
	gsup_encode(&m, &payload);
	ipa_client_send(link->hlr, payload.data, payload.len);
	buf_free(&facility);
	buf_free(&payload);
}

/* A menu is a request of ours, the last screen the result of the phone's. */
static void show(struct dialogue *d, const char *text, bool more)
{
	struct ss_component c = {.kind = more ? SS_INVOKE : SS_RESULT,
				 .operation = more ? SS_REQUEST : SS_PROCESS_REQUEST};
	struct buf octets = {0};

	c.invoke_id = more ? ++d->invoke : d->first_invoke;
	c.dcs = ss_text_encode(text, &octets);
	c.text = octets.data;
	c.text_len = octets.len;
	send_component(d->link, d, more ? GSUP_CONTINUE : GSUP_END, &c);
	buf_free(&octets);
}

static void on_screen(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	struct owed *owed = arg;
	struct dialogue *d = owed->link ? find(owed->link, owed->imsi, owed->session) : NULL;

	if (owed->link) {
		*owed->at = owed->next;
		if (owed->next)
			owed->next->at = owed->at;
	}
	if (d && fate == USSD_SCREEN)
		show(d, text, more);
	if (d && fate == USSD_SCREEN && !more)
		dialogue_close(d);
	mem_free(owed);
}

static void on_ended(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	(void)arg; /* a network that told us of an end waits for nothing */
	(void)fate;
	(void)text;
	(void)more;
}

/* ---- hearing ---- */

static struct owed *owe(struct dialogue *d)
{
	struct owed *owed = mem_alloc(sizeof(*owed));

	owed->link = d->link;
	memcpy(owed->imsi, d->imsi, sizeof(owed->imsi));
	owed->session = d->session;
	owed->next = d->link->owed;
	owed->at = &d->link->owed;
	if (owed->next)
		owed->next->at = &owed->next;
	d->link->owed = owed;
	return owed;
}

static void hear(struct dialogue *d, enum ussd_op op, const char *text)
{
	bool ends = op != USSD_BEGIN && op != USSD_CONTINUE;
	char session[SESSION_NAME];
	struct ussd_heard heard = {.op = op, .session = session, .from = d->from, .to = d->code, .text = text,
				   .text_len = strlen(text)};

	/* a session that the network forgets ends with our own time-out before this */
	loop_timer_set(d->timer, d->link->conf.guard_ms + CLOSE_MS);
	heard.session_len = (size_t)snprintf(session, sizeof(session), "%s.%08x", d->imsi, d->session);
	ussd_hear(d->link->ussd, &heard, ends ? on_ended : on_screen, ends ? NULL : (void *)owe(d));
}

/* The number is known, or is not waited for any longer. */
static void hear_waiting(struct dialogue *d)
{
	struct heard *waiting = d->waiting;

	d->numbered = true;
	d->asked = 0;
	d->waiting = NULL;
	if (waiting)
		hear(d, waiting->op, waiting->text);
	mem_free(waiting);
}

/* Asks the HLR's control interface; false: nobody to ask. */
static bool ask_number(struct dialogue *d)
{
	struct link *link = d->link;
	struct buf question = {0};
	bool sent;

	if (!link->numbers)
		return false;
	d->asked = ++link->questions ? link->questions : ++link->questions;
	buf_put_u8(&question, IPA_EXT_CTRL);
	buf_printf(&question, "GET %u subscriber.by-imsi-%s.msisdn", d->asked, d->imsi);
	sent = ipa_client_send(link->numbers, question.data, question.len);
	buf_free(&question);
	return sent;
}

static void hear_numbered(struct dialogue *d, enum ussd_op op, const char *text)
{
	if (d->numbered) {
		hear(d, op, text);
		return;
	}
	if (d->waiting) { /* said before the number was known: neither is lost */
		hear_waiting(d);
		if (d->over)
			return;
	}
	if (d->numbered || !ask_number(d)) {
		d->numbered = true;
		hear(d, op, text);
		return;
	}
	d->waiting = mem_alloc(sizeof(*d->waiting));
	d->waiting->op = op;
	snprintf(d->waiting->text, sizeof(d->waiting->text), "%s", text);
	loop_timer_set(d->timer, NUMBER_MS);
}

static void end(struct dialogue *d, enum ussd_op op)
{
	if (d->waiting)
		hear_waiting(d);
	if (d->over)
		return;
	hear(d, op, "");
	dialogue_close(d);
}

/* "GET_REPLY 7 subscriber.by-imsi-452040000000001.msisdn 84912345678"; anything else means there is none. */
static void on_number(void *arg, const uint8_t *payload, size_t len)
{
	struct link *link = arg;
	char *text = mem_strndup((const char *)payload + 1, len - 1), digits[INBOUND_ADDRESS_MAX - 1] = "";
	unsigned number = 0;
	struct dialogue *d;

	if (payload[0] != IPA_EXT_CTRL || (sscanf(text, "GET_REPLY %u %*s %20[0-9]", &number, digits) < 1 &&
					   sscanf(text, "ERROR %u", &number) < 1))
		number = 0;
	for (d = link->dialogues; d && (d->over || d->asked != number || number == 0); d = d->next)
		;
	if (d && digits[0])
		snprintf(d->from, sizeof(d->from), "+%s", digits);
	if (d)
		hear_waiting(d);
	mem_free(text);
}

/* ---- GSUP ---- */

static void refuse(struct link *link, const struct gsup_message *m)
{
	struct gsup_message answer = {.type = GSUP_SS_ERROR, .session = m->session, .state = GSUP_END};
	struct buf payload = {0};

	memcpy(answer.imsi, m->imsi, sizeof(answer.imsi));
	buf_put_u8(&payload, IPA_EXT_GSUP);
	gsup_encode(&answer, &payload);
	ipa_client_send(link->hlr, payload.data, payload.len);
	buf_free(&payload);
}

/* Dialled: the string is the code itself. */
static void on_begin(struct link *link, const struct gsup_message *m, const struct ss_component *c, const char *text)
{
	struct dialogue *d = find(link, m->imsi, m->session);

	if (c->kind != SS_INVOKE || c->operation != SS_PROCESS_REQUEST || link->dialogue_count >= DIALOGUES_MAX) {
		refuse(link, m);
		return;
	}
	if (d && d->invoke == d->first_invoke) { /* delivered twice */
		hear_numbered(d, USSD_BEGIN, "");
		return;
	}
	if (d)
		end(d, USSD_ABORT); /* the network counts from the start again */
	d = dialogue_new(link, m);
	d->first_invoke = d->invoke = c->invoke_id;
	snprintf(d->code, sizeof(d->code), "%.*s", (int)sizeof(d->code) - 1, text);
	hear_numbered(d, USSD_BEGIN, "");
}

static void on_answer(struct link *link, const struct gsup_message *m, const struct ss_component *c, const char *text)
{
	struct dialogue *d = find(link, m->imsi, m->session);

	if (!d) { /* of an earlier life of ours: what is said counts, the menu's invoke id is lost */
		d = dialogue_new(link, m);
		d->first_invoke = d->invoke = 1;
	}
	if (c->kind == SS_RESULT && c->text)
		hear_numbered(d, USSD_CONTINUE, text);
	else
		end(d, USSD_ABORT); /* the handset refused the menu, or answered nothing */
}

static void on_ss(struct link *link, const struct gsup_message *m)
{
	struct dialogue *d = find(link, m->imsi, m->session);
	struct ss_component c;
	struct buf text = {0};

	if (m->type == GSUP_SS_ERROR || !m->facility) {
		if (d)
			end(d, m->type == GSUP_SS_ERROR ? USSD_ABORT : USSD_END);
		return;
	}
	if (!ss_decode(m->facility, m->facility_len, &c)) {
		log_warn(link->name, "a component that cannot be read");
		refuse(link, m);
		return;
	}
	if (c.text)
		ss_text_decode(c.dcs, c.text, c.text_len, &text);
	if (m->state == GSUP_BEGIN)
		on_begin(link, m, &c, buf_cstr(&text));
	else if (m->state == GSUP_CONTINUE)
		on_answer(link, m, &c, buf_cstr(&text));
	else if (d)
		end(d, USSD_END);
	buf_free(&text);
}

static void on_gsup(void *arg, const uint8_t *payload, size_t len)
{
	struct link *link = arg;
	struct gsup_message m;

	if (payload[0] != IPA_EXT_GSUP || !gsup_decode(payload + 1, len - 1, &m))
		return;
	if (m.type == GSUP_SS_REQUEST || m.type == GSUP_SS_RESULT || m.type == GSUP_SS_ERROR)
		on_ss(link, &m);
}

/* ---- the link ---- */

static void set_state(struct link *link, enum link_state state)
{
	link->state = state;
	link->host->state(link->host->ctx, link->name, state);
}

static void end_all(struct link *link)
{
	for (struct dialogue *d = link->dialogues; d; d = d->next) {
		if (!d->over)
			end(d, USSD_ABORT);
	}
}

/* A lost link ends every dialogue; what was said is filed. */
static void on_hlr(void *arg, bool up)
{
	struct link *link = arg;

	if (!up)
		end_all(link);
	set_state(link, up ? LINK_BOUND : LINK_CONNECTING);
}

static void on_numbers(void *arg, bool up)
{
	(void)arg; /* without it senders are known by their IMSI */
	(void)up;
}

static void destroy(struct link *link)
{
	while (link->owed) {
		struct owed *owed = link->owed;

		link->owed = owed->next;
		owed->link = NULL;
	}
	ussd_free(link->ussd);
	while (link->dialogues)
		dialogue_free(link->dialogues);
	ipa_client_free(link->hlr);
	ipa_client_free(link->numbers);
	adapter_settings_fini(settings, SETTINGS, &link->conf);
	mem_free(link);
}

static bool fault(const struct yaml_node *map, const char *key, char *error, size_t error_size)
{
	const struct yaml_node *node = yaml_find(map, key);

	node = node ? node : map;
	snprintf(error, error_size, "%u:%u: '%s' must be an address and port, such as 127.0.0.1:4222", node->line,
		 node->column, key);
	return false;
}

static bool make_clients(struct link *link, const struct yaml_node *map, char *error, size_t error_size)
{
	struct gsup_conf *conf = &link->conf;
	const struct ipa_client_conf hlr = {link->name, conf->connect, link->identity};
	const struct ipa_client_conf numbers = {link->name, conf->numbers, NULL};

	snprintf(link->identity, sizeof(link->identity), "EUSE-%s", conf->name);
	link->hlr = ipa_client_new(link->host->loop, &hlr, on_gsup, on_hlr, link);
	if (!link->hlr)
		return fault(map, "connect", error, error_size);
	if (conf->numbers)
		link->numbers = ipa_client_new(link->host->loop, &numbers, on_number, on_numbers, link);
	return !conf->numbers || link->numbers || fault(map, "numbers", error, error_size);
}

static void read_source(struct link *link, const struct yaml_node *map)
{
	const struct yaml_node *codes = yaml_find(map, "short_codes");

	if (codes && codes->kind == YAML_LIST && codes->count > 0 && codes->items[0]->kind == YAML_SCALAR)
		snprintf(link->source, sizeof(link->source), "%.65s", codes->items[0]->text);
}

static struct link *create(const struct adapter_host *host, const char *name, const struct yaml_node *map,
			   char *error, size_t error_size)
{
	struct link *link = mem_alloc(sizeof(*link));
	struct ussd_conf ussd = {.adapter = "gsup", .link = link->name, .source = link->source};

	link->host = host;
	link->state = LINK_DOWN;
	snprintf(link->name, sizeof(link->name), "%s", name);
	read_source(link, map);
	if (!adapter_settings_read(settings, SETTINGS, map, host->folder, &link->conf, error, error_size) ||
	    !make_clients(link, map, error, error_size)) {
		destroy(link);
		return NULL;
	}
	if (!link->conf.carrier)
		link->conf.carrier = mem_strdup(name);
	ussd.carrier = link->conf.carrier;
	ussd.voice = link->conf.voice;
	ussd.idle_ms = link->conf.guard_ms;
	link->ussd = ussd_new(host, &ussd);
	return link;
}

static void start(struct link *link)
{
	set_state(link, LINK_CONNECTING);
	ipa_client_start(link->hlr);
	if (link->numbers)
		ipa_client_start(link->numbers);
}

static void stop(struct link *link)
{
	end_all(link);
	set_state(link, LINK_STOPPED);
}

static bool send(struct link *link, const struct outbound *out)
{
	return out->channel == CHANNEL_USSD && ussd_send(link->ussd, out);
}

static enum link_state state(const struct link *link)
{
	return link->state;
}

const struct adapter gsup_adapter = {
	.name = "gsup",
	.help = "USSD from an Osmocom HLR, as its external USSD entity",
	.keys = keys,
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.send = send,
	.state = state,
};
