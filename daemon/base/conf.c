/* Reads hotlined.yaml through a table of settings. */
#include "base/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/yaml.h"

enum setting_type {
	SETTING_TEXT,
	SETTING_PATH,   /* relative to the configuration's folder */
	SETTING_SECRET, /* a path whose file only its owner may read */
	SETTING_DURATION,
	SETTING_COUNT
};

struct setting {
	const char *section; /* NULL: top level */
	const char *key;
	enum setting_type type;
	size_t at;            /* offset in struct conf: char * or int64_t */
	const char *fallback; /* value when absent; NULL = stays empty */
	bool required;
	const char *help;
};

#define AT(m) offsetof(struct conf, m)
static const struct setting settings[] = {
	{NULL, "node", SETTING_TEXT, AT(node), "hotlined", false, "name of this daemon among its fellows"},
	{NULL, "ref_prefix", SETTING_TEXT, AT(ref_prefix), "BP", false, "letters before a report's number"},
	{NULL, "region", SETTING_TEXT, AT(region), "VN", false, "country of numbers written without one"},
	{NULL, "home", SETTING_TEXT, AT(home), "75", false, "codes of the provinces served"},
	{NULL, "reply_regions", SETTING_TEXT, AT(reply_regions), "VN", false,
	 "countries whose mobile numbers are answered"},
	{NULL, "log_level", SETTING_TEXT, AT(log_level), "info", false, "debug, info, warn or error"},
	{"replies", "per_sender", SETTING_COUNT, AT(replies_per_sender), "60", false,
	 "replies to one number in a day (UTC); 0 = no limit"},
	{"replies", "per_day", SETTING_COUNT, AT(replies_per_day), "20000", false,
	 "replies in a day (UTC) in all; 0 = no limit"},
	{"keys", "dir", SETTING_PATH, AT(keys_dir), "keys", false, "folder of the key files"},
	{"keys", "team", SETTING_TEXT, AT(keys_team), "hotline", false, "team that reads the reports"},
	{"spool", "dir", SETTING_PATH, AT(spool_dir), "spool", false, "folder of the spool"},
	{"spool", "segment_mb", SETTING_COUNT, AT(spool_segment_mb), "16", false,
	 "size of a spool file in MiB"},
	{"redis", "socket", SETTING_PATH, AT(redis_socket), NULL, false, "unix socket of Redis"},
	{"redis", "host", SETTING_TEXT, AT(redis_host), NULL, false, "address of Redis without a socket"},
	{"redis", "port", SETTING_COUNT, AT(redis_port), "6379", false, "port of Redis"},
	{"redis", "user", SETTING_TEXT, AT(redis_user), NULL, false, "ACL user"},
	{"redis", "password_file", SETTING_SECRET, AT(redis_password_file), NULL, false,
	 "file whose first line is the ACL user's password"},
	{"redis", "budget", SETTING_DURATION, AT(redis_budget_ms), "150ms", false,
	 "a later answer counts as none"},
	{"postgres", "conninfo", SETTING_TEXT, AT(postgres_conninfo), NULL, true,
	 "libpq connection string"},
	{"control", "socket", SETTING_PATH, AT(control_socket), "run/control.sock", false,
	 "unix socket that hotlinectl talks to"},
	{"metrics", "listen", SETTING_TEXT, AT(metrics_listen), NULL, false,
	 "loopback address and port where /metrics is served"},
	{"metrics", "socket", SETTING_PATH, AT(metrics_socket), NULL, false,
	 "unix socket where /metrics is served"},
	{"flows", "dir", SETTING_PATH, AT(flows_dir), NULL, true, "folder of the flow files"},
	{"clocks", "file", SETTING_PATH, AT(clocks_file), NULL, false,
	 "legal clocks; the installed vn-clocks.yaml if left out"},
	{"clocks", "calendar", SETTING_PATH, AT(clocks_calendar), NULL, false,
	 "working days and holidays; the installed vn-holidays.yaml if left out"},
	{"clocks", "zone", SETTING_TEXT, AT(clocks_zone), "Asia/Ho_Chi_Minh", false, "zone of the working days"},
	{"alerts", "sendmail", SETTING_PATH, AT(alerts_sendmail), "/usr/sbin/sendmail", false,
	 "program that hands alerts to the local mail system"},
	{"alerts", "mail_from", SETTING_TEXT, AT(alerts_mail_from), NULL, false,
	 "sender of alerts by mail; the system's own if left out"},
	{"watch", "heartbeat_url", SETTING_TEXT, AT(watch_heartbeat_url), NULL, false,
	 "https:// address fetched every 30 s while the audit is clean"},
	{"watch", "heartbeat_file", SETTING_PATH, AT(watch_heartbeat_file), NULL, false,
	 "file touched every 30 s while the audit is clean"},
};
enum { SHORT_CODE_MIN = 2, SHORT_CODE_MAX = 15 };
enum { SETTING_COUNT_ALL = sizeof(settings) / sizeof(*settings) };

