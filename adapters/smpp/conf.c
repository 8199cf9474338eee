/* The settings of an SMPP link: one row each. */
#include "adapters/smpp/smpp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/mem.h"
#include "base/yaml.h"

/* ---- the table ---- */

enum setting_kind {
	SETTING_TEXT,
	SETTING_FILE,    /* text; a relative path starts at the configuration's folder */
	SETTING_ADDRESS, /* text; a numeric address */
	SETTING_NUMBER,
	SETTING_DURATION,
	SETTING_FLAG,
	SETTING_WORD
};

struct word {
	const char *word; /* NULL ends the list */
	int value;
};

struct setting {
	const char *key;
	enum setting_kind kind;
	bool needed;
	const char *fallback; /* as it would be written in the file; NULL = leave unset */
	int64_t low, high;    /* number: value; text: octets; duration: milliseconds */
	size_t at;            /* offset in struct smpp_conf */
	const struct word *words;
};

static const struct word bind_words[] = {
	{ "transceiver", SMPP_TRANSCEIVER }, { "pair", SMPP_PAIR },
	{ "receiver", SMPP_RECEIVER },       { "transmitter", SMPP_TRANSMITTER }, { NULL, 0 },
};

static const struct word dcs0_words[] = {
	{ "gsm7", ALPHABET_GSM7 }, { "latin1", ALPHABET_LATIN1 }, { "ascii", ALPHABET_ASCII },
	{ "utf8", ALPHABET_UTF8 }, { NULL, 0 },
};

static const struct word dcs8_words[] = {
	{ "guess", ALPHABET_BINARY }, { "utf8", ALPHABET_UTF8 },     { "latin1", ALPHABET_LATIN1 },
	{ "gsm7", ALPHABET_GSM7 },    { "utf16", ALPHABET_UTF16 },   { NULL, 0 },
};

static const struct word base_words[] = {
	{ "auto", REF_AUTO }, { "decimal", REF_DECIMAL }, { "hex", REF_HEX }, { "text", REF_TEXT },
	{ NULL, 0 },
};

#define AT(field) offsetof(struct smpp_conf, field)
#define TEXT(key, field, low, high) { key, SETTING_TEXT, false, NULL, low, high, AT(field), NULL }
#define FILE_AT(key, field) { key, SETTING_FILE, false, NULL, 1, 4095, AT(field), NULL }
#define NUMBER(key, field, fallback, low, high) \
	{ key, SETTING_NUMBER, false, fallback, low, high, AT(field), NULL }
#define WAIT(key, field, fallback, low, high) \
	{ key, SETTING_DURATION, false, fallback, low, high, AT(field), NULL }
#define FLAG(key, field) { key, SETTING_FLAG, false, "no", 0, 0, AT(field), NULL }
#define WORD(key, field, fallback, words) \
	{ key, SETTING_WORD, false, fallback, 0, 0, AT(field), words }

enum { SECOND = 1000, HOUR = 3600 * 1000 };

