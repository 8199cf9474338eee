/* A link of the HTTP adapter: requests of a provider become deliveries, texts become calls of its API. The
 * provider is a server of ours in the same loop. */
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/adapter.h"
#include "adapters/http/gate.h"
#include "adapters/http/server.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "core/ussd.h"
#include "http_wire.h"

enum { MAX = 16 };

static struct {
	struct loop *loop;
	struct adapter_host host;
	const struct adapter *adapter;
	struct link *link;
	unsigned port;
	char dir[40];
	/* what the daemon saw */
	struct inbound in[MAX];
	char body[MAX][64];
	received_fn *done[MAX];
	void *arg[MAX];
	size_t in_count;
	bool hold, refuse;
	enum sent_state sent[MAX];
	char ref[MAX][PROVIDER_REF_MAX];
	size_t sent_count;
	struct receipt receipt;
	size_t receipts;
	/* the provider */
	struct http_server *provider;
	unsigned provider_port;
	char asked[4096], headers[1024];
	int answer_status;
	const char *answer;
	size_t calls;
	bool answer_never;
	struct http_exchange *open;
} t;

static void on_inbound(void *ctx, const struct inbound *in, received_fn *done, void *arg)
{
	size_t n = t.in_count++;

	(void)ctx;
	assert_true(n < MAX);
	t.in[n] = *in;
	snprintf(t.body[n], sizeof(t.body[n]), "%.*s", (int)in->body_len, in->body ? (const char *)in->body : "");
	t.done[n] = done;
	t.arg[n] = arg;
	if (!t.hold)
		done(arg, !t.refuse);
}

static void on_sent(void *ctx, const struct id16 *id, enum sent_state state, const char *ref)
{
	(void)ctx;
	(void)id;
	snprintf(t.ref[t.sent_count], sizeof(t.ref[0]), "%s", ref);
	t.sent[t.sent_count++] = state;
}

static void on_receipt(void *ctx, const char *link, const struct receipt *receipt)
{
	(void)ctx;
	assert_string_equal(link, "web");
	t.receipt = *receipt;
	t.receipts++;
}

static void on_state(void *ctx, const char *link, enum link_state state)
{
	(void)ctx;
	(void)link;
	(void)state;
}

static void on_call(void *arg, struct http_exchange *x)
{
	(void)arg;
	t.calls++;
	snprintf(t.asked, sizeof(t.asked), "%.*s\n%s", (int)x->head.target.len, x->head.target.at,
		 buf_cstr(&x->body.bytes));
	snprintf(t.headers, sizeof(t.headers), "%.*s", (int)http_header(&x->head, "Authorization").len,
		 http_header(&x->head, "Authorization").at ? http_header(&x->head, "Authorization").at : "");
	if (t.answer_never)
		t.open = x;
	else
		http_answer(x, t.answer_status, "text/plain", t.answer, strlen(t.answer));
}

static void write_secret(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", t.dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	chmod(path, 0600);
	mem_free(path);
}

static void open_provider(bool tls)
{
	char listen[32];
	struct http_server_conf conf = {.listen = listen, .deadline_ms = 10000, .answer_ms = 60000, .idle_ms = 10000,
					.connections = 9, .per_address = 9};
	char error[100];

	char cert[60], key[60];

	snprintf(cert, sizeof(cert), "%s/cert", t.dir);
	snprintf(key, sizeof(key), "%s/key", t.dir);
	if (tls) {
		wire_certificate(cert, key);
		conf.cert_file = cert;
		conf.key_file = key;
	}
	t.provider_port = wire_free_port();
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", t.provider_port);
	t.provider = http_server_open(t.loop, &conf, error, sizeof(error));
	http_server_mount(t.provider, "/", on_call, NULL);
	t.answer_status = 200;
	t.answer = "";
}

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	strcpy(t.dir, "/tmp/hl-http.XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	write_secret("in", "in-secret\n");
	write_secret("out", "out-secret\n");
	t.loop = loop_new();
	t.host = (struct adapter_host){.ctx = &t, .loop = t.loop, .folder = t.dir, .inbound = on_inbound, .sent = on_sent,
				       .receipt = on_receipt, .state = on_state};
	t.adapter = adapter_find("http");
	open_provider(false);
	return 0;
}