static const char *const sections[] = {"replies", "keys", "spool", "redis", "postgres", "control",
					     "metrics", "flows", "clocks", "alerts", "watch", NULL};
static const char *const type_names[] = {
	[SETTING_TEXT] = "text",         [SETTING_PATH] = "path",   [SETTING_SECRET] = "path of a secret",
	[SETTING_DURATION] = "duration", [SETTING_COUNT] = "number",
};

struct fault {
	const char *file;
	char *out;
	size_t size;
};

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fault_at(const struct fault *fault, const struct yaml_node *node, const char *format, ...)
{
	int used = snprintf(fault->out, fault->size, "%s:%u:%u: ", fault->file, node ? node->line : 1,
			    node ? node->column : 1);
	va_list args;

	if (used < 0 || (size_t)used >= fault->size)
		return false;
	va_start(args, format);
	vsnprintf(fault->out + used, fault->size - (size_t)used, format, args);
	va_end(args);
	return false;
}

static bool unknown_key(const struct fault *fault, const struct yaml_node *key, const char *const *known)
{
	const char *near = yaml_nearest(key->text, known);

	if (near)
		return fault_at(fault, key, "unknown key '%s'; did you mean '%s'?", key->text, near);
	return fault_at(fault, key, "unknown key '%s'", key->text);
}

char *conf_path(const struct conf *conf, const char *path)
{
	return path[0] == '/' ? mem_strdup(path) : mem_printf("%s/%s", conf->folder, path);
}

bool conf_secret_file(const char *path, char *error, size_t error_size)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		snprintf(error, error_size, "secret file %s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode) || st.st_mode & 077) {
		snprintf(error, error_size,
			 "secret file %s can be read by others (mode %03o); mend it with: chmod 600 %s", path,
			 (unsigned)st.st_mode & 0777, path);
		return false;
	}
	if (access(path, R_OK) != 0) {
		snprintf(error, error_size, "secret file %s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static const struct yaml_node *find_setting(const struct yaml_node *root, const struct setting *s)
{
	const struct yaml_node *map = s->section ? yaml_find(root, s->section) : root;

	return map ? yaml_find(map, s->key) : NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool set_number(const struct setting *s, const char *text, int64_t *out)
{
	char *end;

	if (s->type == SETTING_DURATION) /* 150 alone would be seconds, where milliseconds were meant */
		return text[0] && !is_digit(text[strlen(text) - 1]) && yaml_duration_ms(text, out);
	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *out >= 0;
}

/* It stands in log lines and metrics as one word. */
static bool is_node(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

	return *text && text[strspn(text, allowed)] == '\0';
}

static bool set_value(struct conf *conf, const struct setting *s, const struct yaml_node *node,
		      const char *text, const struct fault *fault)
{
	char why[300];
	void *at = (char *)conf + s->at;

	if (s->type == SETTING_DURATION || s->type == SETTING_COUNT) {
		if (!set_number(s, text, at))
			return fault_at(fault, node, "'%s' must be a %s, found '%s'", s->key,
					s->type == SETTING_COUNT ? "number, 0 or more" : "duration such as 150ms or 2s",
					text);
		return true;
	}
	if (s->type == SETTING_TEXT)
		*(char **)at = mem_strdup(text);
	else
		*(char **)at = conf_path(conf, text);
	if (at == &conf->node && !is_node(text))
		return fault_at(fault, node, "'node' must be a name of letters, digits, '.', '-' and '_', found '%s'",
				text);
	if (s->type == SETTING_SECRET && !conf_secret_file(*(char **)at, why, sizeof(why)))
		return fault_at(fault, node, "%s", why);
	return true;
}

static bool read_setting(struct conf *conf, const struct setting *s, const struct fault *fault)
{
	const struct yaml_node *node = find_setting(conf->root, s);

	if (node && node->kind != YAML_SCALAR)
		return fault_at(fault, node, "'%s' must be a %s, found a %s", s->key, type_names[s->type],
				node->kind == YAML_LIST ? "list" : "map");
	if (node)
		return set_value(conf, s, node, node->text, fault);
	if (s->required)
		return fault_at(fault, yaml_find(conf->root, s->section), "'%s.%s' is missing: %s", s->section,
				s->key, s->help);
	return s->fallback ? set_value(conf, s, NULL, s->fallback, fault) : true;
}

/* Names allowed in one map: the settings of the section and, at the top, the sections and lists. */
static void known_keys(const char *section, const char *out[])
{
	size_t n = 0;

	for (size_t i = 0; i < SETTING_COUNT_ALL; i++) {
		const char *own = settings[i].section;

		if (own == section || (own && section && strcmp(own, section) == 0))
			out[n++] = settings[i].key;
	}
	for (size_t i = 0; !section && sections[i]; i++)
		out[n++] = sections[i];
	if (!section) {
		out[n++] = "short_codes";
		out[n++] = "links";
	}
	out[n] = NULL;
}

static bool in_list(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(word, *list) == 0)
			return true;
	}
	return false;
}

static bool check_map(const struct yaml_node *map, const char *section, const struct fault *fault)
{
	const char *known[SETTING_COUNT_ALL + 16];

	if (map->kind != YAML_MAP)
		return fault_at(fault, map, "'%s' must be a map of settings", section ? section : "the file");
	known_keys(section, known);
	for (size_t i = 0; i < map->count; i++) {
		if (!in_list(map->keys[i]->text, known))
			return unknown_key(fault, map->keys[i], known);
	}
	return true;
}

static bool is_short_code(const char *text)
{
	size_t len = strlen(text), plus = text[0] == '+';

	return len >= plus + SHORT_CODE_MIN && len <= plus + SHORT_CODE_MAX &&
	       strspn(text + plus, "0123456789") == len - plus;
}

static bool read_short_codes(struct conf *conf, const struct fault *fault)
{
	const struct yaml_node *list = yaml_find(conf->root, "short_codes");
	const char *text;

	if (!list)
		return fault_at(fault, NULL, "'short_codes' is missing: the numbers people text to");
	if (list->kind != YAML_LIST || list->count == 0 || list->count > CONF_SHORT_CODES_MAX)
		return fault_at(fault, list, "'short_codes' must be a list of 1 to %d numbers",
				CONF_SHORT_CODES_MAX);
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i]->kind != YAML_SCALAR)
			return fault_at(fault, list->items[i], "a short code must be a number");
		text = list->items[i]->text;
		if (!is_short_code(text))
			return fault_at(fault, list->items[i],
					"a short code is %d to %d digits, or a number with + and its country, found '%s'",
					SHORT_CODE_MIN, SHORT_CODE_MAX, text);
		conf->short_codes[i] = mem_strdup(list->items[i]->text);
	}
	return true;
}

