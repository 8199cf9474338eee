/* Wires stores and stations, and says how each store is doing. */
#include "path/hotline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "core/number.h"
#include "core/places.h"
#include "path/acks.h"
#include "path/alert.h"
#include "path/allowance.h"
#include "path/canary.h"
#include "path/auditor.h"
#include "path/clockwork.h"
#include "path/duty.h"
#include "path/escalate.h"
#include "path/filing.h"
#include "path/flowbook.h"
#include "path/intake.h"
#include "path/outbox.h"
#include "path/parts.h"
#include "path/pending.h"
#include "path/replay.h"
#include "path/roles.h"
#include "path/session.h"
#include "store/keyspace.h"
#include "store/pg.h"
#include "store/spool.h"
#include "store/vault.h"

enum {
	TEXT_MAX = 2048,
	MINUTE_MS = 60 * 1000,
	PREPARE_BASE_MS = 100, /* between two questions whether Redis is ready */
	PREPARE_MAX_MS = 5000
};

const struct adapter *hotline_adapter(const struct hotline *h, const char *name)
{
	for (size_t i = 0; h->adapters[i]; i++) {
		if (strcmp(h->adapters[i]->name, name) == 0)
			return h->adapters[i];
	}
	return NULL;
}

static const char *const *keys_of(void *arg, const char *adapter)
{
	const struct adapter *a = hotline_adapter(arg, adapter);

	return a ? a->keys : NULL;
}

/* ---- Redis ---- */

static void on_prepared(void *arg, const char *error)
{
	struct hotline *h = arg;

	if (h->closing || !h->redis_connected || h->redis_ready)
		return;
	if (error) {
		if (h->prepare_tries == 0)
			log_error("redis", "not ready (%s): going on without it", error);
		loop_timer_set(h->prepare,
			       loop_backoff_ms(h->prepare_tries++, PREPARE_BASE_MS, PREPARE_MAX_MS));
		return;
	}
	h->redis_ready = true;
	h->redis_was_ready = true;
	h->redis_why[0] = '\0';
	log_info("redis", "ready");
	filing_redis_up(h->filing);
	replay_redis_changed(h->replay);
	session_redis_up(h->session);
}

static void prepare(void *arg)
{
	struct hotline *h = arg;

	if (h->redis_connected && !h->redis_ready)
		keyspace_prepare(h->redis, on_prepared, h);
}

/* A wrong eviction policy at the start is a mistake of whoever set it up; later it may be a failover to a
 * server that is set up differently, and the hotline must go on without it. */
static void on_redis(void *arg, enum redis_health health, const char *why)
{
	struct hotline *h = arg;
	char where[512];

	if (h->redis_ready)
		replay_redis_changed(h->replay);
	h->redis_ready = false;
	h->redis_connected = health == REDIS_UP;
	h->prepare_tries = 0;
	loop_timer_cancel(h->prepare);
	if (health == REDIS_UP) {
		prepare(h);
		return;
	}
	conf_where(h->conf, h->conf->redis_socket ? "redis.socket" : "redis.host", where, sizeof(where));
	if (health == REDIS_UNSAFE && !h->redis_was_ready)
		fatal(EXIT_CONFIG, "%s: Redis: %s", where, why);
	if (strcmp(h->redis_why, why) == 0)
		return;
	if (health == REDIS_UNSAFE)
		log_error("redis", "%s: not used (%s): reports go from the spool straight to PostgreSQL",
			  where, why);
	else
		log_warn("redis", "%s: down (%s): reports go from the spool straight to PostgreSQL", where, why);
	snprintf(h->redis_why, sizeof(h->redis_why), "%s", why);
}

/* ---- PostgreSQL ---- */

static const struct pg_statement schema_version = {
	"schema_version", "select coalesce(max(number), 0) from schema_migrations"};

static void tell_migrate(struct hotline *h, int64_t have)
{
	char where[512];

	conf_where(h->conf, "postgres.conninfo", where, sizeof(where));
	log_error("postgres", "%s: the database is at schema %" PRId64 ", this daemon needs %d; run: hotlinectl"
		  " --config %s db migrate", where, have, pg_schema_version(), h->conf->file);
}

static void on_schema_row(void *arg, const struct pg_result *r)
{
	int64_t have = pg_rows(r) == 1 ? pg_get_int(r, 0, 0) : 0;

	if (have < pg_schema_version())
		tell_migrate(arg, have);
}

static void on_schema(void *arg, enum pg_outcome outcome, const char *error)
{
	(void)error;
	if (outcome == PG_FAILED) /* there is no table of migrations */
		tell_migrate(arg, 0);
}

static void on_pg(void *arg, bool up)
{
	struct hotline *h = arg;

	if (up) {
		log_info("postgres", "connected");
		pg_exec(h->pg_duty, &schema_version, NULL, on_schema_row, on_schema, h);
		escalate_hint(h->escalate);
	} else {
		log_warn("postgres", "connection lost: reports wait in the spool");
	}
}

/* ---- opening ---- */

