/* The connection to Redis: pipelined commands, a budget for each reply, a breaker, reconnect. */
#include "store/redis.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <hiredis/adapters/libevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

enum {
	CHECK_MS = 25,          /* how often the oldest command's age is looked at */
	DEAD_MS = 3000,         /* nothing at all for this long: the connection is cut */
	RECONNECT_BASE_MS = 50,
	RECONNECT_MAX_MS = 3000,
	IN_FLIGHT_MAX = 8192,   /* hiredis' output buffer has no bound of its own */
	PASSWORD_MAX = 256
};

#define POLICY "maxmemory_policy:noeviction" /* as INFO memory writes it */

static const char *const unsafe_policy =
	"maxmemory-policy must be noeviction: any other policy may drop reports";

struct call {
	struct call *next;
	struct redis *redis;
	redis_fn *fn; /* NULL once answered or given up */
	void *arg;
	int64_t sent_ms;
};

struct redis {
	struct loop *loop;
	struct redis_config config; /* strings owned */
	redis_state_fn *state;
	void *state_arg;
	redisAsyncContext *ac; /* owned by hiredis after connect; NULL while down */
	struct call *calls, **last; /* in flight, oldest first; owned */
	size_t in_flight;
	struct loop_timer *reconnect, *check;
	unsigned tries;
	enum redis_health health;
	bool breaker; /* open: the last commands were late; closes with the next reply in time */
	bool freeing;
};

/* ---- reading replies ---- */

static const redisReply *as_reply(const struct redis_reply *r)
{
	return (const redisReply *)(const void *)r;
}

bool redis_is_error(const struct redis_reply *r, const char *prefix)
{
	const redisReply *reply = as_reply(r);

	return reply && reply->type == REDIS_REPLY_ERROR && reply->str &&
	       strncmp(reply->str, prefix, strlen(prefix)) == 0;
}

const char *redis_error(const struct redis_reply *r)
{
	return redis_is_error(r, "") ? as_reply(r)->str : NULL;
}

bool redis_is_nil(const struct redis_reply *r)
{
	return r && as_reply(r)->type == REDIS_REPLY_NIL;
}

int64_t redis_int(const struct redis_reply *r)
{
	return r && as_reply(r)->type == REDIS_REPLY_INTEGER ? as_reply(r)->integer : 0;
}

const uint8_t *redis_str(const struct redis_reply *r, size_t *len)
{
	const redisReply *reply = as_reply(r);

	if (!reply || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS))
		return NULL;
	*len = (size_t)reply->len;
	return (const uint8_t *)reply->str;
}

size_t redis_count(const struct redis_reply *r)
{
	return r && as_reply(r)->type == REDIS_REPLY_ARRAY ? as_reply(r)->elements : 0;
}

const struct redis_reply *redis_at(const struct redis_reply *r, size_t i)
{
	return i < redis_count(r) ? (const void *)as_reply(r)->element[i] : NULL;
}

/* ---- commands ---- */

void redis_arg_bytes(struct redis_command *c, const void *bytes, size_t len)
{
	if (c->count == REDIS_ARGS_MAX)
		fatal(EXIT_SOFTWARE, "a Redis command with more than %d arguments", REDIS_ARGS_MAX);
	c->args[c->count] = len ? bytes : "";
	c->lens[c->count++] = len;
}

void redis_arg(struct redis_command *c, const char *text)
{
	redis_arg_bytes(c, text, strlen(text));
}

static void set_health(struct redis *redis, enum redis_health health, const char *why)
{
	if (redis->health == health)
		return;
	redis->health = health;
	if (redis->state && !redis->freeing)
		redis->state(redis->state_arg, health, why);
}

static void finish(struct call *call, const redisReply *reply)
{
	redis_fn *fn = call->fn;

	call->fn = NULL;
	if (fn)
		fn(call->arg, (const void *)reply);
}

static void unlink_first(struct redis *redis, struct call *call)
{
	redis->calls = call->next;
	if (!redis->calls)
		redis->last = &redis->calls;
	redis->in_flight--;
}

static void on_reply(redisAsyncContext *ac, void *reply, void *data)
{
	struct call *call = data;
	struct redis *redis = call->redis;

	(void)ac;
	if (redis->calls == call)
		unlink_first(redis, call);
	if (reply && loop_now_ms(redis->loop) - call->sent_ms <= redis->config.budget_ms)
		redis->breaker = false;
	finish(call, reply);
	mem_free(call);
}