static struct link *try_create(const char *settings, char *error, size_t error_size)
{
	struct yaml_error fault;
	struct yaml_node *map = yaml_parse(settings, strlen(settings), &fault);
	struct link *link;

	assert_non_null(map);
	link = t.adapter->create(&t.host, "web", map, error, error_size);
	yaml_free(map);
	return link;
}

static bool start_later;

/* A link with that profile; more: further settings. */
static void create(const char *profile, const char *more)
{
	const char *src = getenv("HOTLINED_SRC");
	bool sends = strcmp(profile, "hubtel") != 0 && strcmp(profile, "infobip") != 0;
	char *api = mem_printf(sends ? "url: \"http://127.0.0.1:%u/api\", public_url: \"http://hot/p\", user: me, "
				       "password_file: out" : "idle: 30s", t.provider_port);
	char error[600], *settings;

	if (!t.link)
		t.port = wire_free_port();
	settings = mem_printf("{name: web, adapter: http, profile: %s/adapters/http/profiles/%s.yaml, listen: "
			      "\"127.0.0.1:%u\", path: /p, short_codes: [\"111\"], %s, %s}",
			      src ? src : ".", profile, t.port, api, more);
	t.link = try_create(settings, error, sizeof(error));
	if (!t.link)
		fail_msg("%s", error);
	mem_free(settings);
	mem_free(api);
	if (!start_later)
		t.adapter->start(t.link);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	if (t.open)
		http_answer(t.open, 200, NULL, NULL, 0);
	if (t.link)
		t.adapter->destroy(t.link);
	http_server_close(t.provider);
	loop_free(t.loop);
	nftw(t.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

#define ADDRESS "auth: address, allow: [127.0.0.1]"

static int post(const char *path, const char *body, char *answer, size_t size)
{
	char *request = mem_printf("POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", path,
				   strlen(body), body);
	int status = wire_ask(t.loop, t.port, request, answer, size);

	mem_free(request);
	return status;
}

static int get(const char *target)
{
	char *request = mem_printf("GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", target);
	int status = wire_ask(t.loop, t.port, request, NULL, 0);

	mem_free(request);
	return status;
}

/* ---- texts in ---- */

static void test_a_text_is_received_only_once_it_is_durable(void **state)
{
	struct wire *w = mem_alloc(sizeof(*w));

	(void)state;
	create("generic", ADDRESS);
	t.hold = true;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "GET /p/sms?from=%2B84912345678&to=111&text=c%E1%BB%A9u&id=m1 HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_int_equal(wire_status(w, t.loop), 0);
	assert_int_equal(t.in_count, 1);
	assert_string_equal(t.in[0].source, "+84912345678");
	assert_string_equal(t.in[0].dest, "111");
	assert_string_equal(t.in[0].message_id, "m1");
	assert_string_equal(t.body[0], "c\xe1\xbb\xa9u");
	assert_int_equal(t.in[0].alphabet, ALPHABET_UTF8);
	t.done[0](t.arg[0], true);
	assert_int_equal(wire_status(w, t.loop), 200);
	wire_close(w, t.loop);
	mem_free(w);
}

static void test_a_text_that_cannot_be_kept_is_503(void **state)
{
	(void)state;
	create("generic", ADDRESS);
	t.refuse = true;
	assert_int_equal(post("/p/sms", "from=1&text=x", NULL, 0), 503);
	assert_int_equal(t.in_count, 1);
}

static void test_a_text_without_a_sender_field_is_400(void **state)
{
	(void)state;
	create("generic", ADDRESS);
	assert_int_equal(post("/p/sms", "text=x", NULL, 0), 400);
	assert_int_equal(post("/p/sms", "from=1", NULL, 0), 400);
	assert_int_equal(get("/p/nothing"), 404);
	assert_int_equal(get("/p/ussd"), 405);
	assert_int_equal(t.in_count, 0);
	assert_int_equal(post("/p/sms", "from=&text=", NULL, 0), 200); /* an empty text is a text */
	assert_string_equal(t.in[0].dest, "111");
}

static void test_kannels_codings_and_parts_are_read(void **state)
{
	(void)state;
	create("kannel", ADDRESS);
	assert_int_equal(get("/p/sms?from=84912&to=111&text=%00%41%1E%A5&coding=2&id=u1&udh=%05%00%03%2A%03%02"), 200);
	assert_int_equal(t.in[0].alphabet, ALPHABET_UTF16);
	assert_int_equal(t.in[0].body_len, 4);
	assert_int_equal(t.in[0].part_ref, 42);
	assert_int_equal(t.in[0].part_total, 3);
	assert_int_equal(t.in[0].part_seq, 2);
	assert_int_equal(get("/p/sms?from=84912&to=111&text=abc&coding=0&id=u2&udh="), 200);
	assert_int_equal(t.in[1].alphabet, ALPHABET_UTF8);
	assert_int_equal(t.in[1].part_total, 0);
}

static void test_the_gate_stands_before_every_door(void **state)
{
	(void)state;
	create("generic", "auth: bearer, auth_file: in");
	assert_int_equal(post("/p/sms", "from=1&text=x", NULL, 0), 401);
	assert_int_equal(get("/p/receipt?id=1&status=delivered"), 401);
	assert_int_equal(get("/p/nothing"), 401);
	assert_int_equal(post("/p/sms?token=in-secreT", "from=1&text=x", NULL, 0), 401);
	assert_int_equal(t.in_count + t.receipts, 0);
	assert_int_equal(post("/p/sms?token=in-secret", "from=1&text=x", NULL, 0), 200);
}

static void test_a_signed_text_that_could_not_be_kept_may_come_again_as_it_is(void **state)
{
	static const char body[] = "from=1&text=x";
	char at[24], signature[HTTP_SIGNATURE_LEN + 1], *request;
	const struct http_slice nonce = {"nonce-0001", 10};

	(void)state;
	create("generic", "auth: hmac, auth_file: in");
	snprintf(at, sizeof(at), "%lld", (long long)(loop_wall_us(t.loop) / 1000000));
	http_gate_sign("in-secret", (struct http_slice){at, strlen(at)}, nonce, "POST", (struct http_slice){"/p/sms", 6},
		       body, strlen(body), signature);
	request = mem_printf("POST /p/sms HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n"
			     "X-Hotline-Time: %s\r\nX-Hotline-Nonce: nonce-0001\r\nX-Hotline-Signature: %s\r\n\r\n%s",
			     strlen(body), at, signature, body);
	t.refuse = true;
	assert_int_equal(wire_ask(t.loop, t.port, request, NULL, 0), 503);
	t.refuse = false;
	assert_int_equal(wire_ask(t.loop, t.port, request, NULL, 0), 200);
	assert_int_equal(wire_ask(t.loop, t.port, request, NULL, 0), 401);
	mem_free(request);
}

static void test_a_request_that_outlives_its_link_is_answered(void **state)
{
	struct wire *w = mem_alloc(sizeof(*w));

	(void)state;
	create("generic", ADDRESS);
	t.hold = true;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "GET /p/sms?from=1&text=x HTTP/1.1\r\nHost: h\r\n\r\n");
	t.adapter->destroy(t.link);
	t.link = NULL;
	t.done[0](t.arg[0], true);
	wire_close(w, t.loop);
	mem_free(w);
}

/* Another configuration is made whole before anything of the old one ends. */
static void test_a_link_of_the_next_configuration_stands_beside_it_until_it_starts(void **state)
{
	struct link *old, *next;

	(void)state;
	create("generic", ADDRESS);
	old = t.link;
	start_later = true;
	create("generic", ADDRESS);
	start_later = false;
	next = t.link;
	t.link = old;
	assert_int_equal(get("/p/sms?from=1&text=x"), 200);
	t.adapter->destroy(old);
	t.link = next;
	assert_int_equal(get("/p/sms?from=1&text=x"), 503);
	t.adapter->start(next);
	assert_int_equal(get("/p/sms?from=1&text=x"), 200);
	assert_int_equal(t.in_count, 2);
}

static void test_a_stopping_link_asks_to_come_again(void **state)
{
	(void)state;
	create("generic", ADDRESS);
	t.adapter->stop(t.link);
	assert_int_equal(post("/p/sms", "from=1&text=x", NULL, 0), 503);
	assert_int_equal(t.adapter->state(t.link), LINK_STOPPED);
}

/* ---- texts out ---- */

static bool send_text(const char *text)
{
	struct outbound out = {.channel = CHANNEL_SMS, .text = text, .validity_ms = 600000};

	out.id.b[0] = 7;
	strcpy(out.to, "+84912345678");
	return t.adapter->send(t.link, &out);
}

/* Lets real sockets do their work: a call is some turns of the loop. */
static void await_sent(size_t count)
{
	for (int i = 0; i < 2000 && t.sent_count < count; i++) {
		wire_settle(t.loop);
		usleep(500);
	}
	assert_int_equal(t.sent_count, count);
}

static void test_kannels_sendsms_is_called_as_it_wants(void **state)
{
	(void)state;
	create("kannel", "auth: basic, auth_user: k, auth_file: in");
	t.answer_status = 202;
	t.answer = "0: Accepted for delivery";
	assert_true(send_text("\xc4\x90\xc3\xa3 nh\xe1\xba\xadn"));
	await_sent(1);
	assert_int_equal(t.sent[0], SENT_OK);
	assert_string_equal(t.ref[0], "07000000-0000-0000-0000-000000000000");
	assert_string_equal(t.asked,
			    "/api/cgi-bin/sendsms?username=me&password=out-secret&from=111&to=%2B84912345678"
			    "&text=%C4%90%C3%A3%20nh%E1%BA%ADn&charset=UTF-8&coding=2&priority=0&validity=11&dlr-mask=31"
			    "&dlr-url=http%3A%2F%2Fk%3Ain-secret%40hot%2Fp%2Freceipt%3Fid%3D"
			    "07000000-0000-0000-0000-000000000000%26status%3D%25d\n");
}

static void test_a_json_provider_names_its_texts(void **state)
{
	(void)state;
	create("generic", "auth: bearer, auth_file: in");
	t.answer = "{\"id\": \"prov-1\"}";
	assert_true(send_text("a \"b\""));
	await_sent(1);
	assert_string_equal(t.ref[0], "prov-1");
	assert_non_null(strstr(t.asked, "\"text\": \"a \\\"b\\\"\""));
	assert_non_null(strstr(t.asked, "\"receipts\": \"http://hot/p/receipt?token=in-secret&\""));
	assert_string_equal(t.headers, "Bearer out-secret");
}

static void test_what_the_provider_says_becomes_the_outcome(void **state)
{
	static const struct {
		int status;
		const char *answer;
		enum sent_state sent;
	} cases[] = {
		{202, "3: Queued for later delivery", SENT_OK},
		{200, "Sendsms denied", SENT_REFUSED},
		{403, "Authorization failed for sendsms", SENT_REFUSED},
		{503, "Temporal failure, try again later.", SENT_RETRY},
	};

	(void)state;
	create("kannel", ADDRESS);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		t.answer_status = cases[i].status;
		t.answer = cases[i].answer;
		assert_true(send_text("x"));
		await_sent(i + 1);
		assert_int_equal(t.sent[i], cases[i].sent);
	}
}

