/* The HTTP adapter's row in the adapter table, its settings, and the life of a link. */
#include "adapters/http/http.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "adapters/http/link.h"
#include "adapters/http/settings.h"
#include "adapters/ussd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"

enum { STOP_WAIT_MS = 2000, STOP_LOOK_MS = 50, PATH_MAX_LEN = 4095 };

#define AT(field) offsetof(struct http_conf, field)

static const struct http_setting settings[] = {
	{"profile", HTTP_SETTING_TEXT, NULL, 1, PATH_MAX_LEN, AT(profile)},
	{"listen", HTTP_SETTING_TEXT, NULL, 1, 64, AT(listen)},
	{"path", HTTP_SETTING_TEXT, "", 0, 200, AT(path)},
	{"public_url", HTTP_SETTING_TEXT, NULL, 1, 1000, AT(public_url)},
	{"auth", HTTP_SETTING_TEXT, NULL, 1, 16, AT(auth)},
	{"auth_user", HTTP_SETTING_TEXT, NULL, 1, HTTP_SECRET_MAX, AT(auth_user)},
	{"auth_file", HTTP_SETTING_SECRET, NULL, 8, HTTP_SECRET_MAX, AT(auth_secret)},
	{"tls_cert", HTTP_SETTING_PATH, NULL, 1, PATH_MAX_LEN, AT(tls_cert)},
	{"tls_key", HTTP_SETTING_PATH, NULL, 1, PATH_MAX_LEN, AT(tls_key)},
	{"url", HTTP_SETTING_TEXT, NULL, 8, 1000, AT(url)},
	{"user", HTTP_SETTING_TEXT, NULL, 1, HTTP_SECRET_MAX, AT(user)},
	{"password_file", HTTP_SETTING_SECRET, NULL, 1, HTTP_SECRET_MAX, AT(password)},
	{"ca_file", HTTP_SETTING_PATH, NULL, 1, PATH_MAX_LEN, AT(ca_file)},
	{"carrier", HTTP_SETTING_TEXT, NULL, 1, INBOUND_NAME_MAX - 1, AT(carrier)},
	{"voice", HTTP_SETTING_TEXT, "111", 1, 16, AT(voice)},
	{"connections", HTTP_SETTING_NUMBER, "512", 1, 10000, AT(connections)},
	{"per_address", HTTP_SETTING_NUMBER, "64", 1, 10000, AT(per_address)},
	{"window", HTTP_SETTING_NUMBER, "16", 1, 1000, AT(window)},
	{"deadline", HTTP_SETTING_DURATION, "10s", 100, 120000, AT(deadline_ms)},
	{"kept_wait", HTTP_SETTING_DURATION, "8s", 100, 120000, AT(kept_ms)},
	{"idle", HTTP_SETTING_DURATION, "30s", 100, 600000, AT(idle_ms)},
	{"answer_wait", HTTP_SETTING_DURATION, "15s", 100, 120000, AT(answer_ms)},
	{"connect_wait", HTTP_SETTING_DURATION, "5s", 100, 60000, AT(connect_ms)},
	{"ussd_idle", HTTP_SETTING_DURATION, "75s", 1000, 600000, AT(ussd_idle_ms)},
};

enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

static const char *const keys[] = {
	"name", "adapter", "short_codes", "allow", "proxies", "profile", "listen", "path", "public_url", "auth",
	"auth_user", "auth_file", "tls_cert", "tls_key", "url", "user", "password_file", "ca_file", "carrier",
	"voice", "connections", "per_address", "window", "deadline", "kept_wait", "idle", "answer_wait",
	"connect_wait", "ussd_idle", NULL
};

static const char *const proofs[] = {
	[HTTP_PROOF_NONE] = "address",
	[HTTP_PROOF_BASIC] = "basic",
	[HTTP_PROOF_BEARER] = "bearer",
	[HTTP_PROOF_HMAC] = "hmac",
};

