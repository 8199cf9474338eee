/* Connections, their deadlines and caps, and who gets which request. */
#include "adapters/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "adapters/http/tls.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

enum {
	LINGER_MS = 1000,       /* a refused caller may read why before the connection goes */
	SHORT_OF_FILES_MS = 100, /* no descriptor is left: ask again after this */
	BACKLOG = 128
};

enum conn_state {
	CONN_IDLE,     /* nothing of a request yet */
	CONN_HEAD,     /* its head is coming */
	CONN_BODY,
	CONN_HANDLING, /* an answer is owed */
	CONN_WRITING,  /* it is on its way out */
	CONN_LINGERING /* all is said; whatever comes is dropped */
};

struct http_conn {
	struct http_server *server;
	struct http_conn *next, **at;
	struct bufferevent *bev;   /* owned */
	struct loop_timer *timer;  /* owned: deadline of the state */
	struct http_exchange *x;   /* CONN_BODY: owned; CONN_HANDLING: lent to the handler */
	enum conn_state state;
	bool close;                /* after this answer */
	char peer[HTTP_PEER_MAX];
};

struct mount {
	struct mount *next;
	char *path; /* owned */
	http_handle_fn *fn;
	void *arg;
	bool begun;
};

struct http_server {
	struct http_server *next;
	unsigned users;
	struct loop *loop; /* borrowed */
	struct http_server_conf conf; /* strings owned */
	struct evconnlistener *listener; /* owned */
	struct loop_timer *rest;         /* owned: accepts again when it fires */
	SSL_CTX *tls;                    /* owned; NULL: plain */
	struct http_conn *conns;         /* owned */
	unsigned conn_count;
	struct mount *mounts;            /* owned */
	struct http_server_counts counts;
};

static struct http_server *servers; /* open ones, so that links may share an address */

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{200, "OK"}, {202, "Accepted"}, {204, "No Content"}, {400, "Bad Request"}, {401, "Unauthorized"},
	{403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {413, "Content Too Large"},
	{417, "Expectation Failed"}, {431, "Request Header Fields Too Large"}, {501, "Not Implemented"},
	{503, "Service Unavailable"}, {505, "HTTP Version Not Supported"},
};

static const char *reason_of(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Answer";
}

/* ---- the life of a connection ---- */

static void exchange_free(struct http_exchange *x)
{
	if (!x)
		return;
	buf_free(&x->body.bytes);
	mem_free(x->bytes);
	mem_free(x);
}

static void conn_free(struct http_conn *c)
{
	if (c->state == CONN_HANDLING)
		c->x->conn = NULL; /* the handler will find nobody there */
	else
		exchange_free(c->x);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	c->server->conn_count--;
	loop_timer_free(c->timer);
	bufferevent_free(c->bev);
	mem_free(c);
}

static void set_state(struct http_conn *c, enum conn_state state)
{
	const struct http_server_conf *conf = &c->server->conf;
	const int64_t waits_ms[] = {
		[CONN_IDLE] = conf->idle_ms,         [CONN_HEAD] = conf->deadline_ms,
		[CONN_HANDLING] = conf->answer_ms,   [CONN_WRITING] = conf->deadline_ms,
		[CONN_LINGERING] = LINGER_MS,
	};

	c->state = state;
	if (state != CONN_BODY) /* shares the deadline of its head */
		loop_timer_set(c->timer, waits_ms[state]);
}

static void put_answer(struct http_conn *c, int status, const char *type, const void *body, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	set_state(c, CONN_WRITING);
	evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n", status, reason_of(status), len);
	if (type)
		evbuffer_add_printf(out, "Content-Type: %s\r\n", type);
	evbuffer_add_printf(out, "%s%s\r\n", status == 401 ? "WWW-Authenticate: Basic realm=\"hotlined\"\r\n" : "",
			    c->close ? "Connection: close\r\n" : "");
	if (len > 0)
		evbuffer_add(out, body, len);
	bufferevent_enable(c->bev, EV_WRITE);
}

void http_answer(struct http_exchange *x, int status, const char *type, const void *body, size_t len)
{
	struct http_conn *c = x->conn;

	if (c) {
		c->x = NULL;
		put_answer(c, status, type, body, len);
	}
	exchange_free(x);
}