static void test_a_provider_in_trouble_is_left_alone_for_a_while(void **state)
{
	(void)state;
	create("kannel", ADDRESS);
	t.answer_status = 503;
	assert_true(send_text("x"));
	await_sent(1);
	assert_false(send_text("x"));
	loop_skip_ms(t.loop, 30000);
	wire_settle(t.loop);
	assert_true(send_text("x"));
	await_sent(2);
}

static void test_a_provider_that_is_not_there_can_be_tried_again(void **state)
{
	(void)state;
	create("kannel", ADDRESS);
	http_server_close(t.provider);
	t.provider = NULL;
	assert_true(send_text("x"));
	await_sent(1);
	assert_int_equal(t.sent[0], SENT_RETRY);
}

static void test_no_answer_is_in_doubt(void **state)
{
	(void)state;
	create("kannel", ADDRESS ", answer_wait: 300ms");
	t.answer_never = true;
	assert_true(send_text("x"));
	await_sent(1);
	assert_int_equal(t.calls, 1);
	assert_int_equal(t.sent[0], SENT_IN_DOUBT);
}

/* A link to a provider with a certificate of its own. */
static void create_tls(const char *host, const char *more)
{
	char *settings, error[600];
	const char *src = getenv("HOTLINED_SRC");

	http_server_close(t.provider);
	open_provider(true);
	t.answer_status = 202;
	t.answer = "0: Accepted for delivery";
	settings = mem_printf("{name: web, adapter: http, profile: %s/adapters/http/profiles/kannel.yaml, path: /p, "
			      "listen: \"127.0.0.1:%u\", url: \"https://%s:%u\", public_url: \"http://hot/p\", user: me, "
			      "password_file: out, " ADDRESS "%s}", src ? src : ".", wire_free_port(), host, t.provider_port, more);
	t.link = try_create(settings, error, sizeof(error));
	if (!t.link)
		fail_msg("%s", error);
	mem_free(settings);
	t.adapter->start(t.link);
}

