/* The SMSC's side of SMPP: accepts binds, keeps a window of deliveries on each, delivers again what was
 * refused or lost, answers submit_sm and sends receipts for it. */
#include "smsc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "adapters/smpp/pdu.h"
#include "base/buf.h"
#include "base/mem.h"

enum {
	SLOT_BITS = 12, /* low bits of a sequence number are the window's slot */
	WINDOW_MAX = 1 << SLOT_BITS,
	SEQUENCES = 0x7fffffff >> SLOT_BITS,
	RETRY_MS = 300, /* pause of this SMSC before it delivers again what was refused */
	STATE_DELIVERED = 2, /* message_state, SMPP 3.4 section 5.2.28 */
	TON_INTERNATIONAL = 1,
	NPI_ISDN = 1
};

/* First in, first out, in an array that doubles. */
struct queue {
	struct text *items; /* owned */
	size_t cap, head, len;
};

struct bind {
	struct binds *binds;
	struct bind *next;
	struct bufferevent *bev; /* owned */
	bool receives;           /* takes deliver_sm */
	struct text *slots;      /* owned; of the window */
	uint32_t *sequences;     /* owned; 0 = the slot is free */
	uint16_t *free_slots;    /* owned; stack */
	unsigned free_count;
	uint32_t round;
};

struct binds {
	struct smsc *s;                 /* borrowed */
	struct evconnlistener *listener; /* owned */
	struct bind *first;             /* owned */
	struct bind *turn;              /* whose turn it is to deliver */
	struct queue waiting;           /* no window has room for these */
	struct queue refused;           /* these wait for `retry` */
	struct event *retry;            /* owned */
	struct buf scratch;             /* a PDU being built */
	uint64_t message_id, random;
	int64_t budget_at_ns;
	double budget;                  /* submit_sm that may be accepted now */
};

/* ---- queues ---- */

static void queue_put(struct queue *q, const struct text *text)
{
	if (q->len == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 1024;
		struct text *items = mem_array(NULL, cap, sizeof(*items));

		for (size_t i = 0; i < q->len; i++)
			items[i] = q->items[(q->head + i) % q->cap];
		mem_free(q->items);
		*q = (struct queue){items, cap, 0, q->len};
	}
	q->items[(q->head + q->len++) % q->cap] = *text;
}

static struct text queue_take(struct queue *q)
{
	struct text text = q->items[q->head];

	q->head = (q->head + 1) % q->cap;
	q->len--;
	return text;
}

/* ---- writing ---- */

static void write_pdu(struct bind *bind, const struct pdu *pdu)
{
	struct buf *scratch = &bind->binds->scratch;

	buf_clear(scratch);
	if (!pdu_encode(pdu, scratch))
		abort(); /* every PDU here is ours */
	bufferevent_write(bind->bev, scratch->data, scratch->len);
}

static void respond(struct bind *bind, const struct pdu *to, uint32_t status, const char *text)
{
	struct pdu pdu = {.command_id = to->command_id | PDU_RESPONSE, .command_status = status,
			  .sequence_number = to->sequence_number};

	pdu.system_id = pdu.message_id = octets_of(text);
	write_pdu(bind, &pdu);
}

static uint32_t take_slot(struct bind *bind, const struct text *text)
{
	uint16_t slot = bind->free_slots[--bind->free_count];

	bind->round = bind->round % (SEQUENCES - 1) + 1;
	bind->slots[slot] = *text;
	bind->sequences[slot] = bind->round << SLOT_BITS | slot;
	return bind->sequences[slot];
}

static void deliver(struct bind *bind, const struct text *text)
{
	struct smsc *s = bind->binds->s;
	const struct dialogue_turn *turn = &s->dialogue.turns[text->turn];
	struct pdu pdu = {.command_id = PDU_DELIVER_SM, .source_addr_ton = TON_INTERNATIONAL,
			  .source_addr_npi = NPI_ISDN, .dest_addr_npi = NPI_ISDN};
	char from[24];

	snprintf(from, sizeof(from), "%llu", (unsigned long long)phones_number(s, text->phone));
	pdu.source_addr = octets_of(from);
	pdu.destination_addr = octets_of(s->options.dest);
	pdu.esm_class = turn->part_count > 1 ? ESM_UDHI : 0;
	pdu.data_coding = turn->ucs2 ? 8 : 0;
	pdu.short_message = (struct octets){turn->parts[text->part].octets, turn->parts[text->part].len};
	pdu.sequence_number = take_slot(bind, text);
	write_pdu(bind, &pdu);
}

static bool ready(const struct bind *bind)
{
	return bind->receives && bind->free_count > 0;
}