static const struct setting settings[] = {
	{ "host", SETTING_TEXT, true, NULL, 1, 253, AT(host), NULL },
	NUMBER("port", port, "2775", 1, 65535),
	{ "local_address", SETTING_ADDRESS, false, NULL, 1, 45, AT(local_address), NULL },
	{ "system_id", SETTING_TEXT, true, NULL, 0, 15, AT(system_id), NULL },
	TEXT("system_type", system_type, 0, 12),
	TEXT("address_range", address_range, 0, 40),
	TEXT("service_type", service_type, 0, 5),
	NUMBER("interface_version", interface_version, "0x34", 0, 255),
	NUMBER("bind_ton", bind_ton, "0", 0, 255),
	NUMBER("bind_npi", bind_npi, "0", 0, 255),
	WORD("bind", bind, "transceiver", bind_words),
	NUMBER("binds", binds, "1", 1, SMPP_BINDS_MAX),
	FLAG("tls", tls),
	FILE_AT("tls_ca", tls_ca),
	FILE_AT("tls_cert", tls_cert),
	FILE_AT("tls_key", tls_key),
	TEXT("tls_name", tls_name, 1, 253),
	NUMBER("source_ton", source_ton, "-1", 0, 7),
	NUMBER("source_npi", source_npi, "-1", 0, 18),
	NUMBER("window", window, "10", 1, 1000),
	NUMBER("rate", rate, "0", 0, 100000),
	WORD("dcs0", dcs0, "gsm7", dcs0_words),
	WORD("dcs8", dcs8, "guess", dcs8_words),
	FLAG("latin1", latin1),
	FLAG("transliterate", transliterate),
	NUMBER("ref_bits", ref_bits, "8", 8, 16),
	WORD("submit_id", submit_base, "auto", base_words),
	WORD("receipt_id", receipt_base, "auto", base_words),
	TEXT("ussd", ussd, 1, 4095),
	TEXT("voice", voice, 1, 16),
	NUMBER("refusal", refusal, "0x14", 1, 0xffffffff),
	WAIT("refusal_pause", refusal_pause_ms, "5s", 0, HOUR),
	WAIT("refusal_unbind", refusal_unbind_ms, "1min", 0, HOUR),
	WAIT("enquire_link", enquire_ms, "30s", SECOND, HOUR),
	WAIT("answer_wait", answer_ms, "60s", SECOND, 600 * SECOND),
	WAIT("connect_wait", connect_ms, "15s", SECOND, 600 * SECOND),
	WAIT("retry", retry_ms, "500ms", 100, HOUR),
	WAIT("retry_max", retry_max_ms, "30s", 100, HOUR),
	WAIT("refused_retry", refused_ms, "5s", SECOND, HOUR),
	WAIT("refused_retry_max", refused_max_ms, "5min", SECOND, HOUR),
	WAIT("throttle", throttle_ms, "500ms", 10, HOUR),
	WAIT("throttle_max", throttle_max_ms, "10s", 10, HOUR),
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]), PASSWORD_MAX = 64, STOP_MS = 2000 };

const char *const smpp_keys[] = {
	"name", "adapter", "carrier", "password_file", "short_codes", "source",
	"host", "port", "local_address", "system_id", "system_type", "address_range", "service_type",
	"interface_version", "bind_ton", "bind_npi", "bind", "binds", "tls", "tls_ca", "tls_cert",
	"tls_key", "tls_name", "source_ton", "source_npi", "window", "rate", "dcs0", "dcs8", "latin1",
	"transliterate", "ref_bits", "submit_id", "receipt_id", "ussd", "voice", "refusal", "refusal_pause",
	"refusal_unbind", "enquire_link", "answer_wait", "connect_wait", "retry", "retry_max",
	"refused_retry", "refused_retry_max", "throttle", "throttle_max", NULL
};

/* ---- faults ---- */

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

bool smpp_conf_fault(const struct yaml_node *map, const char *key, const char *text, char *error,
                     size_t error_size)
{
	const struct yaml_node *node = yaml_find(map, key);

	return fault_at(&(struct fault){ error, error_size }, node ? node : map, "%s", text);
}

/* ---- one setting ---- */

static bool read_text(const struct setting *s, const struct yaml_node *node, void *at,
                      const struct fault *fault)
{
	int64_t len = (int64_t)strlen(node->text);
	uint8_t address[16];

	if (len < s->low || len > s->high)
		return fault_at(fault, node, "'%s' must have %lld to %lld characters, found %lld", s->key,
		                (long long)s->low, (long long)s->high, (long long)len);
	if (s->kind == SETTING_ADDRESS && inet_pton(AF_INET, node->text, address) != 1 &&
	    inet_pton(AF_INET6, node->text, address) != 1)
		return fault_at(fault, node, "'%s' must be an IP address of this host, found '%s'",
		                s->key, node->text);
	*(char **)at = mem_strdup(node->text);
	return true;
}

static bool read_number(const char *text, int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 0);
	return errno == 0 && end != text && *end == '\0';
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

static bool read_flag(const struct setting *s, const struct yaml_node *node, void *at,
                      const struct fault *fault)
{
	bool yes = strcmp(node->text, "yes") == 0 || strcmp(node->text, "true") == 0;

	if (!yes && strcmp(node->text, "no") != 0 && strcmp(node->text, "false") != 0)
		return fault_at(fault, node, "'%s' must be yes or no, found '%s'", s->key, node->text);
	*(bool *)at = yes;
	return true;
}

static bool read_word(const struct setting *s, const struct yaml_node *node, void *at,
                      const struct fault *fault)
{
	char all[128] = "";

	for (const struct word *w = s->words; w->word; w++) {
		if (strcmp(w->word, node->text) == 0) {
			*(int *)at = w->value;
			return true;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
		         !all[0] ? "" : w[1].word ? ", " : " or ", w->word);
	}
	return fault_at(fault, node, "'%s' must be %s, found '%s'", s->key, all, node->text);
}