static void test_a_provider_is_known_by_its_certificate(void **state)
{
	(void)state;
	create_tls("localhost", ", ca_file: cert");
	assert_true(send_text("x"));
	await_sent(1);
	assert_int_equal(t.sent[0], SENT_OK);
	assert_int_equal(t.calls, 1);
}

static void test_a_provider_that_nobody_vouches_for_gets_nothing(void **state)
{
	(void)state;
	create_tls("localhost", "");
	assert_true(send_text("x"));
	await_sent(1);
	assert_int_equal(t.sent[0], SENT_RETRY);
	assert_int_equal(t.calls, 0);
}

static void test_a_certificate_of_another_name_gets_nothing(void **state)
{
	(void)state;
	create_tls("127.0.0.1", ", ca_file: cert");
	assert_true(send_text("x"));
	await_sent(1);
	assert_int_equal(t.sent[0], SENT_RETRY);
	assert_int_equal(t.calls, 0);
}

static void test_a_window_keeps_room_for_an_alert(void **state)
{
	struct outbound alert = {.channel = CHANNEL_SMS, .priority = OUTBOUND_ALERT, .text = "x"};

	(void)state;
	create("kannel", ADDRESS ", window: 2");
	t.answer_never = true;
	assert_true(send_text("x"));
	assert_false(send_text("x"));
	assert_true(t.adapter->send(t.link, &alert));
	t.adapter->destroy(t.link); /* what is open is told */
	t.link = NULL;
	assert_int_equal(t.sent_count, 2);
	assert_int_equal(t.sent[0], SENT_IN_DOUBT);
}