/* The next bind in turn with room in its window. */
static struct bind *choose(struct binds *b)
{
	struct bind *from = b->turn ? b->turn : b->first;
	struct bind *bind = from;

	if (!bind)
		return NULL;
	do {
		if (ready(bind)) {
			b->turn = bind->next;
			return bind;
		}
		bind = bind->next ? bind->next : b->first;
	} while (bind != from);
	return NULL;
}

static void pump(struct binds *b)
{
	struct bind *bind;

	while (b->waiting.len > 0 && (bind = choose(b)) != NULL) {
		struct text text = queue_take(&b->waiting);

		deliver(bind, &text);
	}
}

void binds_send(struct binds *b, const struct text *text)
{
	queue_put(&b->waiting, text);
	pump(b);
}

/* ---- deliveries answered ---- */

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct binds *b = arg;

	(void)fd;
	(void)what;
	while (b->refused.len > 0) {
		struct text text = queue_take(&b->refused);

		b->s->counts.again++;
		queue_put(&b->waiting, &text);
	}
	pump(b);
}

static void retry_later(struct binds *b, const struct text *text)
{
	const struct timeval wait = {0, RETRY_MS * 1000};

	queue_put(&b->refused, text);
	if (!event_pending(b->retry, EV_TIMEOUT, NULL))
		event_add(b->retry, &wait);
}

static void on_deliver_resp(struct bind *bind, const struct pdu *pdu)
{
	struct binds *b = bind->binds;
	uint32_t slot = pdu->sequence_number & (WINDOW_MAX - 1);
	struct text text;

	if (slot >= b->s->options.window || bind->sequences[slot] != pdu->sequence_number)
		return; /* of a receipt */
	text = bind->slots[slot];
	bind->sequences[slot] = 0;
	bind->free_slots[bind->free_count++] = (uint16_t)slot;
	if (pdu->command_status == ESME_ROK) {
		b->s->counts.delivered++;
		if (b->s->measuring)
			histogram_add(&b->s->answers, smsc_now_ns() - text.intended_ns);
	} else {
		b->s->counts.refused++;
		retry_later(b, &text);
	}
	pump(b);
}

/* ---- submit_sm ---- */

static bool throttled(struct binds *b)
{
	const struct smsc_options *o = &b->s->options;
	int64_t now_ns;

	b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	if (o->refuse > 0 && (double)(b->random >> 11) / 9007199254740992.0 < o->refuse)
		return true;
	if (o->throttle <= 0)
		return false;
	now_ns = smsc_now_ns();
	b->budget += (double)(now_ns - b->budget_at_ns) / 1e9 * o->throttle;
	b->budget_at_ns = now_ns;
	if (b->budget > o->throttle) /* a second's worth at most */
		b->budget = o->throttle;
	if (b->budget < 1)
		return true;
	b->budget -= 1;
	return false;
}

static void send_receipt(struct bind *bind, const struct pdu *to, const char *id)
{
	static const uint8_t delivered = STATE_DELIVERED;
	struct pdu pdu = {.command_id = PDU_DELIVER_SM, .esm_class = ESM_TYPE_RECEIPT,
			  .source_addr_ton = TON_INTERNATIONAL, .source_addr_npi = NPI_ISDN};
	char text[128];

	snprintf(text, sizeof(text), "id:%s sub:001 dlvrd:001 submit date:2601010000 "
		 "done date:2601010000 stat:DELIVRD err:000 text:", id);
	pdu.source_addr = to->destination_addr;
	pdu.destination_addr = to->source_addr;
	pdu.short_message = octets_of(text);
	pdu.tlv[TLV_RECEIPTED_MESSAGE_ID] = octets_of(id);
	pdu.tlv[TLV_MESSAGE_STATE] = (struct octets){&delivered, 1};
	/* A window of their own: the lowest sequence numbers, which no slot has. */
	pdu.sequence_number = (uint32_t)(bind->binds->message_id % WINDOW_MAX) + 1;
	bind->binds->s->counts.receipts++;
	write_pdu(bind, &pdu);
}

static void on_submit(struct bind *bind, const struct pdu *pdu)
{
	struct binds *b = bind->binds;
	char id[24];

	if (throttled(b)) {
		b->s->counts.throttled++;
		respond(bind, pdu, ESME_RTHROTTLED, "");
		return;
	}
	snprintf(id, sizeof(id), "%llx", (unsigned long long)++b->message_id);
	b->s->counts.submitted++;
	respond(bind, pdu, ESME_ROK, id);
	if (pdu->registered_delivery & 1)
		send_receipt(bind, pdu, id);
	phones_hear(b->s->phones, pdu);
}

/* ---- connections ---- */

static bool same(struct octets octets, const char *text)
{
	return octets.len == strlen(text) && memcmp(octets.p, text, octets.len) == 0;
}