/* A fallback goes the way of what was written, except that it need not lie in the bounds: -1 is "not
 * said". */
static void set_fallback(const struct setting *s, void *at)
{
	struct yaml_node node = { .text = (char *)s->fallback };
	struct setting free_of_bounds = *s;
	char error[256];
	struct fault fault = { error, sizeof(error) };

	free_of_bounds.low = INT64_MIN;
	free_of_bounds.high = INT64_MAX;
	if (s->kind == SETTING_FLAG)
		read_flag(s, &node, at, &fault);
	else if (s->kind == SETTING_WORD)
		read_word(s, &node, at, &fault);
	else
		read_quantity(&free_of_bounds, &node, at, &fault);
}

static bool read_setting(const struct setting *s, const struct yaml_node *map,
                         struct smpp_conf *conf, const struct fault *fault)
{
	const struct yaml_node *node = yaml_find(map, s->key);
	void *at = (char *)conf + s->at;

	if (!node && s->needed)
		return fault_at(fault, map, "an smpp link needs '%s'", s->key);
	if (!node) {
		if (s->fallback)
			set_fallback(s, at);
		return true;
	}
	if (node->kind != YAML_SCALAR)
		return fault_at(fault, node, "'%s' must be a single value", s->key);
	switch (s->kind) {
	case SETTING_FLAG:
		return read_flag(s, node, at, fault);
	case SETTING_WORD:
		return read_word(s, node, at, fault);
	case SETTING_NUMBER:
	case SETTING_DURATION:
		return read_quantity(s, node, at, fault);
	default:
		return read_text(s, node, at, fault);
	}
}

/* ---- settings that hang together ---- */

/* A path of the configuration as the process can open it. */
static char *anchored(const char *path, const char *folder)
{
	return folder && path[0] != '/' ? mem_printf("%s/%s", folder, path) : mem_strdup(path);
}

static void note_file(struct smpp_conf *conf, const char *path)
{
	struct stat st;
	int64_t at;

	if (stat(path, &st) != 0)
		return;
	at = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
	if (at > conf->files_stamp)
		conf->files_stamp = at;
}

/* The first line of the file; never echoed. */
static bool read_password(const struct yaml_node *node, const char *path, struct smpp_conf *conf,
                          const struct fault *fault)
{
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
	conf->password = mem_strdup(line);
	explicit_bzero(line, sizeof(line));
	note_file(conf, path);
	return true;
}

static bool read_password_file(const struct yaml_node *map, const char *folder,
                               struct smpp_conf *conf, const struct fault *fault)
{
	const struct yaml_node *node = yaml_find(map, "password_file");
	char *path;
	bool ok;

	if (!node)
		return fault_at(fault, map, "an smpp link needs 'password_file'");
	if (node->kind != YAML_SCALAR || !node->text[0] || strlen(node->text) > 4095)
		return fault_at(fault, node, "'password_file' must be the path of a file");
	path = anchored(node->text, folder);
	ok = read_password(node, path, conf, fault);
	mem_free(path);
	return ok;
}

static bool read_codes(const struct yaml_node *map, struct smpp_conf *conf,
                       const struct fault *fault)
{
	const struct yaml_node *codes = yaml_find(map, "short_codes");

	if (!codes)
		return true;
	if (codes->kind != YAML_LIST)
		return fault_at(fault, codes, "'short_codes' must be a list");
	if (codes->count > SMPP_CODES_MAX)
		return fault_at(fault, codes, "'short_codes' must have at most %d numbers", SMPP_CODES_MAX);
	for (size_t i = 0; i < codes->count; i++) {
		const struct yaml_node *code = codes->items[i];

		if (code->kind != YAML_SCALAR || !code->text[0] || strlen(code->text) >= SMPP_CODE_MAX)
			return fault_at(fault, code, "a short code must have 1 to 20 characters");
		snprintf(conf->codes[conf->code_count++], SMPP_CODE_MAX, "%s", code->text);
	}
	return true;
}

/* A text of the link that may be missing. */
static bool read_name(const struct yaml_node *map, const char *key, size_t longest,
                      const char *fallback, char *out, const struct fault *fault)
{
	const struct yaml_node *node = yaml_find(map, key);

	if (node && (node->kind != YAML_SCALAR || strlen(node->text) > longest))
		return fault_at(fault, node, "'%s' must have at most %zu characters", key, longest);
	snprintf(out, longest + 1, "%s", node ? node->text : fallback);
	return true;
}