static void fail_later(void *arg)
{
	struct call *call = arg;

	finish(call, NULL);
	mem_free(call);
}

static struct call *call_new(struct redis *redis, redis_fn *fn, void *arg)
{
	struct call *call = mem_alloc(sizeof(*call));

	call->redis = redis;
	call->fn = fn;
	call->arg = arg;
	call->sent_ms = loop_now_ms(redis->loop);
	return call;
}

static bool submit(struct redis *redis, const struct redis_command *c, redis_fn *fn, void *arg)
{
	struct call *call;

	if (!redis->ac || redis->in_flight >= IN_FLIGHT_MAX)
		return false;
	call = call_new(redis, fn, arg);
	if (redisAsyncCommandArgv(redis->ac, on_reply, call, c->count, (const char **)c->args, c->lens) !=
	    REDIS_OK) {
		mem_free(call);
		return false;
	}
	*redis->last = call;
	redis->last = &call->next;
	redis->in_flight++;
	return true;
}

void redis_send(struct redis *redis, const struct redis_command *command, redis_fn *fn, void *arg)
{
	if (redis_up(redis) && submit(redis, command, fn, arg))
		return;
	loop_defer(redis->loop, fail_later, call_new(redis, fn, arg));
}

bool redis_up(const struct redis *redis)
{
	return redis->health == REDIS_UP && !redis->breaker;
}

/* ---- connection ---- */

static void cut(struct redis *redis, const char *why)
{
	redisAsyncContext *ac = redis->ac;

	redis->ac = NULL;
	set_health(redis, REDIS_DOWN, why);
	if (ac)
		redisAsyncFree(ac); /* every callback in flight gets NULL */
	redis->breaker = false;
	if (!redis->freeing && !loop_timer_armed(redis->reconnect))
		loop_timer_set(redis->reconnect,
			       loop_backoff_ms(redis->tries++, RECONNECT_BASE_MS, RECONNECT_MAX_MS));
}

/* Answers the oldest waiting command with nothing if its budget is spent. The callback may send or
 * cut, so the list is looked at afresh each time. */
static bool give_up_oldest(struct redis *redis, int64_t now_ms)
{
	struct call *call = redis->calls;

	while (call && !call->fn)
		call = call->next;
	if (!call || now_ms - call->sent_ms <= redis->config.budget_ms)
		return false;
	if (!redis->breaker)
		log_warn("redis", "slow: going on without it");
	redis->breaker = true;
	finish(call, NULL);
	return redis->ac != NULL;
}

static void on_check(void *arg)
{
	struct redis *redis = arg;
	int64_t now_ms = loop_now_ms(redis->loop);

	loop_timer_set(redis->check, CHECK_MS);
	if (redis->calls && now_ms - redis->calls->sent_ms > DEAD_MS) {
		cut(redis, "no answer");
		return;
	}
	while (give_up_oldest(redis, now_ms))
		;
}

/* While the breaker is open nobody sends, so somebody must ask whether Redis answers again. */
static void on_ping(void *arg, const struct redis_reply *reply)
{
	(void)arg;
	(void)reply;
}

static void probe(struct redis *redis)
{
	struct redis_command c = {0};

	if (!redis->breaker || redis->in_flight > 0)
		return;
	redis_arg(&c, "PING");
	submit(redis, &c, on_ping, redis);
}

static void on_tick(void *arg)
{
	on_check(arg);
	probe(arg);
}

static void on_info(void *arg, const struct redis_reply *reply)
{
	struct redis *redis = arg;
	size_t len = 0;
	const uint8_t *text = redis_str(reply, &len);

	if (!redis->ac)
		return;
	if (!text) {
		cut(redis, redis_is_error(reply, "") ? as_reply(reply)->str : "no answer");
		return;
	}
	if (!memmem(text, len, POLICY, strlen(POLICY))) {
		set_health(redis, REDIS_UNSAFE, unsafe_policy);
		cut(redis, unsafe_policy);
		return;
	}
	redis->tries = 0;
	set_health(redis, REDIS_UP, NULL);
}

static void on_auth(void *arg, const struct redis_reply *reply)
{
	struct redis *redis = arg;

	if (redis->ac && redis_is_error(reply, ""))
		log_error("redis", "AUTH refused: check redis.user and redis.password_file");
}

static bool read_password(const char *path, char out[PASSWORD_MAX])
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fgets(out, PASSWORD_MAX, f) != NULL;
	fclose(f);
	if (ok)
		out[strcspn(out, "\r\n")] = '\0';
	return ok;
}

