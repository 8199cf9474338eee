/* The GSUP adapter's row in the adapter table, its settings, and the life of a link: an external USSD entity (EUSE)
 * of an Osmocom HLR. */
#include "adapters/gsup/gsup.h"

#include <stdio.h>
#include <string.h>

#include "adapters/gsup/link.h"
#include "adapters/gsup/ussd_string.h"
#include "adapters/http/settings.h"
#include "adapters/ussd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"

#define AT(field) offsetof(struct gsup_conf, field)

/* A component of up to 127 octets has lengths that every peer writes alike: with a string of 112. */
static const struct http_setting settings[] = {
	{"host", HTTP_SETTING_TEXT, NULL, 1, 253, AT(host)},
	{"port", HTTP_SETTING_NUMBER, "4222", 1, 65535, AT(port)},
	{"euse", HTTP_SETTING_TEXT, NULL, 1, 64, AT(euse)},
	{"carrier", HTTP_SETTING_TEXT, NULL, 1, INBOUND_NAME_MAX - 1, AT(carrier)},
	{"voice", HTTP_SETTING_TEXT, "111", 1, 16, AT(voice)},
	{"ctrl_host", HTTP_SETTING_TEXT, NULL, 1, 253, AT(ctrl_host)},
	{"ctrl_port", HTTP_SETTING_NUMBER, "4259", 1, 65535, AT(ctrl_port)},
	{"numbers", HTTP_SETTING_TEXT, "international", 1, 16, AT(numbers)},
	{"number_wait", HTTP_SETTING_DURATION, "300ms", 10, 1000, AT(number_ms)},
	{"screen_octets", HTTP_SETTING_NUMBER, "112", 20, USSD_STRING_MAX, AT(screen_octets)},
	{"ping", HTTP_SETTING_DURATION, "10s", 1000, 3600000, AT(ping_ms)},
	{"renew", HTTP_SETTING_DURATION, "10min", 60000, 86400000, AT(renew_ms)},
	{"ussd_idle", HTTP_SETTING_DURATION, "25s", 1000, 600000, AT(idle_ms)},
};

enum { SETTINGS = sizeof(settings) / sizeof(*settings), STOP_LOOK_MS = 50 };

static const char *const keys[] = {
	"name", "adapter", "short_codes", "host", "port", "euse", "carrier", "voice", "ctrl_host", "ctrl_port",
	"numbers", "number_wait", "screen_octets", "ping", "renew", "ussd_idle", NULL
};

/* Waits that no operator has needed to set yet. */
static void set_fixed_waits(struct gsup_conf *conf)
{
	conf->connect_ms = 15000;
	conf->retry_ms = 500;
	conf->retry_max_ms = 30000;
	conf->stop_ms = 2000;
	conf->keep_ms = 3600 * 1000;
	conf->keep_none_ms = 60 * 1000;
}

/* ---- its life ---- */

static void show(struct link *link, enum link_state state)
{
	if (link->state == state)
		return;
	link->state = state;
	link->host->state(link->host->ctx, link->name, state);
}

static void on_client_state(void *arg, enum ipa_client_state state)
{
	static const enum link_state shown[IPA_STATES] = {
		[IPA_IDLE] = LINK_DOWN, [IPA_WAITING] = LINK_DOWN, [IPA_CONNECTING] = LINK_CONNECTING,
		[IPA_IDENTIFYING] = LINK_CONNECTING, [IPA_UP] = LINK_BOUND, [IPA_CLOSING] = LINK_DOWN,
		[IPA_STOPPED] = LINK_STOPPED};
	struct link *link = arg;

	if (state == IPA_WAITING)
		ussd_break_all(link->ussd);
	if (state == IPA_UP) {
		log_info(link->name, "the HLR knows us");
		link->heard = true;
		loop_timer_set(link->renew, link->conf.renew_ms);
	} else {
		loop_timer_cancel(link->renew);
	}
	show(link, shown[state]);
}

static void on_frame(void *arg, const struct ipa_frame *frame)
{
	if (frame->proto == IPA_PROTO_OSMO && frame->extension == IPA_EXT_GSUP)
		dialogue_hear(arg, frame->body, frame->body_len);
}

static const struct ipa_client_events client_events = {on_client_state, on_frame};

/* The HLR gives a name to one connection and never tells the next one that it was left without: a link that hears
 * of no phone for long, and has none on the line, takes its name anew. */
static void on_renew(void *arg)
{
	struct link *link = arg;

	loop_timer_set(link->renew, link->conf.renew_ms);
	if (!link->heard && !link->asked && ussd_count(link->ussd) == 0) {
		log_debug(link->name, "nothing came for long: connecting anew");
		ipa_client_reconnect(link->client);
		return;
	}
	link->heard = false;
}

static void start(struct link *link)
{
	numbers_start(link->numbers);
	ipa_client_start(link->client);
}

/* Screens that are owed get a last chance. */
static void on_stopping(void *arg)
{
	struct link *link = arg;

	if (link->asked && link->stop_left_ms > 0) {
		link->stop_left_ms -= STOP_LOOK_MS;
		loop_timer_set(link->stopping, STOP_LOOK_MS);
		return;
	}
	numbers_free(link->numbers);
	link->numbers = NULL;
	ussd_free(link->ussd);
	link->ussd = NULL;
	ipa_client_stop(link->client);
}

