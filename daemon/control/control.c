/* Lines of JSON over a unix socket. */
#include "control/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/sim/sim.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "control/door.h"
#include "core/charset.h"
#include "path/hotline.h"
#include "path/links.h"
#include "path/outbox.h"

enum { LINE_MAX_LEN = 1024 * 1024, CLIENTS_MAX = 64, OUTPUT_MAX = 64 * 1024 * 1024 };

struct control_client {
	struct control_client *next;
	struct control *control;
	struct bufferevent *io;          /* owned */
	struct control_request *pending; /* owned by themselves */
	uint8_t nonce[32];
	bool nonce_valid;
	char watches[INBOUND_NAME_MAX];  /* name of the link it watches, or "" */
	json_t *phone;                   /* owned: numbers this client is a phone of, or NULL */
};

struct control {
	struct hotline *h; /* borrowed */
	char *path;        /* owned */
	int fd;
	struct event *accept;
	struct control_client *clients; /* owned */
	size_t count;
};

/* ---- writing ---- */

static void write_line(struct control_client *client, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text && evbuffer_get_length(bufferevent_get_output(client->io)) < OUTPUT_MAX) {
		bufferevent_write(client->io, text, strlen(text));
		bufferevent_write(client->io, "\n", 1);
	}
	free(text);
}

static void request_free(struct control_request *request)
{
	struct control_request **at = request->client ? &request->client->pending : NULL;

	while (at && *at && *at != request)
		at = &(*at)->next;
	if (at && *at)
		*at = request->next;
	json_decref(request->args);
	mem_free(request);
}

void control_answer(struct control_request *request, json_t *data)
{
	json_t *line = json_pack("{s:b,s:o}", "ok", 1, "data", data ? data : json_null());

	if (request->client)
		write_line(request->client, line);
	json_decref(line);
	request_free(request);
}

void control_refuse(struct control_request *request, int exit_status, const char *format, ...)
{
	char text[2048];
	struct buf clean = {0};
	json_t *line;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	charset_to_utf8(ALPHABET_UTF8, text, strlen(text), &clean); /* JSON holds nothing else */
	line = json_pack("{s:b,s:s,s:i}", "ok", 0, "error", buf_cstr(&clean), "exit", exit_status);
	if (request->client)
		write_line(request->client, line);
	json_decref(line);
	buf_free(&clean);
	request_free(request);
}

void control_event(struct control_client *client, json_t *event)
{
	write_line(client, event);
	json_decref(event);
}

uint8_t *control_nonce(struct control_client *client, bool **valid)
{
	*valid = &client->nonce_valid;
	return client->nonce;
}

/* ---- phones ---- */

void control_be_phone(struct control_client *client, const json_t *numbers)
{
	json_decref(client->phone);
	client->phone = json_deep_copy(numbers);
}

static bool has_number(const json_t *phone, const char *number)
{
	size_t i;
	const json_t *item;

	json_array_foreach(phone, i, item) {
		const char *text = json_string_value(item);

		if (text && strcmp(text, number) == 0)
			return true;
	}
	return false;
}

static void on_phone_text(void *arg, const char *from, const char *to, const char *text)
{
	struct control *control = arg;

	for (struct control_client *c = control->clients; c; c = c->next) {
		if (c->phone && has_number(c->phone, to))
			control_event(c, json_pack("{s:s,s:s,s:s,s:s}", "event", "text", "to", to, "from", from,
						   "text", text));
	}
}

/* ---- watchers of a link ---- */

static void on_passed(void *arg, const char *link, bool out, const char *line)
{
	struct control *control = arg;

	for (struct control_client *c = control->clients; c; c = c->next) {
		if (strcmp(c->watches, link) == 0)
			control_event(c, json_pack("{s:s,s:s,s:s,s:s,s:f}", "event", "pdu", "link", link, "way",
						   out ? "out" : "in", "text", line, "at",
						   (double)loop_wall_us(control->h->loop) / 1e6));
	}
}

/* Asks the link to tell, or not to any more, as somebody watches it or nobody. */
static void arrange_watch(struct control *control, const char *link)
{
	struct way *way = control->h->outbox ? links_find(outbox_links(control->h->outbox), link) : NULL;
	bool watched = false;

	for (const struct control_client *c = control->clients; c; c = c->next)
		watched = watched || strcmp(c->watches, link) == 0;
	if (way && way->adapter->trace)
		way->adapter->trace(way->link, watched ? on_passed : NULL, control);
}

void control_be_watcher(struct control_client *client, const char *link)
{
	char before[INBOUND_NAME_MAX];

	memcpy(before, client->watches, sizeof(before));
	snprintf(client->watches, sizeof(client->watches), "%s", link);
	if (before[0])
		arrange_watch(client->control, before);
	arrange_watch(client->control, link);
}

/* A text on its way from a phone into the spool; the phone may hang up meanwhile. */
struct sending {
	struct control *control;
	struct control_client *client;
};

static bool still_there(const struct control *control, const struct control_client *client)
{
	for (const struct control_client *c = control->clients; c; c = c->next) {
		if (c == client)
			return true;
	}
	return false;
}

static void on_received(void *arg, bool ok)
{
	struct sending *s = arg;

	if (still_there(s->control, s->client))
		control_event(s->client, json_pack("{s:s}", "event", ok ? "received" : "refused"));
	mem_free(s);
}

static void phone_sends(struct control_client *client, const json_t *message)
{
	const char *from = json_string_value(json_object_get(message, "from"));
	const char *to = json_string_value(json_object_get(message, "to"));
	const char *text = json_string_value(json_object_get(message, "text"));
	struct link *sim = outbox_sim(client->control->h->outbox);
	struct sending *s = mem_alloc(sizeof(*s));

	s->control = client->control;
	s->client = client;
	if (!sim || !from || !to || !text || !sim_deliver(sim, from, to, text, on_received, s))
		on_received(s, false);
}

