/* Canaries: one bird for each link that has one. */
#include "path/canary.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "core/charset.h"
#include "path/hotline.h"
#include "path/links.h"
#include "path/outbox.h"

enum {
	BIRDS_MAX = 32,
	TOKEN_OCTETS = 8,
	TEXT_MAX = 4 + 2 * TOKEN_OCTETS + 1, /* "HLC " and the token */
	EVERY_MIN_MS = 10 * 1000,
	EVERY_MAX_MS = 24 * 3600 * 1000
};

/* What the configuration says of one. */
struct cage {
	char link[INBOUND_NAME_MAX];
	char to[INBOUND_ADDRESS_MAX];
	int64_t every_ms;
	bool receipt; /* its delivery receipt is enough: nothing sends it back */
};

struct bird {
	struct canary *canary;
	struct cage cage;
	struct loop_timer *timer; /* owned */
	bool out;                 /* sent and not yet back */
	char text[TEXT_MAX];
	char ref[PROVIDER_REF_MAX]; /* the carrier's id of it, "" until known */
	struct id16 id;
	struct canary_status status;
};

struct canary {
	struct hotline *h;              /* borrowed */
	struct bird *birds[BIRDS_MAX];  /* owned */
	size_t count;
	bool running;
};

/* ---- configuration ---- */

static bool fault(const struct yaml_node *node, const char *text, char *error, size_t error_size)
{
	snprintf(error, error_size, "%u:%u: %s", node->line, node->column, text);
	return false;
}

static bool read_cage(const struct yaml_node *link, const struct yaml_node *map, struct cage *cage,
		      char *error, size_t error_size)
{
	const struct yaml_node *to, *every, *expect;

	if (map->kind != YAML_MAP)
		return fault(map, "'canary' must be a map: {to: NUMBER, every: 5min}", error, error_size);
	to = yaml_find(map, "to");
	every = yaml_find(map, "every");
	expect = yaml_find(map, "expect");
	if (map->count != (size_t)(to != NULL) + (every != NULL) + (expect != NULL))
		return fault(map, "'canary' knows to, every and expect", error, error_size);
	if (!to || to->kind != YAML_SCALAR || !to->text[0] || strlen(to->text) >= sizeof(cage->to))
		return fault(to ? to : map, "'canary' needs 'to': the number that sends it back", error,
			     error_size);
	cage->every_ms = 5 * 60 * 1000;
	if (every && (every->kind != YAML_SCALAR || !yaml_duration_ms(every->text, &cage->every_ms) ||
		      cage->every_ms < EVERY_MIN_MS || cage->every_ms > EVERY_MAX_MS))
		return fault(every, "'every' must be a duration between 10s and 24h", error, error_size);
	if (expect && (expect->kind != YAML_SCALAR ||
		       (strcmp(expect->text, "text") != 0 && strcmp(expect->text, "receipt") != 0)))
		return fault(expect, "'expect' must be text or receipt", error, error_size);
	cage->receipt = expect && strcmp(expect->text, "receipt") == 0;
	snprintf(cage->to, sizeof(cage->to), "%s", to->text);
	snprintf(cage->link, sizeof(cage->link), "%.31s", yaml_find(link, "name")->text);
	return true;
}

static bool read_cages(const struct yaml_node *links, struct cage cages[BIRDS_MAX], size_t *count,
		       char *error, size_t error_size)
{
	*count = 0;
	for (size_t i = 0; i < links->count && *count < BIRDS_MAX; i++) {
		const struct yaml_node *map = yaml_find(links->items[i], "canary");

		if (!map)
			continue;
		cages[*count] = (struct cage){0};
		if (!read_cage(links->items[i], map, &cages[*count], error, error_size))
			return false;
		++*count;
	}
	return true;
}