static void test_receipts_are_matched_by_their_words(void **state)
{
	(void)state;
	create("kannel", ADDRESS);
	assert_int_equal(get("/p/receipt?id=abc&status=1"), 200);
	assert_string_equal(t.receipt.provider_ref, "abc");
	assert_int_equal(t.receipt.status, RECEIPT_DELIVERED);
	assert_int_equal(get("/p/receipt?id=abc&status=16"), 200);
	assert_int_equal(t.receipt.status, RECEIPT_FAILED);
	assert_int_equal(get("/p/receipt?id=abc&status=99"), 200); /* unknown is not done */
	assert_int_equal(t.receipt.status, RECEIPT_INTERMEDIATE);
	assert_int_equal(get("/p/receipt?id=&status=1"), 400);
	assert_int_equal(t.receipts, 3);
}

/* ---- USSD ---- */

static void show(size_t n, const char *text, bool more)
{
	struct outbound out = {.channel = CHANNEL_USSD, .text = text, .more = more};

	memcpy(out.reply_token, t.in[n].reply_token, sizeof(out.reply_token));
	assert_true(t.adapter->send(t.link, &out));
	wire_settle(t.loop);
}

static char ussd_body[512];

/* Asks, lets the conversation show a screen if text is not NULL, and gives the status. */
static int ask_ussd(const char *path, const char *body, const char *text, bool more)
{
	struct wire *w = mem_alloc(sizeof(*w));
	char *request = mem_printf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s", path, strlen(body), body);
	const char *from;
	int status;

	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, request);
	if (text)
		show(t.in_count - 1, text, more);
	wire_take(w, t.loop);
	from = strstr(w->got, "\r\n\r\n");
	snprintf(ussd_body, sizeof(ussd_body), "%s", from ? from + 4 : "");
	status = wire_status(w, t.loop);
	wire_close(w, t.loop);
	mem_free(request);
	mem_free(w);
	return status;
}

