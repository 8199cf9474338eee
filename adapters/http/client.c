/* libcurl's sockets and its one timer as events of the loop. */
#include "adapters/http/client.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

struct open_call {
	struct http_client *client;
	struct open_call *next, **at;
	CURL *easy;                 /* owned */
	struct curl_slist *headers; /* owned */
	struct buf answer;          /* owned */
	char error[CURL_ERROR_SIZE];
	http_result_fn *fn;
	void *arg;
};

struct http_client {
	struct loop *loop; /* borrowed */
	char *ca_file;     /* owned */
	struct http_client_conf conf;
	CURLM *multi;      /* owned */
	struct loop_timer *timer;
	struct open_call *calls;
	size_t count;
};

/* ---- outcomes ---- */

static void call_free(struct open_call *call)
{
	struct http_client *client = call->client;

	*call->at = call->next;
	if (call->next)
		call->next->at = call->at;
	client->count--;
	curl_multi_remove_handle(client->multi, call->easy);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	buf_free(&call->answer);
	mem_free(call);
}

/* libcurl counts the octets of requests it has written. */
static bool was_sent(CURL *easy)
{
	long sent = 0;

	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent > 0;
}

static void finish(struct open_call *call, CURLcode code)
{
	struct http_result result = {.fate = HTTP_ANSWERED};
	curl_off_t retry_after_s = 0;
	long status = 0;

	if (code != CURLE_OK)
		result.fate = was_sent(call->easy) ? HTTP_NO_ANSWER : HTTP_NOT_SENT;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	result.status = (int)status;
	result.retry_after_ms = retry_after_s > 0 && retry_after_s < 86400 ? retry_after_s * 1000 : 0;
	result.body = buf_cstr(&call->answer);
	result.len = call->answer.len;
	result.why = call->error[0] ? call->error : curl_easy_strerror(code);
	call->fn(call->arg, &result);
	call_free(call);
}

static void collect(struct http_client *client)
{
	struct CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		struct open_call *call;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		finish(call, message->data.result);
	}
}

/* ---- events ---- */

static void on_timer(void *arg)
{
	struct http_client *client = arg;
	int running;

	curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(client);
}

static int set_timer(CURLM *multi, long wait_ms, void *arg)
{
	struct http_client *client = arg;

	(void)multi;
	if (wait_ms < 0)
		loop_timer_cancel(client->timer);
	else
		loop_timer_set(client->timer, wait_ms);
	return 0;
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct http_client *client = arg;
	int events = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(client->multi, fd, events, &running);
	collect(client);
}

/* `watch` is the event that this function has given to the socket before, or NULL. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch)
{
	struct http_client *client = arg;
	struct event *event = watch;
	short wanted = EV_PERSIST;

	(void)easy;
	if (event)
		event_free(event);
	event = NULL;
	if (what != CURL_POLL_REMOVE) {
		wanted |= (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
		event = event_new(loop_base(client->loop), fd, wanted, on_socket, client);
		event_add(event, NULL);
	}
	curl_multi_assign(client->multi, fd, event);
	return 0;
}

static size_t on_answer(char *bytes, size_t one, size_t len, void *arg)
{
	struct open_call *call = arg;

	(void)one;
	if (call->answer.len + len > HTTP_ANSWER_MAX)
		return 0; /* libcurl ends the call */
	buf_put(&call->answer, bytes, len);
	return len;
}

/* ---- calls ---- */

static void set_options(struct open_call *call, const struct http_call *what)
{
	const struct http_client *client = call->client;
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_URL, what->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)client->conf.connect_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)client->conf.answer_ms);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (client->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "hotlined");
	if (what->body) {
		char *type = mem_printf("Content-Type: %s", what->type);

		call->headers = curl_slist_append(call->headers, type);
		mem_free(type);
		call->headers = curl_slist_append(call->headers, "Expect:"); /* never wait for "100 Continue" */
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(what->body));
		curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, what->body);
	}
	for (const char *const *header = what->headers; header && *header; header++)
		call->headers = curl_slist_append(call->headers, *header);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
}

void http_client_call(struct http_client *client, const struct http_call *what, http_result_fn *fn, void *arg)
{
	struct open_call *call = mem_alloc(sizeof(*call));

	call->client = client;
	call->fn = fn;
	call->arg = arg;
	call->easy = curl_easy_init();
	if (!call->easy)
		fatal(EXIT_SOFTWARE, "libcurl has no memory");
	call->next = client->calls;
	call->at = &client->calls;
	if (call->next)
		call->next->at = &call->next;
	client->calls = call;
	client->count++;
	set_options(call, what);
	curl_multi_add_handle(client->multi, call->easy);
}

size_t http_client_open(const struct http_client *client)
{
	return client->count;
}

struct http_client *http_client_new(struct loop *loop, const struct http_client_conf *conf)
{
	static bool ready;
	struct http_client *client = mem_alloc(sizeof(*client));

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		fatal(EXIT_SOFTWARE, "libcurl cannot be used");
	ready = true;
	client->loop = loop;
	client->conf = *conf;
	client->ca_file = mem_strdup(conf->ca_file);
	client->timer = loop_timer_new(loop, on_timer, client);
	client->multi = curl_multi_init();
	if (!client->multi)
		fatal(EXIT_SOFTWARE, "libcurl has no memory");
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	return client;
}

void http_client_free(struct http_client *client)
{
	const struct http_result cancelled = {.fate = HTTP_NO_ANSWER, .body = "", .why = "cancelled"};

	if (!client)
		return;
	while (client->calls) {
		struct open_call *call = client->calls;

		call->fn(call->arg, &cancelled);
		call_free(call);
	}
	curl_multi_cleanup(client->multi);
	loop_timer_free(client->timer);
	mem_free(client->ca_file);
	mem_free(client);
}
