/* The SMPP adapter's row in the adapter table, and its settings. */
#include "adapters/smpp/smpp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/mem.h"
#include "base/yaml.h"

/* ---- settings: one row each ---- */

enum setting_kind { SETTING_TEXT, SETTING_NUMBER, SETTING_DURATION };

struct setting {
	const char *key;
	enum setting_kind kind;
	bool needed;
	const char *fallback; /* as it would be written in the file; NULL = leave unset */
	int64_t low, high;    /* number: value; text: octets; duration: milliseconds */
	size_t at;            /* offset in struct values */
};

/* Values as read; struct smpp_conf takes them over. */
struct values {
	char *name, *carrier, *host, *system_id, *password_file, *system_type, *source, *dcs0;
	int64_t port, window, refusal, source_ton, source_npi;
	int64_t enquire_ms, answer_ms;
};

#define AT(field) offsetof(struct values, field)

static const struct setting settings[] = {
	{ "name", SETTING_TEXT, true, NULL, 1, INBOUND_NAME_MAX - 1, AT(name) },
	{ "carrier", SETTING_TEXT, false, NULL, 1, INBOUND_NAME_MAX - 1, AT(carrier) },
	{ "host", SETTING_TEXT, true, NULL, 1, 253, AT(host) },
	{ "port", SETTING_NUMBER, false, "2775", 1, 65535, AT(port) },
	{ "system_id", SETTING_TEXT, true, NULL, 0, 15, AT(system_id) },
	{ "password_file", SETTING_TEXT, true, NULL, 1, 4095, AT(password_file) },
	{ "system_type", SETTING_TEXT, false, "", 0, 12, AT(system_type) },
	{ "source", SETTING_TEXT, false, NULL, 0, 20, AT(source) },
	{ "source_ton", SETTING_NUMBER, false, "-1", 0, 7, AT(source_ton) },
	{ "source_npi", SETTING_NUMBER, false, "-1", 0, 18, AT(source_npi) },
	{ "window", SETTING_NUMBER, false, "10", 1, 1000, AT(window) },
	{ "enquire_link", SETTING_DURATION, false, "30s", 1000, 3600000, AT(enquire_ms) },
	{ "answer_wait", SETTING_DURATION, false, "60s", 1000, 600000, AT(answer_ms) },
	{ "dcs0", SETTING_TEXT, false, "gsm7", 1, 16, AT(dcs0) },
	{ "refusal", SETTING_NUMBER, false, "0x14", 1, 0xffffffff, AT(refusal) },
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]), PASSWORD_MAX = 64 };

static const char *const keys[] = {
	"name", "adapter", "carrier", "host", "port", "system_id", "password_file", "system_type",
	"short_codes", "source", "source_ton", "source_npi", "window", "enquire_link", "answer_wait",
	"dcs0", "refusal", NULL
};

static const struct {
	const char *word;
	enum alphabet alphabet;
} dcs0_words[] = {
	{ "gsm7", ALPHABET_GSM7 },
	{ "latin1", ALPHABET_LATIN1 },
	{ "ascii", ALPHABET_ASCII },
	{ "utf8", ALPHABET_UTF8 },
};

/* ---- reading them ---- */

struct fault {
	char *text;
	size_t size;
};

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format,
                     ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(fault->text, fault->size, "%u:%u: %s", node->line, node->column, what);
	return false;
}

static bool read_number(const char *text, int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 0);
	return errno == 0 && end != text && *end == '\0';
}

static bool read_text(const struct setting *s, const struct yaml_node *node, void *at,
                      const struct fault *fault)
{
	int64_t len = (int64_t)strlen(node->text);

	if (len < s->low || len > s->high)
		return fault_at(fault, node, "'%s' must have %lld to %lld characters, found %lld", s->key,
		                (long long)s->low, (long long)s->high, (long long)len);
	*(char **)at = mem_strdup(node->text);
	return true;
}

static bool read_quantity(const struct setting *s, const struct yaml_node *node, void *at,
                          const struct fault *fault)
{
	bool duration = s->kind == SETTING_DURATION;
	int64_t value;

	if (!(duration ? yaml_duration_ms(node->text, &value) : read_number(node->text, &value)))
		return fault_at(fault, node, "'%s' must be a %s, found '%s'", s->key,
		                duration ? "duration such as 30s or 2min" : "number", node->text);
	if (value < s->low || value > s->high)
		return fault_at(fault, node, "'%s' must lie between %lld and %lld%s, found %lld", s->key,
		                (long long)s->low, (long long)s->high, duration ? " ms" : "",
		                (long long)value);
	*(int64_t *)at = value;
	return true;
}

static void set_fallback(const struct setting *s, void *at)
{
	if (!s->fallback)
		return;
	if (s->kind == SETTING_TEXT)
		*(char **)at = mem_strdup(s->fallback);
	else if (s->kind == SETTING_DURATION)
		yaml_duration_ms(s->fallback, at);
	else
		read_number(s->fallback, at);
}

static bool read_setting(const struct setting *s, const struct yaml_node *map,
                         struct values *values, const struct fault *fault)
{
	const struct yaml_node *node = yaml_find(map, s->key);
	void *at = (char *)values + s->at;

	if (!node && s->needed)
		return fault_at(fault, map, "an smpp link needs '%s'", s->key);
	if (!node) {
		set_fallback(s, at);
		return true;
	}
	if (node->kind != YAML_SCALAR)
		return fault_at(fault, node, "'%s' must be a single value", s->key);
	return s->kind == SETTING_TEXT ? read_text(s, node, at, fault)
	                               : read_quantity(s, node, at, fault);
}