#define AT "sessionId=S&phoneNumber=%2B84912345678&serviceCode=*111%23&text="

static void test_a_session_by_form_with_con_and_end(void **state)
{
	(void)state;
	create("africastalking", ADDRESS);
	assert_int_equal(ask_ussd("/p/ussd", AT, "1. A\n2. B", true), 200);
	assert_string_equal(ussd_body, "CON 1. A\n2. B");
	assert_int_equal(t.in[0].ussd_op, USSD_BEGIN);
	assert_string_equal(t.in[0].dest, "*111#");
	assert_int_equal(ask_ussd("/p/ussd", AT "2", "Where?", true), 200);
	assert_string_equal(t.body[1], "2");
	assert_int_equal(ask_ussd("/p/ussd", AT "2*a*b", "Done", false), 200);
	assert_string_equal(t.body[2], "a*b"); /* a star that was typed */
	assert_string_equal(ussd_body, "END Done");
	assert_int_equal(t.in_count, 3);
}

static void test_a_form_delivered_twice_shows_the_same_screen(void **state)
{
	(void)state;
	create("africastalking", ADDRESS);
	ask_ussd("/p/ussd", AT, "A", true);
	ask_ussd("/p/ussd", AT "1", "B", true);
	assert_int_equal(ask_ussd("/p/ussd", AT "1", NULL, false), 200);
	assert_string_equal(ussd_body, "CON B");
	assert_int_equal(t.in_count, 2);
}

static void test_a_session_of_an_earlier_life_goes_on_with_its_last_answer(void **state)
{
	(void)state;
	create("africastalking", ADDRESS);
	ask_ussd("/p/ussd", AT "1*2*7", "Done", false);
	assert_int_equal(t.in[0].ussd_op, USSD_CONTINUE);
	assert_string_equal(t.body[0], "7");
}

static void test_an_end_by_form_is_told_and_kept(void **state)
{
	(void)state;
	create("africastalking", ADDRESS);
	ask_ussd("/p/ussd", AT, "A", true);
	t.hold = true;
	assert_int_equal(ask_ussd("/p/ussd/end", "sessionId=S&phoneNumber=%2B84912345678", NULL, false), 0);
	assert_int_equal(t.in[1].ussd_op, USSD_END);
	t.done[1](t.arg[1], true);
}