/* A socket in a folder that does not exist will never appear: that is configuration, not an outage. */
static bool socket_folder_exists(const struct conf *conf, const char *setting, const char *path,
				 char *error, size_t error_size)
{
	char folder[512], where[512];
	struct stat st;
	char *slash;

	if (!path || path[0] != '/')
		return true;
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder)
		*slash = '\0';
	if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	conf_where(conf, setting, where, sizeof(where));
	snprintf(error, error_size, "%s: there is no folder %s for this socket", where, folder);
	return false;
}

static bool is_country(const char *code)
{
	return number_knows_region(code);
}

static bool is_province(const char *code)
{
	return strlen(code) == 2 && places_name(code, false);
}

/* Settings that name countries or provinces: a wrong one would silently change whom the hotline answers. */
static bool check_codes(const struct conf *conf, char *error, size_t error_size)
{
	const struct {
		const char *setting, *list;
		bool (*known)(const char *code);
		const char *what;
	} checks[] = {
		{"region", conf->region, is_country, "no country; write its ISO 3166 code, such as VN"},
		{"reply_regions", conf->reply_regions, is_country, "no country; write ISO 3166 codes, such as VN,KH"},
		{"home", conf->home, is_province, "no province; write codes, such as 75 or 75,79"},
	};
	char code[8], where[512];

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		const char *next = checks[i].list;

		while (*next) {
			size_t len = strcspn(next, ",");

			snprintf(code, sizeof(code), "%.*s", (int)len, next);
			if (len >= sizeof(code) || !checks[i].known(code)) {
				conf_where(conf, checks[i].setting, where, sizeof(where));
				snprintf(error, error_size, "%s: '%.40s' is %s", where, next, checks[i].what);
				return false;
			}
			next += len + (next[len] == ',');
		}
	}
	return true;
}

/* conninfo "host=/folder ..." names the folder of the server's socket. */
static bool check_sockets(const struct conf *conf, char *error, size_t error_size)
{
	const char *host = strstr(conf->postgres_conninfo, "host=/");
	char folder[512];

	if (!socket_folder_exists(conf, "redis.socket", conf->redis_socket, error, error_size) ||
	    !socket_folder_exists(conf, "control.socket", conf->control_socket, error, error_size))
		return false;
	if (!host)
		return true;
	snprintf(folder, sizeof(folder), "%.*s/x", (int)strcspn(host + 5, " '"), host + 5);
	return socket_folder_exists(conf, "postgres.conninfo", folder, error, error_size);
}

static bool open_vault(struct hotline *h, char *error, size_t error_size)
{
	char why[TEXT_MAX], where[512];

	h->vault = vault_open(h->conf->keys_dir, h->conf->keys_team, why, sizeof(why));
	if (h->vault)
		return true;
	conf_where(h->conf, "keys.dir", where, sizeof(where));
	snprintf(error, error_size, "%s: %s", where, why);
	return false;
}

static bool open_flows(struct hotline *h, char *error, size_t error_size)
{
	char *keep = mem_printf("%s/flows", h->conf->spool_dir);
	char why[TEXT_MAX], where[512];

	mkdir(h->conf->spool_dir, 0700);
	h->flowbook = flowbook_open(h->conf->flows_dir, keep, why, sizeof(why));
	mem_free(keep);
	if (h->flowbook)
		return true;
	conf_where(h->conf, "flows.dir", where, sizeof(where));
	snprintf(error, error_size, "%s: the flows cannot be loaded: %s", where, why);
	return false;
}

static void make_stations(struct hotline *h)
{
	char *counts = mem_printf("%s/allowance", h->conf->spool_dir);

	h->allowance = mem_alloc(sizeof(*h->allowance));
	allowance_init(h->allowance, h->conf->replies_per_sender, h->conf->replies_per_day, counts,
		       loop_wall_us(h->loop));
	mem_free(counts);
	h->pending = pending_new(h->loop, h->spool);
	h->intake = intake_new(h);
	h->replay = replay_new(h);
	h->parts = parts_new(h);
	h->roles = roles_new(h);
	h->session = session_new(h);
	h->filing = filing_new(h);
	h->duty = duty_new(h);
	h->escalate = escalate_new(h);
	h->alert = alert_new(h);
	h->acks = acks_new(h);
	h->auditor = auditor_new(h);
}

static struct redis_config redis_settings(const struct conf *conf)
{
	return (struct redis_config){
		.socket = conf->redis_socket,
		.host = conf->redis_host ? conf->redis_host : "127.0.0.1",
		.port = (uint16_t)conf->redis_port,
		.user = conf->redis_user,
		.password_file = conf->redis_password_file,
		.budget_ms = conf->redis_budget_ms,
	};
}

bool hotline_check_stores(const struct hotline *h, char *error, size_t error_size)
{
	struct redis_config redis = redis_settings(h->conf);
	const char *setting = h->conf->redis_socket ? "redis.socket" : "redis.host";
	char where[512], why[512];

	if (redis_check(&redis, why, sizeof(why))) {
		setting = "postgres.conninfo";
		if (pg_check(h->conf->postgres_conninfo, why, sizeof(why)))
			return true;
	}
	conf_where(h->conf, setting, where, sizeof(where));
	snprintf(error, error_size, "%s: %s cannot be used: %s", where, setting, why);
	return false;
}