static void on_bind(struct bind *bind, const struct pdu *pdu)
{
	struct smsc *s = bind->binds->s;

	if (!same(pdu->system_id, s->options.system_id) || !same(pdu->password, s->options.password)) {
		respond(bind, pdu, ESME_RBINDFAIL, "");
		return;
	}
	respond(bind, pdu, ESME_ROK, "bench");
	bind->receives = pdu->command_id != PDU_BIND_TRANSMITTER;
	if (bind->receives)
		phones_start(s->phones);
	pump(bind->binds);
}

static void handle(struct bind *bind, const struct pdu *pdu)
{
	switch (pdu->command_id) {
	case PDU_DELIVER_SM | PDU_RESPONSE:
		on_deliver_resp(bind, pdu);
		break;
	case PDU_SUBMIT_SM:
		on_submit(bind, pdu);
		break;
	case PDU_BIND_RECEIVER:
	case PDU_BIND_TRANSMITTER:
	case PDU_BIND_TRANSCEIVER:
		on_bind(bind, pdu);
		break;
	case PDU_ENQUIRE_LINK:
		respond(bind, pdu, ESME_ROK, NULL);
		break;
	case PDU_UNBIND:
		bind->receives = false;
		respond(bind, pdu, ESME_ROK, NULL);
		break;
	default:
		break;
	}
}

static void bind_free(struct bind *bind)
{
	struct binds *b = bind->binds;
	struct bind **at = &b->first;

	while (*at != bind)
		at = &(*at)->next;
	*at = bind->next;
	if (b->turn == bind)
		b->turn = NULL;
	for (unsigned i = 0; i < b->s->options.window; i++) {
		if (bind->sequences[i] == 0)
			continue;
		b->s->counts.again++;
		queue_put(&b->waiting, &bind->slots[i]);
	}
	bufferevent_free(bind->bev);
	mem_free(bind->slots);
	mem_free(bind->sequences);
	mem_free(bind->free_slots);
	mem_free(bind);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct bind *bind = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(input), used = 0;
	const uint8_t *bytes = evbuffer_pullup(input, -1);
	struct pdu_header header;
	struct pdu pdu;

	while (pdu_frame(bytes + used, len - used, &header) == PDU_OK && len - used >= PDU_HEADER) {
		if (pdu_decode(bytes + used, header.command_length, &pdu) == PDU_OK)
			handle(bind, &pdu);
		used += header.command_length;
	}
	evbuffer_drain(input, used);
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
	struct bind *bind = arg;
	struct binds *b = bind->binds;

	(void)bev;
	(void)what;
	bind_free(bind);
	pump(b);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int from_len, void *arg)
{
	struct binds *b = arg;
	struct bind *bind = mem_alloc(sizeof(*bind));
	unsigned window = b->s->options.window;
	int one = 1;

	(void)listener;
	(void)from;
	(void)from_len;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	bind->binds = b;
	bind->slots = mem_array(NULL, window, sizeof(*bind->slots));
	bind->sequences = mem_alloc(window * sizeof(*bind->sequences));
	bind->free_slots = mem_array(NULL, window, sizeof(*bind->free_slots));
	for (unsigned i = 0; i < window; i++)
		bind->free_slots[bind->free_count++] = (uint16_t)i;
	bind->bev = bufferevent_socket_new(b->s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(bind->bev, on_readable, NULL, on_end, bind);
	bufferevent_enable(bind->bev, EV_READ | EV_WRITE);
	bind->next = b->first;
	b->first = bind;
}

struct binds *binds_new(struct smsc *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(s->options.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct binds *b = mem_alloc(sizeof(*b));

	b->s = s;
	b->random = s->options.seed;
	b->budget_at_ns = smsc_now_ns();
	b->listener = evconnlistener_new_bind(s->base, on_accept, b,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE |
						      LEV_OPT_CLOSE_ON_EXEC,
					      -1, (struct sockaddr *)&at, sizeof(at));
	if (!b->listener) {
		mem_free(b);
		return NULL;
	}
	b->retry = event_new(s->base, -1, 0, on_retry, b);
	return b;
}

uint16_t binds_port(const struct binds *b)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	if (getsockname(evconnlistener_get_fd(b->listener), (struct sockaddr *)&at, &len) != 0)
		return 0;
	return ntohs(at.sin_port);
}

void binds_free(struct binds *b)
{
	if (!b)
		return;
	while (b->first)
		bind_free(b->first);
	evconnlistener_free(b->listener);
	event_free(b->retry);
	mem_free(b->waiting.items);
	mem_free(b->refused.items);
	buf_free(&b->scratch);
	mem_free(b);
}