/* Only grammar gets here: what follows on this connection cannot be told apart any more. */
static void refuse(struct http_conn *c, int status)
{
	c->server->counts.malformed++;
	c->close = true;
	exchange_free(c->x);
	c->x = NULL;
	put_answer(c, status, NULL, NULL, 0);
}

/* ---- requests ---- */

/* The mounted path is the whole path or ends at one of its slashes. */
static bool is_below(struct http_slice path, const char *mounted)
{
	size_t len = strlen(mounted);

	if (len > 0 && mounted[len - 1] == '/')
		len--;
	return path.len >= len && memcmp(path.at, mounted, len) == 0 && (path.len == len || path.at[len] == '/');
}

static const struct mount *find_mount(const struct http_server *s, struct http_slice path)
{
	const struct mount *best = NULL;

	for (const struct mount *m = s->mounts; m; m = m->next) {
		size_t rank = 2 * strlen(m->path) + m->begun;

		if (is_below(path, m->path) && (!best || rank > 2 * strlen(best->path) + best->begun))
			best = m;
	}
	return best;
}

static void handle(struct http_conn *c)
{
	struct http_exchange *x = c->x;
	const struct mount *mount = find_mount(c->server, x->head.path);

	c->server->counts.requests++;
	set_state(c, CONN_HANDLING);
	if (mount)
		mount->fn(mount->arg, x);
	else
		http_answer(x, 404, NULL, NULL, 0);
}

/* The head's slices must outlive the connection's buffer: read again from a copy of its own. */
static struct http_exchange *exchange_new(struct http_conn *c, const char *bytes, size_t len)
{
	struct http_exchange *x = mem_alloc(sizeof(*x));
	int status;

	x->bytes = mem_dup(bytes, len);
	if (http_head_read(x->bytes, len, &x->head, &len, &status) != HTTP_OK)
		fatal(EXIT_SOFTWARE, "a head cannot be read twice");
	x->conn = c;
	memcpy(x->peer, c->peer, sizeof(x->peer));
	x->body.chunked = x->head.chunked;
	x->body.left = x->head.body_len;
	return x;
}

static enum http_parse read_head(struct http_conn *c, struct evbuffer *in)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	size_t len = evbuffer_get_length(in), used;
	const char *bytes = (const char *)evbuffer_pullup(in, len < HTTP_HEAD_MAX ? (ev_ssize_t)len : HTTP_HEAD_MAX);
	struct http_head head;
	int status;
	enum http_parse result;

	if (len == 0)
		return HTTP_MORE;
	if (c->state == CONN_IDLE)
		set_state(c, CONN_HEAD);
	result = http_head_read(bytes, len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX, &head, &used, &status);
	if (result == HTTP_BAD)
		refuse(c, status);
	if (result != HTTP_OK)
		return result;
	c->x = exchange_new(c, bytes, used);
	c->close = c->x->head.close;
	evbuffer_drain(in, used);
	set_state(c, CONN_BODY);
	if (c->x->head.expects && evbuffer_get_length(in) == 0) {
		bufferevent_enable(c->bev, EV_WRITE);
		bufferevent_write(c->bev, go_on, strlen(go_on));
	}
	return HTTP_OK;
}

static enum http_parse read_body(struct http_conn *c, struct evbuffer *in)
{
	size_t len = evbuffer_get_length(in), used;
	const char *bytes = (const char *)evbuffer_pullup(in, -1);
	int status;
	enum http_parse result = http_body_read(&c->x->body, len ? bytes : "", len, &used, &status);

