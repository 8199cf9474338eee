/* The simulated carrier: takes every text, keeps none, is always there. */
#include "adapters/sim/sim.h"

#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"

/* A taken text whose outcome is still to be told. */
struct taken {
	struct taken *next;
	struct id16 id;
	char provider_ref[PROVIDER_REF_MAX];
};

struct link {
	const struct adapter_host *host; /* borrowed */
	char name[INBOUND_NAME_MAX], carrier[INBOUND_NAME_MAX];
	char source[INBOUND_ADDRESS_MAX]; /* what a text without a sender comes from */
	enum link_state state;
	struct taken *taken;              /* owned, oldest first */
	struct loop_timer *report_timer;  /* owned */
	struct ussd *ussd;                /* owned */
	unsigned long count;
};

static struct {
	sim_text_fn *fn;
	void *arg;
} listener;

static const char *const keys[] = { "name", "adapter", "carrier", "short_codes", NULL };

void sim_listen(sim_text_fn *fn, void *arg)
{
	listener.fn = fn;
	listener.arg = arg;
}

static void report(void *arg)
{
	struct link *link = arg;
	struct taken *taken;

	while ((taken = link->taken) != NULL) {
		link->taken = taken->next;
		link->host->sent(link->host->ctx, &taken->id, SENT_OK, taken->provider_ref);
		mem_free(taken);
	}
}

static void set_state(struct link *link, enum link_state state)
{
	link->state = state;
	link->host->state(link->host->ctx, link->name, state);
}

static bool copy_setting(const struct yaml_node *node, const char *key, char *out, size_t size,
                         char *error, size_t error_size)
{
	if (node->kind != YAML_SCALAR || !node->text[0] || strlen(node->text) >= size) {
		snprintf(error, error_size, "%u:%u: '%s' must have 1 to %zu characters", node->line,
		         node->column, key, size - 1);
		return false;
	}
	snprintf(out, size, "%s", node->text);
	return true;
}

static bool read_settings(struct link *link, const struct yaml_node *conf, char *error,
                          size_t error_size)
{
	const struct yaml_node *carrier = yaml_find(conf, "carrier");
	const struct yaml_node *codes = yaml_find(conf, "short_codes");

	if (carrier && !copy_setting(carrier, "carrier", link->carrier, sizeof(link->carrier), error,
	                             error_size))
		return false;
	if (codes && codes->kind != YAML_LIST) {
		snprintf(error, error_size, "%u:%u: 'short_codes' must be a list", codes->line,
		         codes->column);
		return false;
	}
	return !codes || codes->count == 0 ||
	       copy_setting(codes->items[0], "short_codes", link->source, sizeof(link->source), error,
	                    error_size);
}

enum { USSD_IDLE_MS = 75 * 1000 };

static struct link *create(const struct adapter_host *host, const char *name,
                           const struct yaml_node *conf, char *error, size_t error_size)
{
	struct link *link = mem_alloc(sizeof(*link));

	link->host = host;
	link->state = LINK_DOWN;
	snprintf(link->name, sizeof(link->name), "%s", name);
	snprintf(link->carrier, sizeof(link->carrier), "%s", name);
	if (!read_settings(link, conf, error, error_size)) {
		mem_free(link);
		return NULL;
	}
	link->report_timer = loop_timer_new(host->loop, report, link);
	link->ussd = ussd_new(host, &(struct ussd_conf){.adapter = "sim", .link = link->name,
	                                                .carrier = link->carrier, .source = link->source,
	                                                .voice = "111", .idle_ms = USSD_IDLE_MS});
	return link;
}

static void start(struct link *link)
{
	set_state(link, LINK_BOUND);
}

static void stop(struct link *link)
{
	loop_timer_cancel(link->report_timer);
	report(link);
	set_state(link, LINK_STOPPED);
}

static void destroy(struct link *link)
{
	loop_timer_free(link->report_timer);
	ussd_free(link->ussd);
	mem_free(link);
}

static bool send(struct link *link, const struct outbound *out)
{
	struct taken *taken, **last = &link->taken;

	if (link->state != LINK_BOUND)
		return false;
	if (out->channel == CHANNEL_USSD)
		return ussd_send(link->ussd, out);
	taken = mem_alloc(sizeof(*taken));
	taken->id = out->id;
	snprintf(taken->provider_ref, sizeof(taken->provider_ref), "sim-%lu", ++link->count);
	while (*last)
		last = &(*last)->next;
	*last = taken;
	loop_timer_set(link->report_timer, 0); /* not from within the host's own send */
	if (listener.fn)
		listener.fn(listener.arg, out->from[0] ? out->from : link->source, out->to, out->text);
	return true;
}

static enum link_state state(const struct link *link)
{
	return link->state;
}

bool sim_deliver(struct link *link, const char *from, const char *to, const char *text,
                 received_fn *done, void *arg)
{
	struct inbound in = { .adapter = "sim", .channel = CHANNEL_SMS, .alphabet = ALPHABET_UTF8 };
	size_t len = strlen(text);

	if (link->state != LINK_BOUND || len > INBOUND_BODY_MAX)
		return false;
	snprintf(in.link, sizeof(in.link), "%s", link->name);
	snprintf(in.carrier, sizeof(in.carrier), "%s", link->carrier);
	snprintf(in.source, sizeof(in.source), "%s", from);
	snprintf(in.dest, sizeof(in.dest), "%s", to);
	in.body = (uint8_t *)text;
	in.body_len = (uint32_t)len;
	link->host->inbound(link->host->ctx, &in, done, arg);
	return true;
}

bool sim_ussd(struct link *link, enum ussd_op op, const char *from, const char *to, const char *text,
              ussd_show_fn *show, void *arg)
{
	/* a phone has one session at a time: its number names it */
	const struct ussd_heard heard = { .op = op, .session = from, .session_len = strlen(from), .from = from,
	                                  .to = to, .text = text, .text_len = strlen(text) };

	if (link->state != LINK_BOUND)
		return false;
	ussd_hear(link->ussd, &heard, show, arg);
	return true;
}

const struct adapter sim_adapter = {
	.name = "sim",
	.help = "a phone inside the process",
	.keys = keys,
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.send = send,
	.state = state,
};