static void greet(struct redis *redis)
{
	struct redis_command auth = {0}, info = {0};
	char password[PASSWORD_MAX];

	if (redis->config.password_file && read_password(redis->config.password_file, password)) {
		redis_arg(&auth, "AUTH");
		if (redis->config.user)
			redis_arg(&auth, redis->config.user);
		redis_arg(&auth, password);
		submit(redis, &auth, on_auth, redis);
		explicit_bzero(password, sizeof(password));
	}
	redis_arg(&info, "INFO");
	redis_arg(&info, "memory");
	submit(redis, &info, on_info, redis);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
	struct redis *redis = ac->data;

	if (status == REDIS_OK) {
		greet(redis);
		return;
	}
	redis->ac = NULL; /* hiredis frees it after this callback */
	cut(redis, ac->errstr);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct redis *redis = ac->data;

	(void)status;
	if (redis->ac != ac)
		return;
	redis->ac = NULL; /* never touched again: hiredis frees it after this callback */
	cut(redis, "connection lost");
}

static void connect_now(void *arg)
{
	struct redis *redis = arg;
	redisAsyncContext *ac;

	if (redis->config.socket)
		ac = redisAsyncConnectUnix(redis->config.socket);
	else
		ac = redisAsyncConnect(redis->config.host, redis->config.port);
	if (!ac || ac->err) {
		char why[160];

		snprintf(why, sizeof(why), "%s", ac ? ac->errstr : "out of memory");
		if (ac)
			redisAsyncFree(ac);
		log_debug("redis", "connect: %s", why);
		cut(redis, why);
		return;
	}
	ac->data = redis;
	redis->ac = ac;
	redisLibeventAttach(ac, loop_base(redis->loop));
	redisAsyncSetConnectCallback(ac, on_connect);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
}

bool redis_check(const struct redis_config *config, char *error, size_t error_size)
{
	const struct timeval patience = {3, 0};
	char password[PASSWORD_MAX] = "";
	redisReply *reply = NULL;
	redisContext *c;
	bool ok;

	c = config->socket ? redisConnectUnixWithTimeout(config->socket, patience)
			   : redisConnectWithTimeout(config->host, config->port, patience);
	if (c && !c->err) {
		redisSetTimeout(c, patience);
		if (config->password_file && read_password(config->password_file, password))
			freeReplyObject(redisCommand(c, "AUTH %s %s", config->user ? config->user : "default",
						     password));
		reply = redisCommand(c, "INFO memory");
	}
	explicit_bzero(password, sizeof(password));
	ok = reply && reply->type == REDIS_REPLY_STRING && strstr(reply->str, POLICY);
	if (!ok)
		snprintf(error, error_size, "%s",
			 reply && reply->type == REDIS_REPLY_STRING ? unsafe_policy
			 : reply			    ? reply->str
			 : c				    ? c->errstr
							    : "out of memory");
	freeReplyObject(reply);
	if (c)
		redisFree(c);
	return ok;
}

static char *dup_or_null(const char *text)
{
	return text && *text ? mem_strdup(text) : NULL;
}

struct redis *redis_new(struct loop *loop, const struct redis_config *config, redis_state_fn *state,
			void *arg)
{
	struct redis *redis = mem_alloc(sizeof(*redis));

	redis->loop = loop;
	redis->config = *config;
	redis->config.socket = dup_or_null(config->socket);
	redis->config.host = dup_or_null(config->host);
	redis->config.user = dup_or_null(config->user);
	redis->config.password_file = dup_or_null(config->password_file);
	redis->state = state;
	redis->state_arg = arg;
	redis->last = &redis->calls;
	redis->reconnect = loop_timer_new(loop, connect_now, redis);
	redis->check = loop_timer_new(loop, on_tick, redis);
	return redis;
}

void redis_start(struct redis *redis)
{
	loop_timer_set(redis->check, CHECK_MS);
	connect_now(redis);
}

void redis_free(struct redis *redis)
{
	if (!redis)
		return;
	redis->freeing = true;
	cut(redis, "stopping");
	loop_timer_free(redis->reconnect);
	loop_timer_free(redis->check);
	mem_free((char *)redis->config.socket);
	mem_free((char *)redis->config.host);
	mem_free((char *)redis->config.user);
	mem_free((char *)redis->config.password_file);
	mem_free(redis);
}