	evbuffer_drain(in, used);
	if (result == HTTP_BAD)
		refuse(c, status);
	return result;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (c->state == CONN_LINGERING) {
		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	if (c->state == CONN_HANDLING || c->state == CONN_WRITING)
		return; /* the next request waits in the buffer, which is bounded */
	if (c->state != CONN_BODY && read_head(c, in) != HTTP_OK)
		return;
	if (read_body(c, in) == HTTP_OK)
		handle(c);
}

/* ---- events of a connection ---- */

static void linger(struct http_conn *c)
{
	set_state(c, CONN_LINGERING);
	bufferevent_flush(c->bev, EV_WRITE, BEV_FINISHED);
	if (!c->server->tls)
		shutdown(bufferevent_getfd(c->bev), SHUT_WR);
}

/* All that was to be written is. */
static void on_write(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	if (c->state != CONN_WRITING)
		return;
	if (c->close) {
		linger(c);
		return;
	}
	set_state(c, CONN_IDLE);
	on_read(bev, c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) /* the TLS handshake */
		return;
	if (c->state == CONN_HEAD || c->state == CONN_BODY)
		c->server->counts.broken++;
	/* A caller may have closed its sending half and still read. */
	if (what & BEV_EVENT_EOF && (c->state == CONN_HANDLING || c->state == CONN_WRITING)) {
		c->close = true;
		return;
	}
	conn_free(c);
}

static void on_deadline(void *arg)
{
	struct http_conn *c = arg;

	if (c->state == CONN_HANDLING) {
		c->server->counts.late++;
		c->x->conn = NULL;
		c->x = NULL;
		c->close = true;
		put_answer(c, 503, NULL, NULL, 0);
		return;
	}
	if (c->state != CONN_LINGERING && c->state != CONN_IDLE)
		c->server->counts.slow++;
	conn_free(c);
}

/* ---- accepting ---- */

static bool is_crowded(const struct http_server *s, const char *peer)
{
	unsigned same = 0;

	if (s->conn_count >= s->conf.connections)
		return true;
	for (const struct http_conn *c = s->conns; c; c = c->next)
		same += strcmp(c->peer, peer) == 0;
	return same >= s->conf.per_address;
}

/* An IPv4 caller on an IPv6 socket is shown as IPv4, as an allow-list would write it. */
static void peer_text(const struct sockaddr *address, char out[HTTP_PEER_MAX])
{
	const struct sockaddr_in6 *in6 = (const void *)address;
	const struct sockaddr_in *in = (const void *)address;

	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, out, HTTP_PEER_MAX);
	else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, out, HTTP_PEER_MAX);
	else
		inet_ntop(AF_INET6, &in6->sin6_addr, out, HTTP_PEER_MAX);
}

static struct bufferevent *make_bufferevent(struct http_server *s, evutil_socket_t fd)
{
	struct event_base *base = loop_base(s->loop);
	struct bufferevent *bev;
	SSL *ssl;

	if (!s->tls)
		return bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	ssl = SSL_new(s->tls);
	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len,
		      void *arg)
{
	struct http_server *s = arg;
	char peer[HTTP_PEER_MAX] = "";
	struct bufferevent *bev;
	struct http_conn *c;

	(void)listener;
	(void)len;
	peer_text(address, peer);
	bev = is_crowded(s, peer) ? NULL : make_bufferevent(s, fd);
	if (!bev) {
		s->counts.crowded++;
		evutil_closesocket(fd);
		return;
	}
	c = mem_alloc(sizeof(*c));
	c->server = s;
	c->bev = bev;
	memcpy(c->peer, peer, sizeof(c->peer));
	c->timer = loop_timer_new(s->loop, on_deadline, c);
	c->next = s->conns;
	c->at = &s->conns;
	if (c->next)
		c->next->at = &c->next;
	s->conns = c;
	s->conn_count++;
	set_state(c, CONN_HEAD); /* a new connection has no time to be idle */
	bufferevent_setcb(bev, on_read, on_write, on_event, c);
	/* One request and the begin of the next: more is not taken off the wire while one is being handled. */
	bufferevent_setwatermark(bev, EV_READ, 0, HTTP_HEAD_MAX + 1);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void accept_again(void *arg)
{
	struct http_server *s = arg;

	evconnlistener_enable(s->listener);
}

static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct http_server *s = arg;

	log_warn("http", "cannot accept connections on %s: %s", s->conf.listen, strerror(errno));
	evconnlistener_disable(listener);
	loop_timer_set(s->rest, SHORT_OF_FILES_MS);
}

/* ---- the server ---- */