static bool read_all(struct conf *conf, const struct fault *fault)
{
	if (!check_map(conf->root, NULL, fault))
		return false;
	for (size_t i = 0; sections[i]; i++) {
		const struct yaml_node *map = yaml_find(conf->root, sections[i]);

		if (map && !check_map(map, sections[i], fault))
			return false;
	}
	for (size_t i = 0; i < SETTING_COUNT_ALL; i++) {
		if (!read_setting(conf, &settings[i], fault))
			return false;
	}
	conf->links = yaml_find(conf->root, "links");
	if (conf->links && conf->links->kind != YAML_LIST)
		return fault_at(fault, conf->links, "'links' must be a list");
	return read_short_codes(conf, fault);
}

bool conf_load(const char *path, struct conf *out, char *error, size_t error_size)
{
	struct conf conf = {0};
	struct fault fault = {path, error, error_size};
	struct yaml_error bad;
	char *slash;

	conf.root = yaml_parse_file(path, &bad);
	if (!conf.root) {
		if (bad.line)
			snprintf(error, error_size, "%s:%u:%u: %s", path, bad.line, bad.column, bad.text);
		else
			snprintf(error, error_size, "%s: %s", path, bad.text);
		return false;
	}
	conf.file = mem_strdup(path);
	conf.folder = mem_strdup(path);
	slash = strrchr(conf.folder, '/');
	if (slash) {
		slash[slash == conf.folder ? 1 : 0] = '\0';
	} else {
		mem_free(conf.folder);
		conf.folder = mem_strdup(".");
	}
	if (!read_all(&conf, &fault)) {
		conf_fini(&conf);
		return false;
	}
	*out = conf;
	return true;
}