static bool read_settings(const struct yaml_node *map, struct values *values,
                          const struct fault *fault)
{
	for (unsigned i = 0; i < SETTINGS; i++) {
		if (!read_setting(&settings[i], map, values, fault))
			return false;
	}
	return true;
}

static void values_fini(struct values *values)
{
	for (unsigned i = 0; i < SETTINGS; i++) {
		if (settings[i].kind == SETTING_TEXT)
			mem_free(*(char **)((char *)values + settings[i].at));
	}
}

static bool read_dcs0(const struct yaml_node *map, const char *word, enum alphabet *dcs0,
                      const struct fault *fault)
{
	for (unsigned i = 0; i < sizeof(dcs0_words) / sizeof(dcs0_words[0]); i++) {
		if (strcmp(dcs0_words[i].word, word) == 0) {
			*dcs0 = dcs0_words[i].alphabet;
			return true;
		}
	}
	return fault_at(fault, yaml_find(map, "dcs0"),
	                "'dcs0' must be gsm7, latin1, ascii or utf8, found '%s'", word);
}

/* The first line of the file; never echoed. */
static bool read_password(const struct yaml_node *map, const char *path, char **password,
                          const struct fault *fault)
{
	const struct yaml_node *node = yaml_find(map, "password_file");
	char line[PASSWORD_MAX + 3] = "", why[512];
	FILE *file;

	if (!conf_secret_file(path, why, sizeof(why)))
		return fault_at(fault, node, "%s", why);
	file = fopen(path, "re");
	if (!file)
		return fault_at(fault, node, "secret file %s: %s", path, strerror(errno));
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
	if (strlen(line) > PASSWORD_MAX) {
		explicit_bzero(line, sizeof(line));
		return fault_at(fault, node, "the password in %s is longer than %d characters", path,
		                PASSWORD_MAX);
	}
	*password = mem_strdup(line);
	explicit_bzero(line, sizeof(line));
	return true;
}

/* The sender of our texts: `source`, else the first short code. */
static bool read_source(const struct yaml_node *map, const char *source,
                        char out[INBOUND_ADDRESS_MAX], const struct fault *fault)
{
	const struct yaml_node *codes = yaml_find(map, "short_codes");

	if (codes && codes->kind != YAML_LIST)
		return fault_at(fault, codes, "'short_codes' must be a list");
	for (size_t i = 0; codes && i < codes->count; i++) {
		const struct yaml_node *code = codes->items[i];

		if (code->kind != YAML_SCALAR || !code->text[0] || strlen(code->text) > 20)
			return fault_at(fault, code, "a short code must have 1 to 20 characters");
	}
	if (!source)
		source = codes && codes->count > 0 ? codes->items[0]->text : "";
	snprintf(out, INBOUND_ADDRESS_MAX, "%s", source);
	return true;
}

/* A path of the configuration as the process can open it. */
static void anchor(char **path, const char *folder)
{
	char *whole;

	if (!folder || !*path || **path == '/')
		return;
	whole = mem_printf("%s/%s", folder, *path);
	mem_free(*path);
	*path = whole;
}

static char *take(char **from)
{
	char *text = *from;

	*from = NULL;
	return text;
}

/* Waits that no operator has needed to set yet. */
static const struct smpp_conf fixed_waits = {
	.connect_ms = 15000, .stop_ms = 2000,
	.retry_ms = 500, .retry_max_ms = 30000,
	.refused_ms = 5000, .refused_max_ms = 300000,
	.throttle_ms = 500, .throttle_max_ms = 10000,
};

static bool fill(const struct yaml_node *map, const char *name, struct values *v,
                 struct smpp_conf *conf, const struct fault *fault)
{
	*conf = fixed_waits;
	if (!read_dcs0(map, v->dcs0, &conf->dcs0, fault) ||
	    !read_source(map, v->source, conf->source, fault) ||
	    !read_password(map, v->password_file, &conf->password, fault))
		return false;
	snprintf(conf->name, sizeof(conf->name), "%s", name);
	snprintf(conf->carrier, sizeof(conf->carrier), "%s", v->carrier ? v->carrier : name);
	conf->host = take(&v->host);
	conf->system_id = take(&v->system_id);
	conf->system_type = take(&v->system_type);
	conf->port = (uint16_t)v->port;
	conf->source_ton = (int)v->source_ton;
	conf->source_npi = (int)v->source_npi;
	conf->window = (unsigned)v->window;
	conf->refusal = (uint32_t)v->refusal;
	conf->enquire_ms = v->enquire_ms;
	conf->answer_ms = v->answer_ms;
	return true;
}

void smpp_conf_fini(struct smpp_conf *conf)
{
	if (conf->password)
		explicit_bzero(conf->password, strlen(conf->password));
	mem_free(conf->password);
	mem_free(conf->host);
	mem_free(conf->system_id);
	mem_free(conf->system_type);
	*conf = (struct smpp_conf){ 0 };
}

/* ---- the adapter ---- */

static struct link *create(const struct adapter_host *host, const char *name,
                           const struct yaml_node *map, char *error, size_t error_size)
{
	struct fault fault = { error, error_size };
	struct values values = { 0 };
	struct smpp_conf conf;
	struct link *link = NULL;
	bool ok = read_settings(map, &values, &fault);

	anchor(&values.password_file, host->folder);
	if (ok && fill(map, name, &values, &conf, &fault)) {
		link = mem_alloc(sizeof(*link));
		link->host = host;
		link->conf = conf;
		link_init(link);
	}
	values_fini(&values);
	return link;
}

const struct adapter smpp_adapter = {
	.name = "smpp",
	.help = "text messages over SMPP 3.4, as a transceiver",
	.keys = keys,
	.create = create,
	.start = link_start,
	.stop = link_stop,
	.destroy = link_destroy,
	.send = mt_send,
	.state = link_state_shown,
};