/* ---- dialling ---- */

struct dialling {
	struct control *control;
	struct control_client *client;
	char number[INBOUND_ADDRESS_MAX];
};

static void on_screen(void *arg, enum ussd_fate fate, const char *text, bool more)
{
	struct dialling *d = arg;

	if (still_there(d->control, d->client) && fate == USSD_SCREEN)
		control_event(d->client, json_pack("{s:s,s:s,s:s,s:b}", "event", "screen", "to", d->number, "text",
						   text, "more", more));
	else if (still_there(d->control, d->client))
		control_event(d->client, json_pack("{s:s}", "event", fate == USSD_NOTED ? "received" : "refused"));
	mem_free(d);
}

static enum ussd_op op_named(const char *name)
{
	static const struct {
		const char *name;
		enum ussd_op op;
	} ops[] = {{"begin", USSD_BEGIN}, {"answer", USSD_CONTINUE}, {"end", USSD_END}, {"timeout", USSD_TIMEOUT}};

	for (size_t i = 0; name && i < sizeof(ops) / sizeof(*ops); i++) {
		if (strcmp(ops[i].name, name) == 0)
			return ops[i].op;
	}
	return USSD_NONE;
}

static void phone_dials(struct control_client *client, const json_t *message)
{
	enum ussd_op op = op_named(json_string_value(json_object_get(message, "op")));
	const char *from = json_string_value(json_object_get(message, "from"));
	const char *to = json_string_value(json_object_get(message, "to"));
	const char *text = json_string_value(json_object_get(message, "text"));
	struct link *sim = outbox_sim(client->control->h->outbox);
	struct dialling *d = mem_alloc(sizeof(*d));

	d->control = client->control;
	d->client = client;
	snprintf(d->number, sizeof(d->number), "%s", from ? from : "");
	if (!sim || op == USSD_NONE || !from || !to || !text || !sim_ussd(sim, op, from, to, text, on_screen, d))
		on_screen(d, USSD_UNHEARD, "", false);
}

/* ---- reading ---- */

static void take_line(struct control_client *client, const char *line, size_t len)
{
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *command = json_string_value(json_object_get(root, "cmd"));
	const json_t *send = json_object_get(root, "send"), *dial = json_object_get(root, "ussd");
	struct control_request *request;
	json_t *args;

	if (client->phone && json_is_object(send)) {
		phone_sends(client, send);
		json_decref(root);
		return;
	}
	if (client->phone && json_is_object(dial)) {
		phone_dials(client, dial);
		json_decref(root);
		return;
	}
	request = mem_alloc(sizeof(*request));
	request->hotline = client->control->h;
	request->client = client;
	request->next = client->pending;
	client->pending = request;
	args = json_object_get(root, "args");
	request->args = json_is_object(args) ? json_incref(args) : json_object();
	if (command)
		control_run(request, command);
	else
		control_refuse(request, CONTROL_EXIT_USAGE, "a request is one JSON object with \"cmd\"");
	json_decref(root);
}

static void client_free(struct control_client *client)
{
	struct control *control = client->control;
	struct control_client **at = &control->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	control->count--;
	if (client->watches[0])
		arrange_watch(control, client->watches);
	for (struct control_request *r = client->pending; r; r = r->next)
		r->client = NULL;
	bufferevent_free(client->io);
	json_decref(client->phone);
	explicit_bzero(client->nonce, sizeof(client->nonce));
	mem_free(client);
}

static void on_readable(struct bufferevent *io, void *arg)
{
	struct control_client *client = arg;
	struct evbuffer *input = bufferevent_get_input(io);
	size_t len;
	char *line;

	while ((line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF))) {
		take_line(client, line, len);
		explicit_bzero(line, len);
		free(line);
	}
	if (evbuffer_get_length(input) > LINE_MAX_LEN)
		client_free(client);
}

static void on_event(struct bufferevent *io, short what, void *arg)
{
	(void)io;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		client_free(arg);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct control *control = arg;
	struct control_client *client;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (peer < 0)
		return;
	if (control->count >= CLIENTS_MAX) {
		close(peer);
		return;
	}
	client = mem_alloc(sizeof(*client));
	client->control = control;
	client->io = bufferevent_socket_new(loop_base(control->h->loop), peer, BEV_OPT_CLOSE_ON_FREE);
	client->next = control->clients;
	control->clients = client;
	control->count++;
	bufferevent_setcb(client->io, on_readable, NULL, on_event, client);
	bufferevent_enable(client->io, EV_READ | EV_WRITE);
}

/* ---- the socket ---- */

struct control *control_new(struct hotline *h, const char *path, char *error, size_t error_size)
{
	struct control *control;
	int fd = door_open(path, 0600);

	if (fd < 0) {
		snprintf(error, error_size, "control socket %s: %s", path, strerror(errno));
		return NULL;
	}
	control = mem_alloc(sizeof(*control));
	control->h = h;
	control->path = mem_strdup(path);
	control->fd = fd;
	control->accept = event_new(loop_base(h->loop), fd, EV_READ | EV_PERSIST, on_accept, control);
	event_add(control->accept, NULL);
	sim_listen(on_phone_text, control);
	return control;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	sim_listen(NULL, NULL);
	while (control->clients)
		client_free(control->clients);
	event_free(control->accept);
	close(control->fd);
	unlink(control->path);
	mem_free(control->path);
	mem_free(control);
}