static bool check_together(const struct yaml_node *map, struct smpp_conf *conf,
                           const struct fault *fault)
{
	static const char *const tls_keys[] = { "tls_ca", "tls_cert", "tls_key", "tls_name" };

	for (size_t i = 0; i < 4; i++) {
		const struct yaml_node *node = yaml_find(map, tls_keys[i]);

		if (node && !conf->tls)
			return fault_at(fault, node, "'%s' has no meaning without 'tls: yes'", tls_keys[i]);
	}
	if (!conf->tls_cert != !conf->tls_key)
		return fault_at(fault, yaml_find(map, conf->tls_cert ? "tls_cert" : "tls_key"),
		                "'tls_cert' and 'tls_key' need each other");
	if (conf->ref_bits != 8 && conf->ref_bits != 16)
		return fault_at(fault, yaml_find(map, "ref_bits"), "'ref_bits' must be 8 or 16, found %lld",
		                (long long)conf->ref_bits);
	return true;
}

static void finish_files(struct smpp_conf *conf, const char *folder)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		char **path = (char **)(void *)((char *)conf + settings[i].at);
		char *whole;

		if (settings[i].kind != SETTING_FILE || !*path)
			continue;
		whole = anchored(*path, folder);
		mem_free(*path);
		*path = whole;
		note_file(conf, whole);
	}
}

/* A name is one of the installed dialects; anything with a slash or a dot is a file. */
static bool read_dialect(const struct yaml_node *map, const char *folder, struct smpp_conf *conf,
                         const struct fault *fault)
{
	char why[512], *path;
	bool ok;

	if (!conf->ussd)
		return true;
	path = strpbrk(conf->ussd, "/.") ? anchored(conf->ussd, folder)
	                                 : mem_printf("%s/smpp/%s.yaml", HOTLINED_DATA_DIR, conf->ussd);
	ok = dialect_load(path, &conf->dialect, why, sizeof(why));
	note_file(conf, path);
	mem_free(path);
	return ok || fault_at(fault, yaml_find(map, "ussd"), "%s", why);
}

static bool read_all(const struct yaml_node *map, const char *name, const char *folder,
                     struct smpp_conf *conf, const struct fault *fault)
{
	for (unsigned i = 0; i < SETTINGS; i++) {
		if (!read_setting(&settings[i], map, conf, fault))
			return false;
	}
	snprintf(conf->name, sizeof(conf->name), "%s", name);
	finish_files(conf, folder);
	conf->stop_ms = STOP_MS;
	return read_name(map, "carrier", INBOUND_NAME_MAX - 1, name, conf->carrier, fault) &&
	       read_codes(map, conf, fault) &&
	       read_name(map, "source", SMPP_CODE_MAX - 1, conf->code_count ? conf->codes[0] : "",
	                 conf->source, fault) &&
	       check_together(map, conf, fault) && read_dialect(map, folder, conf, fault) &&
	       read_password_file(map, folder, conf, fault);
}

bool smpp_conf_read(const struct yaml_node *map, const char *name, const char *folder,
                    struct smpp_conf *conf, char *error, size_t error_size)
{
	struct fault fault = { error, error_size };

	*conf = (struct smpp_conf){ 0 };
	if (read_all(map, name, folder, conf, &fault))
		return true;
	smpp_conf_fini(conf);
	return false;
}

static bool is_text(const struct setting *s)
{
	return s->kind == SETTING_TEXT || s->kind == SETTING_FILE || s->kind == SETTING_ADDRESS;
}

void smpp_conf_fini(struct smpp_conf *conf)
{
	if (conf->password)
		explicit_bzero(conf->password, strlen(conf->password));
	mem_free(conf->password);
	for (size_t i = 0; i < SETTINGS; i++) {
		if (is_text(&settings[i]))
			mem_free(*(char **)(void *)((char *)conf + settings[i].at));
	}
	*conf = (struct smpp_conf){ 0 };
}

bool smpp_conf_same(const struct smpp_conf *a, const struct smpp_conf *b)
{
	/* the words of the settings are compared by the caller; here is what files held */
	return a->files_stamp == b->files_stamp && strcmp(a->password, b->password) == 0;
}