static bool start_listening(struct http_server *s, char *error, size_t error_size)
{
	struct sockaddr_storage address;
	int len = sizeof(address), one = 1;

	if (evutil_parse_sockaddr_port(s->conf.listen, (struct sockaddr *)&address, &len) != 0) {
		snprintf(error, error_size, "'%s' is not an address and port, such as 127.0.0.1:8080 or [::1]:8080",
			 s->conf.listen);
		return false;
	}
	s->listener = evconnlistener_new_bind(loop_base(s->loop), on_accept, s,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
					      BACKLOG, (struct sockaddr *)&address, len);
	if (!s->listener) {
		snprintf(error, error_size, "cannot listen on %s: %s", s->conf.listen, strerror(errno));
		return false;
	}
	/* Head and body of an answer are two TLS records: with Nagle each answer would wait 40 ms. */
	setsockopt(evconnlistener_get_fd(s->listener), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct http_server *find_server(const struct loop *loop, const char *address)
{
	for (struct http_server *s = servers; s; s = s->next) {
		if (s->loop == loop && strcmp(s->conf.listen, address) == 0)
			return s;
	}
	return NULL;
}

static void server_free(struct http_server *s)
{
	while (s->conns)
		conn_free(s->conns);
	if (s->listener)
		evconnlistener_free(s->listener);
	loop_timer_free(s->rest);
	http_tls_free(s->tls);
	mem_free((char *)s->conf.listen);
	mem_free((char *)s->conf.cert_file);
	mem_free((char *)s->conf.key_file);
	mem_free(s);
}

struct http_server *http_server_open(struct loop *loop, const struct http_server_conf *conf, char *error,
				     size_t error_size)
{
	struct http_server *s = find_server(loop, conf->listen);

	if (s && (!same_text(s->conf.cert_file, conf->cert_file) || !same_text(s->conf.key_file, conf->key_file))) {
		snprintf(error, error_size, "another link listens on %s with other TLS files", conf->listen);
		return NULL;
	}
	if (s) {
		s->users++;
		return s;
	}
	s = mem_alloc(sizeof(*s));
	s->users = 1;
	s->loop = loop;
	s->conf = *conf;
	s->conf.listen = mem_strdup(conf->listen);
	s->conf.cert_file = mem_strdup(conf->cert_file);
	s->conf.key_file = mem_strdup(conf->key_file);
	s->rest = loop_timer_new(loop, accept_again, s);
	if ((conf->cert_file && !http_tls_new(conf->cert_file, conf->key_file, &s->tls, error, error_size)) ||
	    !start_listening(s, error, error_size)) {
		server_free(s);
		return NULL;
	}
	s->next = servers;
	servers = s;
	return s;
}

void http_server_close(struct http_server *s)
{
	struct http_server **at = &servers;

	if (!s || --s->users > 0)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	while (s->mounts)
		http_server_unmount(s, s->mounts->path, s->mounts->arg);
	server_free(s);
}

bool http_server_mount(struct http_server *s, const char *path, http_handle_fn *fn, void *arg)
{
	struct mount *mount;

	for (mount = s->mounts; mount; mount = mount->next) {
		if (!mount->begun && strcmp(mount->path, path) == 0)
			return false;
	}
	mount = mem_alloc(sizeof(*mount));
	*mount = (struct mount){s->mounts, mem_strdup(path), fn, arg, false};
	s->mounts = mount;
	return true;
}

static struct mount **mount_of(struct http_server *s, const char *path, const void *arg)
{
	struct mount **at = &s->mounts;

	while (*at && ((*at)->arg != arg || strcmp((*at)->path, path) != 0))
		at = &(*at)->next;
	return at;
}

void http_server_begin(struct http_server *s, const char *path, const void *arg)
{
	struct mount *mount = *mount_of(s, path, arg);

	if (mount)
		mount->begun = true;
}

void http_server_unmount(struct http_server *s, const char *path, const void *arg)
{
	struct mount **at = mount_of(s, path, arg), *mount;

	mount = *at;
	if (!mount)
		return;
	*at = mount->next;
	mem_free(mount->path);
	mem_free(mount);
}

const struct http_server_counts *http_server_counts(const struct http_server *s)
{
	return &s->counts;
}