struct fault {
	char *text;
	size_t size;
};

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format, ...)
{
	char what[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(fault->text, fault->size, "%u:%u: %s", node->line, node->column, what);
	return false;
}

/* ---- making a link ---- */

static bool read_nets(const struct yaml_node *map, const char *key, struct http_nets *nets, const struct fault *fault)
{
	const struct yaml_node *list = yaml_find(map, key);

	if (list && list->kind != YAML_LIST)
		return fault_at(fault, list, "'%s' must be a list of addresses", key);
	for (size_t i = 0; list && i < list->count; i++) {
		const struct yaml_node *node = list->items[i];

		if (node->kind != YAML_SCALAR || !http_nets_add(nets, node->text))
			return fault_at(fault, node, "'%s' takes at most %d addresses or networks, such as 10.0.0.0/8",
					key, HTTP_NETS_MAX);
	}
	return true;
}

/* Nobody unknown gets in: by secret, or else by address. */
static bool read_gate(struct link *link, const struct yaml_node *map, const struct fault *fault)
{
	struct http_gate *gate = &link->gate;
	const char *auth = link->conf.auth;
	size_t proof = 0;

	if (!read_nets(map, "allow", &gate->allow, fault) || !read_nets(map, "proxies", &gate->proxies, fault))
		return false;
	if (!auth)
		return fault_at(fault, map, "an http link needs 'auth': basic, bearer, hmac, or address with an 'allow' list");
	while (proof <= HTTP_PROOF_HMAC && strcmp(proofs[proof], auth) != 0)
		proof++;
	if (proof > HTTP_PROOF_HMAC)
		return fault_at(fault, yaml_find(map, "auth"), "'auth' must be basic, bearer, hmac or address, found '%s'", auth);
	gate->proof = (enum http_proof)proof;
	if (proof == HTTP_PROOF_NONE && gate->allow.count == 0)
		return fault_at(fault, yaml_find(map, "auth"), "'auth: address' needs an 'allow' list");
	if (proof != HTTP_PROOF_NONE && !link->conf.auth_secret)
		return fault_at(fault, yaml_find(map, "auth"), "'auth: %s' needs 'auth_file'", auth);
	if (proof == HTTP_PROOF_BASIC && !link->conf.auth_user)
		return fault_at(fault, yaml_find(map, "auth"), "'auth: basic' needs 'auth_user'");
	gate->user = mem_strdup(link->conf.auth_user);
	gate->secret = mem_strdup(link->conf.auth_secret);
	return true;
}

/* A name is one of the installed profiles; anything with a slash or a dot is a file. */
static bool read_profile(struct link *link, const struct yaml_node *map, const struct fault *fault)
{
	const char *name = link->conf.profile, *folder = link->host->folder;
	char why[700], *file;

	if (!name)
		return fault_at(fault, map, "an http link needs 'profile'");
	if (!strpbrk(name, "/."))
		file = mem_printf("%s/http/%s.yaml", HOTLINED_DATA_DIR, name);
	else if (name[0] == '/' || !folder)
		file = mem_strdup(name);
	else
		file = mem_printf("%s/%s", folder, name);
	link->profile = http_profile_load(file, why, sizeof(why));
	mem_free(file);
	return link->profile || fault_at(fault, yaml_find(map, "profile"), "%s", why);
}

static bool read_source(struct link *link, const struct yaml_node *map, const struct fault *fault)
{
	const struct yaml_node *codes = yaml_find(map, "short_codes");

	if (codes && codes->kind != YAML_LIST)
		return fault_at(fault, codes, "'short_codes' must be a list");
	for (size_t i = 0; codes && i < codes->count; i++) {
		if (codes->items[i]->kind != YAML_SCALAR || strlen(codes->items[i]->text) >= INBOUND_ADDRESS_MAX)
			return fault_at(fault, codes->items[i], "a short code must be a number");
	}
	if (codes && codes->count > 0)
		snprintf(link->source, sizeof(link->source), "%s", codes->items[0]->text);
	return true;
}

static bool has_doors(const struct http_profile *profile)
{
	for (size_t i = 0; i < HTTP_DOORS; i++) {
		if (profile->doors[i].open)
			return true;
	}
	return false;
}

static bool wants_receipts(const struct http_send *send)
{
	for (size_t i = 0; i < send->field_count; i++) {
		if (strstr(send->fields[i].value, "{receipt_url}"))
			return true;
	}
	return send->json && strstr(send->json, "{receipt_url}");
}

static bool check_ways(const struct link *link, const struct yaml_node *map, const struct fault *fault)
{
	const struct http_conf *conf = &link->conf;
	const struct http_profile *profile = link->profile;

	if (!conf->listen && has_doors(profile))
		return fault_at(fault, map, "the profile '%s' has the provider call us: 'listen' is missing", profile->name);
	if (conf->path[0] && conf->path[0] != '/')
		return fault_at(fault, yaml_find(map, "path"), "'path' must begin with a slash");
	if (!conf->tls_cert != !conf->tls_key)
		return fault_at(fault, map, "'tls_cert' and 'tls_key' go together");
	if (conf->url && !profile->send.there)
		return fault_at(fault, yaml_find(map, "url"), "the profile '%s' sends no texts", profile->name);
	if (conf->url && wants_receipts(&profile->send) && !conf->public_url)
		return fault_at(fault, map, "the profile '%s' asks for receipts: 'public_url' is missing", profile->name);
	if (conf->url && strncmp(conf->url, "http://", 7) != 0 && strncmp(conf->url, "https://", 8) != 0)
		return fault_at(fault, yaml_find(map, "url"), "'url' must begin with http:// or https://");
	return true;
}

static bool open_server(struct link *link, const struct yaml_node *map, const struct fault *fault)
{
	const struct http_conf *conf = &link->conf;
	const struct http_server_conf server = {
		.listen = conf->listen, .cert_file = conf->tls_cert, .key_file = conf->tls_key,
		.deadline_ms = conf->deadline_ms, .answer_ms = conf->kept_ms, .idle_ms = conf->idle_ms,
		.connections = (unsigned)conf->connections, .per_address = (unsigned)conf->per_address,
	};
	char why[500];

	if (!conf->listen)
		return true;
	link->server = http_server_open(link->host->loop, &server, why, sizeof(why));
	if (!link->server)
		return fault_at(fault, yaml_find(map, "listen"), "%s", why);
	link->mounted = http_server_mount(link->server, conf->path, http_on_request, link);
	return link->mounted || fault_at(fault, map, "another link has the path '%s' on %s", conf->path, conf->listen);
}

static void on_stop_wait(void *arg);
static void on_pause_over(void *arg);

static void make_parts(struct link *link)
{
	const struct http_conf *conf = &link->conf;
	const struct http_client_conf client = {
		.ca_file = conf->ca_file, .connect_ms = conf->connect_ms, .answer_ms = conf->answer_ms};
	const struct ussd_conf ussd = {.adapter = "http", .link = link->name, .carrier = conf->carrier,
				       .source = link->source, .voice = conf->voice, .idle_ms = conf->ussd_idle_ms};

	link->pause = loop_timer_new(link->host->loop, on_pause_over, link);
	link->stopping = loop_timer_new(link->host->loop, on_stop_wait, link);
	link->client = http_client_new(link->host->loop, &client);
	if (link->profile->doors[HTTP_DOOR_USSD].open)
		link->ussd = ussd_new(link->host, &ussd);
}

static void destroy(struct link *link)
{
	http_owed_forget(link);
	ussd_free(link->ussd);
	http_client_free(link->client);
	if (link->mounted)
		http_server_unmount(link->server, link->conf.path, link);
	http_server_close(link->server);
	loop_timer_free(link->pause);
	loop_timer_free(link->stopping);
	http_gate_fini(&link->gate);
	http_profile_free(link->profile);
	http_settings_fini(settings, SETTINGS, &link->conf);
	mem_free(link);
}

static struct link *create(const struct adapter_host *host, const char *name, const struct yaml_node *map,
			   char *error, size_t error_size)
{
	struct fault fault = {error, error_size};
	struct link *link = mem_alloc(sizeof(*link));

	link->host = host;
	link->state = LINK_DOWN;
	snprintf(link->name, sizeof(link->name), "%s", name);
	if (!http_settings_read(settings, SETTINGS, map, host->folder, &link->conf, error, error_size) ||
	    !read_source(link, map, &fault) || !read_gate(link, map, &fault) || !read_profile(link, map, &fault) ||
	    !check_ways(link, map, &fault) || !open_server(link, map, &fault)) {
		destroy(link);
		return NULL;
	}
	if (!link->conf.carrier)
		link->conf.carrier = mem_strdup(name);
	make_parts(link);
	return link;
}

/* ---- its life ---- */

static void set_state(struct link *link, enum link_state state)
{
	link->state = state;
	link->host->state(link->host->ctx, link->name, state);
}

/* The state again: the host tries what it holds back. */
static void on_pause_over(void *arg)
{
	struct link *link = arg;

	if (link->state == LINK_BOUND)
		link->host->state(link->host->ctx, link->name, LINK_BOUND);
}

static void start(struct link *link)
{
	if (link->mounted)
		http_server_begin(link->server, link->conf.path, link);
	set_state(link, LINK_BOUND);
}

/* Requests are answered 503 from now on; calls under way may end. */
static void on_stop_wait(void *arg)
{
	struct link *link = arg;

	if (http_client_open(link->client) > 0 && link->failures++ < STOP_WAIT_MS / STOP_LOOK_MS) {
		loop_timer_set(link->stopping, STOP_LOOK_MS);
		return;
	}
	http_client_free(link->client); /* what is left ends as in doubt */
	link->client = NULL;
	ussd_free(link->ussd);
	link->ussd = NULL;
	set_state(link, LINK_STOPPED);
}

static void stop(struct link *link)
{
	link->state = LINK_DOWN;
	link->failures = 0;
	loop_timer_cancel(link->pause);
	loop_timer_set(link->stopping, 0);
}

static bool send(struct link *link, const struct outbound *out)
{
	if (out->channel == CHANNEL_USSD)
		return link->ussd && ussd_send(link->ussd, out);
	return http_submit(link, out);
}

static enum link_state state(const struct link *link)
{
	return link->state;
}

const struct adapter http_adapter = {
	.name = "http",
	.help = "texts and USSD through an aggregator's web interface",
	.keys = keys,
	.create = create,
	.start = start,
	.stop = stop,
	.destroy = destroy,
	.send = send,
	.state = state,
};