static void test_a_session_by_json_with_types(void **state)
{
	(void)state;
	create("hubtel", ADDRESS);
	assert_int_equal(ask_ussd("/p/ussd", "{\"Type\":\"Initiation\",\"SessionId\":\"h\",\"Mobile\":\"84912345678\","
				  "\"ServiceCode\":\"*111#\",\"Message\":\"*111#\",\"Sequence\":1}", "A \"q\"", true), 200);
	assert_string_equal(ussd_body, "{\"Type\": \"Response\", \"Message\": \"A \\\"q\\\"\"}");
	assert_string_equal(t.body[0], "");
	assert_int_equal(ask_ussd("/p/ussd", "{\"Type\":\"Response\",\"SessionId\":\"h\",\"Mobile\":\"84912345678\","
				  "\"Message\":\"1\",\"Sequence\":2}", "B", false), 200);
	assert_string_equal(ussd_body, "{\"Type\": \"Release\", \"Message\": \"B\"}");
	assert_string_equal(t.body[1], "1");
	assert_int_equal(ask_ussd("/p/ussd", "{\"Type\":\"Timeout\",\"SessionId\":\"i\",\"Mobile\":\"84912345678\"}", NULL,
				  false), 200);
	assert_int_equal(t.in[2].ussd_op, USSD_TIMEOUT);
	assert_int_equal(ask_ussd("/p/ussd", "{\"Type\":\"Nonsense\",\"SessionId\":\"h\"}", NULL, false), 400);
	assert_int_equal(ask_ussd("/p/ussd", "{\"Type\":\"Response\"}", NULL, false), 400);
	assert_int_equal(ask_ussd("/p/ussd", "not json", NULL, false), 400);
}

static void test_a_session_in_the_path(void **state)
{
	(void)state;
	create("infobip", ADDRESS);
	assert_int_equal(ask_ussd("/p/session/x1/start", "{\"msisdn\":\"84912345678\",\"text\":\"*111#\",\"shortCode\":\"*111#\"}",
				  "A", true), 200);
	assert_non_null(strstr(ussd_body, "\"shouldClose\": false, \"ussdMenu\": \"A\""));
	assert_int_equal(ask_ussd("/p/session/x1/response", "{\"msisdn\":\"84912345678\",\"text\":\"1\"}", "B", false), 200);
	assert_non_null(strstr(ussd_body, "\"shouldClose\": true"));
	assert_int_equal(ask_ussd("/p/session/x1/end", "{}", NULL, false), 200);
}

static void test_a_dead_disk_still_gives_a_screen(void **state)
{
	struct wire *w = mem_alloc(sizeof(*w));

	(void)state;
	create("africastalking", ADDRESS);
	t.hold = true;
	wire_open(w, t.loop, t.port);
	wire_say(w, t.loop, "GET /p/ussd?" AT "help HTTP/1.1\r\nHost: h\r\n\r\n");
	loop_skip_ms(t.loop, USSD_DISK_MS);
	wire_take(w, t.loop);
	assert_non_null(strstr(w->got, "\r\n\r\nEND He thong dang ban. Hay goi 111"));
	wire_close(w, t.loop);
	mem_free(w);
	t.done[0](t.arg[0], false);
	for (size_t i = 1; i < t.in_count; i++)
		t.done[i](t.arg[i], false);
}

/* ---- settings ---- */