bool canary_check(const struct conf *conf, char *error, size_t error_size)
{
	struct cage cages[BIRDS_MAX];
	char why[200];
	size_t count;

	if (read_cages(conf->links, cages, &count, why, sizeof(why)))
		return true;
	snprintf(error, error_size, "%s:%s", conf->file, why);
	return false;
}

/* ---- flying ---- */

static void came_back(struct bird *bird)
{
	if (bird->status.misses >= CANARY_ALARM)
		log_info("canary", "link=%s the carrier carries again", bird->cage.link);
	bird->out = false;
	bird->status.misses = 0;
	bird->status.came_us = loop_wall_us(bird->canary->h->loop);
}

static void lost(struct bird *bird)
{
	bird->status.lost++;
	if (++bird->status.misses < CANARY_ALARM)
		log_warn("canary", "link=%s one did not come back", bird->cage.link);
	else
		log_error("canary", "ALARM link=%s the carrier is silent: %u in a row did not come back",
			  bird->cage.link, bird->status.misses);
}

/* A bird is looked for by the id of its text: it may have gone with its link meanwhile. */
struct flight {
	struct canary *canary;
	struct id16 id;
};

static void on_sent(void *arg, enum sent_state state, const char *provider_ref)
{
	struct flight *flight = arg;
	struct canary *canary = flight->canary;

	for (size_t i = 0; i < canary->count; i++) {
		struct bird *bird = canary->birds[i];

		if (state == SENT_OK && memcmp(bird->id.b, flight->id.b, sizeof(flight->id.b)) == 0)
			snprintf(bird->ref, sizeof(bird->ref), "%s", provider_ref);
	}
	mem_free(flight);
}

static void fly(struct bird *bird)
{
	struct outbound out = {.channel = CHANNEL_SMS, .priority = OUTBOUND_REPLY, .only_link = true,
			       .receipt = bird->cage.receipt, .text = bird->text};
	struct flight *flight = mem_alloc(sizeof(*flight));
	uint8_t token[TOKEN_OCTETS];
	char hex[2 * TOKEN_OCTETS + 1];

	randombytes_buf(token, sizeof(token));
	randombytes_buf(bird->id.b, sizeof(bird->id.b));
	hex_encode(token, sizeof(token), hex);
	snprintf(bird->text, sizeof(bird->text), "HLC %s", hex);
	bird->ref[0] = '\0';
	bird->out = true;
	flight->canary = bird->canary;
	flight->id = out.id = bird->id;
	snprintf(out.link, sizeof(out.link), "%s", bird->cage.link);
	snprintf(out.to, sizeof(out.to), "%s", bird->cage.to);
	out.validity_ms = bird->cage.every_ms;
	outbox_send(bird->canary->h->outbox, &out, on_sent, flight);
}

/* A link that an operator holds back is silent with reason. */
static bool held_back(const struct bird *bird)
{
	const struct way *way = links_find(outbox_links(bird->canary->h->outbox), bird->cage.link);
	struct link_status status = {0};

	if (way && way->adapter->status)
		way->adapter->status(way->link, &status);
	return status.paused || status.drained;
}

static void on_time(void *arg)
{
	struct bird *bird = arg;

	if (held_back(bird)) {
		bird->out = false;
	} else {
		if (bird->out)
			lost(bird);
		fly(bird);
	}
	loop_timer_set(bird->timer, bird->cage.every_ms);
}

/* ---- coming back ---- */

bool canary_came(struct canary *canary, const struct inbound *in)
{
	struct buf text = {0};
	bool ours = false;

	/* Not worth decoding unless it is as long as one: as octets, or as UTF-16. */
	if (!canary || canary->count == 0 ||
	    (in->body_len != TEXT_MAX - 1 && in->body_len != 2 * (TEXT_MAX - 1)))
		return false;
	charset_to_utf8(in->alphabet, in->body, in->body_len, &text);
	for (size_t i = 0; i < canary->count && !ours; i++) {
		struct bird *bird = canary->birds[i];

		ours = bird->out && strcmp(bird->text, buf_cstr(&text)) == 0;
		if (ours)
			came_back(bird);
	}
	buf_free(&text);
	return ours;
}