static void make_clients(struct hotline *h)
{
	const struct conf *conf = h->conf;
	struct redis_config redis = redis_settings(conf);

	h->prepare = loop_timer_new(h->loop, prepare, h);
	h->redis = redis_new(h->loop, &redis, on_redis, h);
	h->pg_filing = pg_new(h->loop, "filing", conf->postgres_conninfo, NULL, NULL);
	h->pg_duty = pg_new(h->loop, "duty", conf->postgres_conninfo, on_pg, h);
}

int hotline_open(struct hotline *h, char *error, size_t error_size)
{
	const struct conf *conf = h->conf;

	if (!conf_check_links(conf, keys_of, h, error, error_size) ||
	    !check_codes(conf, error, error_size) || !check_sockets(conf, error, error_size) || !open_vault(h, error, error_size) ||
	    !open_flows(h, error, error_size))
		goto config;
	h->canary = canary_new(h, error, error_size);
	if (!h->canary)
		goto config;
	h->outbox = outbox_new(h, error, error_size);
	if (!h->outbox)
		goto config;
	h->clockwork = clockwork_new(h, error, error_size);
	if (!h->clockwork)
		goto config;
	/* After all that reads the configuration: --check beside a running daemon gets this far. */
	h->spool = spool_open(h->loop, h->vault, conf->spool_dir, (uint64_t)conf->spool_segment_mb << 20, error,
			      error_size);
	if (!h->spool) {
		hotline_close(h);
		return EXIT_STORE;
	}
	make_stations(h);
	make_clients(h);
	number_warm_up();
	return 0;
config:
	hotline_close(h);
	return EXIT_CONFIG;
}

static void on_minute(void *arg)
{
	struct hotline *h = arg;

	vault_tick(h->vault, loop_wall_us(h->loop));
	intake_tick(h->intake);
	allowance_save(h->allowance);
	loop_timer_set(h->minute, MINUTE_MS);
}

void hotline_start(struct hotline *h)
{
	size_t pending;

	h->minute = loop_timer_new(h->loop, on_minute, h);
	loop_timer_set(h->minute, MINUTE_MS);
	redis_start(h->redis);
	pg_start(h->pg_filing);
	pg_start(h->pg_duty);
	pending = replay_start(h->replay);
	if (pending)
		log_info("spool", "replaying records=%zu", pending);
	session_start(h->session);
	filing_start(h->filing);
	roles_start(h->roles);
	duty_start(h->duty);
	clockwork_start(h->clockwork);
	escalate_start(h->escalate);
	alert_start(h->alert);
	outbox_start(h->outbox);
	canary_start(h->canary);
	auditor_start(h->auditor);
}

bool hotline_reload_links(struct hotline *h, char *error, size_t error_size)
{
	struct conf next;
	bool ok;

	if (!conf_load(h->conf->file, &next, error, error_size))
		return false;
	ok = conf_check_links(&next, keys_of, h, error, error_size) &&
	     canary_check(&next, error, error_size) &&
	     outbox_reload(h->outbox, &next, error, error_size);
	conf_fini(&next);
	return ok;
}

bool hotline_read_again(const struct hotline *h, char *later, size_t later_size, char *error, size_t error_size)
{
	struct conf next;
	bool ok;

	if (!conf_load(h->conf->file, &next, error, error_size))
		return false;
	ok = conf_check_links(&next, keys_of, (void *)h, error, error_size) && canary_check(&next, error, error_size) &&
	     check_codes(&next, error, error_size);
	if (ok)
		conf_differences(h->conf, &next, later, later_size);
	conf_fini(&next);
	return ok;
}

void hotline_stop(struct hotline *h, void (*done)(void *arg), void *arg)
{
	auditor_stop(h->auditor);
	outbox_stop(h->outbox, done, arg);
}

void hotline_close(struct hotline *h)
{
	h->closing = true;
	loop_timer_free(h->minute);
	redis_free(h->redis);
	loop_timer_free(h->prepare);
	outbox_free(h->outbox);
	h->outbox = NULL; /* what the stores give back from here on is sent by the next daemon */
	canary_free(h->canary);
	pg_free(h->pg_filing);
	pg_free(h->pg_duty);
	loop_run_posted(h->loop);
	spool_close(h->spool);
	auditor_free(h->auditor);
	acks_free(h->acks);
	alert_free(h->alert);
	duty_free(h->duty);
	clockwork_free(h->clockwork);
	escalate_free(h->escalate);
	filing_free(h->filing);
	session_free(h->session);
	roles_free(h->roles);
	parts_free(h->parts);
	replay_free(h->replay);
	intake_free(h->intake);
	pending_free(h->pending);
	if (h->allowance)
		allowance_fini(h->allowance);
	mem_free(h->allowance);
	flowbook_close(h->flowbook);
	vault_close(h->vault);
	memset(h, 0, sizeof(*h));
}