static void stop(struct link *link)
{
	loop_timer_cancel(link->renew);
	link->stop_left_ms = link->conf.stop_ms;
	loop_timer_set(link->stopping, 0);
}

static bool send(struct link *link, const struct outbound *out)
{
	return out->channel == CHANNEL_USSD && link->ussd && ussd_send(link->ussd, out);
}

static enum link_state state(const struct link *link)
{
	return link->state;
}

static void status(const struct link *link, struct link_status *s)
{
	static const char *const words[] = {[LINK_DOWN] = "waiting", [LINK_CONNECTING] = "connecting",
					    [LINK_BOUND] = "bound", [LINK_STOPPED] = "stopped"};

	*s = (struct link_status){.connections = 1, .bound = link->state == LINK_BOUND};
	s->deliveries = link->counts.turns + link->counts.ends;
	s->undecodable = link->counts.unreadable;
	s->unknown = link->counts.refused;
	s->in_flight = link->ussd ? (unsigned)ussd_count(link->ussd) : 0;
	snprintf(s->state, sizeof(s->state), "%s", words[link->state]);
}

static void destroy(struct link *link)
{
	numbers_free(link->numbers);
	ussd_free(link->ussd);
	ipa_client_free(link->client);
	loop_timer_free(link->renew);
	loop_timer_free(link->stopping);
	http_settings_fini(settings, SETTINGS, &link->conf);
	mem_free(link->identity);
	mem_free(link);
}

/* ---- making a link ---- */

static bool fault(char *error, size_t size, const struct yaml_node *node, const char *what)
{
	snprintf(error, size, "%u:%u: %s", node->line, node->column, what);
	return false;
}

static bool read_source(struct link *link, const struct yaml_node *map, char *error, size_t error_size)
{
	const struct yaml_node *codes = yaml_find(map, "short_codes");

	if (codes && codes->kind != YAML_LIST)
		return fault(error, error_size, codes, "'short_codes' must be a list");
	for (size_t i = 0; codes && i < codes->count; i++) {
		if (codes->items[i]->kind != YAML_SCALAR || strlen(codes->items[i]->text) >= INBOUND_ADDRESS_MAX)
			return fault(error, error_size, codes->items[i], "a short code must be a number");
	}
	if (codes && codes->count > 0)
		snprintf(link->source, sizeof(link->source), "%s", codes->items[0]->text);
	return true;
}

static bool check(const struct link *link, const struct yaml_node *map, char *error, size_t error_size)
{
	const struct gsup_conf *conf = &link->conf;

	if (!conf->host)
		return fault(error, error_size, map, "a gsup link needs 'host', the HLR's address");
	if (!conf->euse)
		return fault(error, error_size, map, "a gsup link needs 'euse', our name in the HLR's configuration");
	if (strcmp(conf->numbers, "international") != 0 && strcmp(conf->numbers, "national") != 0)
		return fault(error, error_size, yaml_find(map, "numbers"), "'numbers' must be international or national");
	return true;
}

static void make_parts(struct link *link)
{
	const struct gsup_conf *conf = &link->conf;
	const struct ussd_conf ussd = {.adapter = "gsup", .link = link->name, .carrier = conf->carrier,
				       .source = link->source, .voice = conf->voice, .idle_ms = conf->idle_ms};
	const struct ipa_client_conf client = {
		.name = link->name, .host = conf->host, .port = (uint16_t)conf->port, .identity = link->identity,
		.connect_ms = conf->connect_ms, .ping_ms = conf->ping_ms, .retry_ms = conf->retry_ms,
		.retry_max_ms = conf->retry_max_ms, .close_ms = conf->stop_ms};
	const struct numbers_conf numbers = {
		.name = link->name, .host = conf->ctrl_host, .port = (uint16_t)conf->ctrl_port,
		.wait_ms = conf->number_ms, .keep_ms = conf->keep_ms, .keep_none_ms = conf->keep_none_ms,
		.connect_ms = conf->connect_ms, .retry_ms = conf->retry_ms, .retry_max_ms = conf->retry_max_ms};
	struct loop *loop = link->host->loop;

	link->renew = loop_timer_new(loop, on_renew, link);
	link->stopping = loop_timer_new(loop, on_stopping, link);
	link->ussd = ussd_new(link->host, &ussd);
	link->numbers = numbers_new(loop, &numbers);
	link->client = ipa_client_new(loop, &client, &client_events, link);
}

static struct link *create(const struct adapter_host *host, const char *name, const struct yaml_node *map,
			   char *error, size_t error_size)
{
	struct link *link = mem_alloc(sizeof(*link));

	link->host = host;
	link->state = LINK_DOWN;
	snprintf(link->name, sizeof(link->name), "%s", name);
	if (!http_settings_read(settings, SETTINGS, map, host->folder, &link->conf, error, error_size) ||
	    !read_source(link, map, error, error_size) || !check(link, map, error, error_size)) {
		destroy(link);
		return NULL;
	}
	set_fixed_waits(&link->conf);
	if (!link->conf.carrier)
		link->conf.carrier = mem_strdup(name);
	link->identity = mem_printf("EUSE-%s", link->conf.euse);
	make_parts(link);
	return link;
}

const struct adapter gsup_adapter = {
	.name = "gsup",
	.help = "USSD straight from an Osmocom HLR, as its external USSD entity",
	.keys = keys,
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.send = send,
	.state = state,
	.status = status,
};