bool canary_receipt(struct canary *canary, const struct receipt *receipt)
{
	for (size_t i = 0; canary && i < canary->count; i++) {
		struct bird *bird = canary->birds[i];

		if (!bird->ref[0] || strcmp(bird->ref, receipt->provider_ref) != 0)
			continue;
		if (bird->cage.receipt && bird->out && receipt->status == RECEIPT_DELIVERED)
			came_back(bird);
		return true;
	}
	return false;
}

void canary_status(const struct canary *canary, const char *link, struct canary_status *status)
{
	*status = (struct canary_status){0};
	for (size_t i = 0; i < canary->count; i++) {
		if (strcmp(canary->birds[i]->cage.link, link) == 0)
			*status = canary->birds[i]->status;
	}
}

/* ---- life ---- */

static void bird_free(struct bird *bird)
{
	loop_timer_free(bird->timer);
	mem_free(bird);
}

static struct bird *bird_new(struct canary *canary, const struct cage *cage)
{
	struct bird *bird = mem_alloc(sizeof(*bird));

	bird->canary = canary;
	bird->cage = *cage;
	bird->status.watched = true;
	bird->timer = loop_timer_new(canary->h->loop, on_time, bird);
	return bird;
}

static bool same(const struct cage *a, const struct cage *b)
{
	return strcmp(a->link, b->link) == 0 && strcmp(a->to, b->to) == 0 && a->every_ms == b->every_ms &&
	       a->receipt == b->receipt;
}

/* The bird of an unchanged cage stays. */
static struct bird *keep_or_make(struct canary *canary, const struct cage *cage)
{
	for (size_t i = 0; i < canary->count; i++) {
		struct bird *bird = canary->birds[i];

		if (bird && same(&bird->cage, cage)) {
			canary->birds[i] = NULL;
			return bird;
		}
	}
	return bird_new(canary, cage);
}

static void settle(struct canary *canary, const struct cage cages[], size_t count)
{
	struct bird *birds[BIRDS_MAX];

	for (size_t i = 0; i < count; i++)
		birds[i] = keep_or_make(canary, &cages[i]);
	for (size_t i = 0; i < canary->count; i++) {
		if (canary->birds[i])
			bird_free(canary->birds[i]);
	}
	memcpy(canary->birds, birds, count * sizeof(*birds));
	canary->count = count;
	for (size_t i = 0; i < count && canary->running; i++) {
		if (!loop_timer_armed(birds[i]->timer))
			loop_timer_set(birds[i]->timer, birds[i]->cage.every_ms);
	}
}

struct canary *canary_new(struct hotline *h, char *error, size_t error_size)
{
	struct canary *canary = mem_alloc(sizeof(*canary));
	struct cage cages[BIRDS_MAX];
	char why[200];
	size_t count;

	canary->h = h;
	if (read_cages(h->conf->links, cages, &count, why, sizeof(why))) {
		settle(canary, cages, count);
		return canary;
	}
	snprintf(error, error_size, "%s:%s", h->conf->file, why);
	mem_free(canary);
	return NULL;
}

void canary_reload(struct canary *canary, const struct yaml_node *links)
{
	struct cage cages[BIRDS_MAX];
	char why[200];
	size_t count;

	if (canary && read_cages(links, cages, &count, why, sizeof(why)))
		settle(canary, cages, count);
}

void canary_start(struct canary *canary)
{
	canary->running = true;
	for (size_t i = 0; i < canary->count; i++)
		loop_timer_set(canary->birds[i]->timer, canary->birds[i]->cage.every_ms);
}

void canary_free(struct canary *canary)
{
	if (!canary)
		return;
	for (size_t i = 0; i < canary->count; i++)
		bird_free(canary->birds[i]);
	mem_free(canary);
}