void conf_fini(struct conf *conf)
{
	for (size_t i = 0; i < SETTING_COUNT_ALL; i++) {
		if (settings[i].type != SETTING_DURATION && settings[i].type != SETTING_COUNT)
			mem_free(*(char **)(void *)((char *)conf + settings[i].at));
	}
	for (size_t i = 0; i < CONF_SHORT_CODES_MAX; i++)
		mem_free(conf->short_codes[i]);
	mem_free(conf->file);
	mem_free(conf->folder);
	yaml_free(conf->root);
	memset(conf, 0, sizeof(*conf));
}

/* What every link may say, whatever its adapter: how it is chosen among the others. */
static const char *const link_keys[] = {"name", "adapter", "priority", "weight", "canary", NULL};

static bool check_link(const struct yaml_node *link, conf_keys_fn *keys_of, void *arg,
		       const struct fault *fault)
{
	const struct yaml_node *adapter;
	const char *const *known;

	if (link->kind != YAML_MAP)
		return fault_at(fault, link, "a link must be a map with name and adapter");
	if (!yaml_find(link, "name") || yaml_find(link, "name")->kind != YAML_SCALAR)
		return fault_at(fault, link, "a link needs a name");
	adapter = yaml_find(link, "adapter");
	if (!adapter || adapter->kind != YAML_SCALAR)
		return fault_at(fault, link, "a link needs an adapter (smpp, http, gsup, sim)");
	known = keys_of(arg, adapter->text);
	if (!known)
		return fault_at(fault, adapter, "there is no adapter '%s'", adapter->text);
	for (size_t i = 0; i < link->count; i++) {
		if (!in_list(link->keys[i]->text, known) && !in_list(link->keys[i]->text, link_keys))
			return unknown_key(fault, link->keys[i], known);
	}
	return true;
}

bool conf_check_links(const struct conf *conf, conf_keys_fn *keys_of, void *arg,
		      char *error, size_t error_size)
{
	struct fault fault = {conf->file, error, error_size};

	if (!conf->links || conf->links->count == 0)
		return fault_at(&fault, conf->links, "'links' names no link: nothing could reach the hotline");
	for (size_t i = 0; i < conf->links->count; i++) {
		if (!check_link(conf->links->items[i], keys_of, arg, &fault))
			return false;
	}
	return true;
}

void conf_where(const struct conf *conf, const char *setting, char *out, size_t size)
{
	const struct yaml_node *node = NULL;

	for (size_t i = 0; i < SETTING_COUNT_ALL && !node; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s%s%s", settings[i].section ? settings[i].section : "",
			 settings[i].section ? "." : "", settings[i].key);
		if (strcmp(name, setting) == 0)
			node = find_setting(conf->root, &settings[i]);
	}
	snprintf(out, size, "%s:%u:%u", conf->file, node ? node->line : 1, node ? node->column : 1);
}

static bool same_value(const struct setting *s, const struct conf *a, const struct conf *b)
{
	const void *at_a = (const char *)a + s->at, *at_b = (const char *)b + s->at;
	const char *text_a, *text_b;

	if (s->type == SETTING_DURATION || s->type == SETTING_COUNT)
		return *(const int64_t *)at_a == *(const int64_t *)at_b;
	text_a = *(char *const *)at_a;
	text_b = *(char *const *)at_b;
	return text_a && text_b ? strcmp(text_a, text_b) == 0 : text_a == text_b;
}

static bool same_short_codes(const struct conf *a, const struct conf *b)
{
	size_t i = 0;

	while (a->short_codes[i] && b->short_codes[i] && strcmp(a->short_codes[i], b->short_codes[i]) == 0)
		i++;
	return !a->short_codes[i] && !b->short_codes[i];
}

static void add_name(char *out, size_t size, const char *section, const char *key)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%s%s%s%s", len ? ", " : "", section ? section : "", section ? "." : "", key);
}

void conf_differences(const struct conf *a, const struct conf *b, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < SETTING_COUNT_ALL; i++) {
		if (!same_value(&settings[i], a, b))
			add_name(out, size, settings[i].section, settings[i].key);
	}
	if (!same_short_codes(a, b))
		add_name(out, size, NULL, "short_codes");
}

void conf_print_reference(void)
{
	for (size_t i = 0; i < SETTING_COUNT_ALL; i++) {
		const struct setting *s = &settings[i];

		printf("%s%s%s\t%s\t%s\t%s\n", s->section ? s->section : "", s->section ? "." : "", s->key,
		       type_names[s->type], s->required ? "required" : s->fallback ? s->fallback : "-",
		       s->help);
	}
	puts("short_codes\tlist of numbers\trequired\tthe numbers people text to");
	puts("links\tlist of maps\trequired\tlinks to carriers and services: name, adapter and the adapter's settings");
}
