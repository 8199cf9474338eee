/* Numbers for a monitor. */
#include "control/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "control/door.h"
#include "path/allowance.h"
#include "path/canary.h"
#include "path/filing.h"
#include "path/hotline.h"
#include "path/links.h"
#include "path/outbox.h"
#include "path/session.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/spool.h"

enum { TIMEOUT_S = 5, HEADERS_MAX = 8192, BODY_MAX = 0, BACKLOG = 16 };

struct metrics {
	const struct hotline *h; /* borrowed */
	struct evhttp *http;     /* owned, with its socket */
	char *path;              /* owned: of a unix socket, or NULL */
};

/* ---- the page ---- */

/* One number of a link. */
static const struct {
	const char *name, *type, *help;
	size_t at;
	bool wide; /* uint64_t; otherwise unsigned */
} link_metrics[] = {
#define WIDE(name, field, help) \
	{"hotlined_link_" name "_total", "counter", help, offsetof(struct link_status, field), true}
#define NOW(name, field, help) \
	{"hotlined_link_" name, "gauge", help, offsetof(struct link_status, field), false}
	NOW("connections", connections, "Connections the link should have."),
	NOW("bound", bound, "Connections that are bound."),
	NOW("window", window, "Texts that may be without an answer."),
	NOW("in_flight", in_flight, "Texts without an answer."),
	NOW("waiting", waiting, "Parts accepted and not yet written."),
	WIDE("deliveries", deliveries, "Deliveries that came in."),
	WIDE("deliveries_refused", refused, "Deliveries the carrier was asked to bring again."),
	WIDE("deliveries_undecodable", undecodable, "Deliveries filed as they are for a person."),
	WIDE("receipts", receipts, "Delivery receipts."),
	WIDE("receipts_unmatched", receipts_unmatched, "Receipts for texts not known when they came."),
	WIDE("submitted", submitted, "Parts of texts submitted."),
	WIDE("accepted", accepted, "Parts the carrier took."),
	WIDE("rejected", rejected, "Parts the carrier refused for good."),
	WIDE("throttled", throttled, "Parts the carrier put off."),
	WIDE("unanswered", unanswered, "Parts the carrier never answered."),
	WIDE("unknown_commands", unknown, "Messages of an unknown kind."),
	WIDE("connects", connects, "Attempts to connect."),
	WIDE("losses", losses, "Connections lost."),
	WIDE("bind_refusals", bind_refusals, "Binds the carrier refused."),
};

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped. */
static void put_label(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			buf_put_u8(out, '\\');
		if (*text == '\n')
			buf_put(out, "\\n", 2);
		else
			buf_put_u8(out, (uint8_t)*text);
	}
}

static void put_of_link(struct buf *out, const char *name, const struct way *way, double value)
{
	buf_printf(out, "%s{link=\"", name);
	put_label(out, way->name);
	buf_printf(out, "\",carrier=\"");
	put_label(out, way->carrier);
	buf_printf(out, "\"} %.17g\n", value);
}

static double number_at(const struct link_status *s, size_t row)
{
	const void *at = (const char *)s + link_metrics[row].at;

	return link_metrics[row].wide ? (double)*(const uint64_t *)at : (double)*(const unsigned *)at;
}

static void status_of(const struct way *way, struct link_status *s)
{
	*s = (struct link_status){0};
	if (way->adapter->status)
		way->adapter->status(way->link, s);
}

static void write_counters(const struct links *links, struct buf *out)
{
	struct link_status s;

	for (size_t row = 0; row < sizeof(link_metrics) / sizeof(*link_metrics); row++) {
		head(out, link_metrics[row].name, link_metrics[row].type, link_metrics[row].help);
		for (size_t i = 0; i < links_count(links); i++) {
			status_of(links_at(links, i), &s);
			put_of_link(out, link_metrics[row].name, links_at(links, i), number_at(&s, row));
		}
	}
}

static double value_of(const struct hotline *h, const struct way *way, unsigned what)
{
	struct canary_status canary;
	struct link_status s;

	status_of(way, &s);
	canary_status(h->canary, way->name, &canary);
	switch (what) {
	case 0:
		return way->adapter->state(way->link) == LINK_BOUND;
	case 1:
		return s.paused || s.drained;
	case 2:
		return (double)s.rate_milli / 1000;
	case 3:
		return (double)s.throttle_ms / 1000;
	case 4:
		return (double)s.oldest_ms / 1000;
	default:
		return canary.misses;
	}
}

static void write_states(const struct hotline *h, const struct links *links, struct buf *out)
{
	static const char *const rows[][2] = {
		{"hotlined_link_up", "1 if texts can be sent over the link."},
		{"hotlined_link_held", "1 if an operator paused or drained it."},
		{"hotlined_link_rate_per_second", "Submits allowed a second at present; 0 = no limit."},
		{"hotlined_link_throttled_seconds", "Nothing is submitted for so long."},
		{"hotlined_link_oldest_unanswered_seconds", "Age of the oldest text without an answer."},
		{"hotlined_link_canary_misses", "Canaries in a row that did not come back; 2 is an alarm."},
	};

	for (unsigned what = 0; what < sizeof(rows) / sizeof(*rows); what++) {
		head(out, rows[what][0], "gauge", rows[what][1]);
		for (size_t i = 0; i < links_count(links); i++)
			put_of_link(out, rows[what][0], links_at(links, i), value_of(h, links_at(links, i), what));
	}
}