static void test_faults_of_the_settings_are_placed(void **state)
{
	static const struct {
		const char *settings, *error;
	} cases[] = {
		{"{name: web, adapter: http}", "1:1: an http link needs 'auth'"},
		{"{auth: magic}", "1:8: 'auth' must be basic"},
		{"{auth: address}", "1:8: 'auth: address' needs an 'allow' list"},
		{"{auth: hmac}", "1:8: 'auth: hmac' needs 'auth_file'"},
		{"{auth: basic, auth_file: in}", "1:8: 'auth: basic' needs 'auth_user'"},
		{"{auth: bearer, auth_file: none}", "1:27: secret file "},
		{"{" ADDRESS "}", "1:1: an http link needs 'profile'"},
		{"{auth: address, allow: [nobody]}", "1:25: 'allow' takes"},
		{"{" ADDRESS ", profile: none.yaml}", "1:46: /tmp/"},
		{"{" ADDRESS ", profile: p.yaml}", "1:1: the profile 'x' has the provider call us: 'listen' is missing"},
		{"{" ADDRESS ", profile: p.yaml, listen: nowhere}", "1:62: 'nowhere' is not an address and port"},
		{"{" ADDRESS ", profile: p.yaml, listen: \"127.0.0.1:1\", path: x}", "1:83: 'path' must begin"},
		{"{" ADDRESS ", profile: p.yaml, listen: \"127.0.0.1:1\", tls_cert: x}", "1:1: 'tls_cert' and 'tls_key'"},
		{"{" ADDRESS ", profile: p.yaml, listen: \"127.0.0.1:1\", url: \"http://x/\"}", "1:82: the profile 'x' sends no"},
		{"{" ADDRESS ", profile: bad.yaml}", "1:46: "},
		{"{window: many}", "1:10: 'window' must be a number"},
		{"{deadline: 1ms}", "1:12: 'deadline' must lie between"},
	};
	char error[800];

	(void)state;
	write_secret("p.yaml", "profile: x\nsms: {fields: {from: f, text: t}}\n");
	write_secret("bad.yaml", "profile: x\nsms: {feilds: {}}\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		error[0] = '\0';
		assert_null(try_create(cases[i].settings, error, sizeof(error)));
		if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("%s\nwanted: %s\ngot:    %s", cases[i].settings, cases[i].error, error);
	}
	assert_null(try_create("{" ADDRESS ", profile: bad.yaml}", error, sizeof(error)));
	assert_non_null(strstr(error, "bad.yaml:2:7: unknown key 'feilds'; did you mean 'fields'?"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_text_is_received_only_once_it_is_durable),
		TEST(test_a_text_that_cannot_be_kept_is_503),
		TEST(test_a_text_without_a_sender_field_is_400),
		TEST(test_kannels_codings_and_parts_are_read),
		TEST(test_the_gate_stands_before_every_door),
		TEST(test_a_signed_text_that_could_not_be_kept_may_come_again_as_it_is),
		TEST(test_a_request_that_outlives_its_link_is_answered),
		TEST(test_a_link_of_the_next_configuration_stands_beside_it_until_it_starts),
		TEST(test_a_stopping_link_asks_to_come_again),
		TEST(test_kannels_sendsms_is_called_as_it_wants),
		TEST(test_a_json_provider_names_its_texts),
		TEST(test_what_the_provider_says_becomes_the_outcome),
		TEST(test_a_provider_in_trouble_is_left_alone_for_a_while),
		TEST(test_a_provider_that_is_not_there_can_be_tried_again),
		TEST(test_no_answer_is_in_doubt),
		TEST(test_a_provider_is_known_by_its_certificate),
		TEST(test_a_provider_that_nobody_vouches_for_gets_nothing),
		TEST(test_a_certificate_of_another_name_gets_nothing),
		TEST(test_a_window_keeps_room_for_an_alert),
		TEST(test_receipts_are_matched_by_their_words),
		TEST(test_a_session_by_form_with_con_and_end),
		TEST(test_a_form_delivered_twice_shows_the_same_screen),
		TEST(test_a_session_of_an_earlier_life_goes_on_with_its_last_answer),
		TEST(test_an_end_by_form_is_told_and_kept),
		TEST(test_a_session_by_json_with_types),
		TEST(test_a_session_in_the_path),
		TEST(test_a_dead_disk_still_gives_a_screen),
		TEST(test_faults_of_the_settings_are_placed),
	};

	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