static void put_one(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	head(out, name, type, help);
	buf_printf(out, "%s %.17g\n", name, value);
}

static void write_stores(const struct hotline *h, struct buf *out)
{
	struct spool_status spool;
	struct filing_status filing;

	spool_status(h->spool, &spool);
	filing_status(h->filing, &filing);
	put_one(out, "hotlined_redis_up", "gauge", "1 if Redis answers.",
		h->redis_ready && redis_up(h->redis));
	put_one(out, "hotlined_postgres_up", "gauge", "1 if PostgreSQL is connected.", pg_up(h->pg_duty));
	put_one(out, "hotlined_spool_pending", "gauge", "Records not yet done with.", (double)spool.pending);
	put_one(out, "hotlined_spool_appended_total", "counter", "Records appended.", (double)spool.appended);
	put_one(out, "hotlined_spool_syncs_total", "counter", "Syncs of the spool.", (double)spool.syncs);
	put_one(out, "hotlined_spool_failed", "gauge", "1 if the spool takes nothing any more.", spool.failed);
	put_one(out, "hotlined_filing_waiting", "gauge", "Entries to be filed.", (double)filing.waiting);
	put_one(out, "hotlined_filed_total", "counter", "Entries filed.", (double)filing.filed);
	put_one(out, "hotlined_outgoing", "gauge", "Texts on their way out.", (double)outbox_waiting(h->outbox));
	put_one(out, "hotlined_replies_today", "gauge", "Replies counted against the day's allowance.",
		(double)h->allowance->total);
}

void metrics_write(const struct hotline *h, struct buf *out)
{
	const struct links *links = outbox_links(h->outbox);

	write_states(h, links, out);
	write_counters(links, out);
	write_stores(h, out);
}

/* ---- the server ---- */

static void on_request(struct evhttp_request *request, void *arg)
{
	struct metrics *metrics = arg;
	struct evbuffer *body = evbuffer_new();
	struct buf page = {0};

	metrics_write(metrics->h, &page);
	evbuffer_add(body, page.data, page.len);
	buf_free(&page);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "text/plain; version=0.0.4; charset=utf-8");
	evhttp_send_reply(request, HTTP_OK, "OK", body);
	evbuffer_free(body);
}

static bool is_loopback(const struct sockaddr_storage *at)
{
	const struct sockaddr_in *four = (const void *)at;
	const struct sockaddr_in6 *six = (const void *)at;

	if (at->ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == 127;
	return at->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static int listen_loopback(const char *address)
{
	struct sockaddr_storage at;
	int len = sizeof(at), one = 1, fd;

	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&at, &len) != 0 || !is_loopback(&at)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, (socklen_t)len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool serve(struct metrics *metrics, int fd)
{
	metrics->http = evhttp_new(loop_base(metrics->h->loop));
	evhttp_set_allowed_methods(metrics->http, EVHTTP_REQ_GET);
	evhttp_set_max_headers_size(metrics->http, HEADERS_MAX);
	evhttp_set_max_body_size(metrics->http, BODY_MAX);
	evhttp_set_timeout(metrics->http, TIMEOUT_S);
	evhttp_set_cb(metrics->http, "/metrics", on_request, metrics);
	return evhttp_accept_socket(metrics->http, fd) == 0;
}

struct metrics *metrics_new(const struct hotline *h, char *error, size_t error_size)
{
	const char *path = h->conf->metrics_socket, *address = h->conf->metrics_listen;
	struct metrics *metrics;
	char where[512];
	int fd;

	error[0] = '\0';
	if (!path && !address)
		return NULL;
	metrics = mem_alloc(sizeof(*metrics));
	metrics->h = h;
	fd = path ? door_open(path, 0660 /* a monitor may be of the same group */) : listen_loopback(address);
	if (fd >= 0 && serve(metrics, fd)) {
		metrics->path = path ? mem_strdup(path) : NULL;
		return metrics;
	}
	conf_where(h->conf, path ? "metrics.socket" : "metrics.listen", where, sizeof(where));
	snprintf(error, error_size, "%s: metrics cannot listen there (%s); it must be %s", where, strerror(errno),
		 path ? "a path that is free" : "a loopback address and a free port, such as 127.0.0.1:9464");
	if (fd >= 0)
		close(fd);
	metrics_free(metrics);
	return NULL;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	if (metrics->http)
		evhttp_free(metrics->http);
	if (metrics->path)
		unlink(metrics->path);
	mem_free(metrics->path);
	mem_free(metrics);
}
