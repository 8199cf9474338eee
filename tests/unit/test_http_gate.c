/* Who may call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/http/gate.h"
#include "base/mem.h"

enum { NOW = 1767225600 };

static const char secret[] = "correct horse";

/* A request with these headers and body, as the server would hand it over. */
static struct http_exchange *request(const char *peer, const char *target, const char *headers, const char *body)
{
	struct http_exchange *x = mem_alloc(sizeof(*x));
	size_t used;
	int status;

	x->bytes = mem_printf("POST %s HTTP/1.1\r\nHost: h\r\n%s\r\n", target, headers);
	assert_int_equal(http_head_read(x->bytes, strlen(x->bytes), &x->head, &used, &status), HTTP_OK);
	snprintf(x->peer, sizeof(x->peer), "%s", peer);
	buf_put(&x->body.bytes, body, strlen(body));
	return x;
}

static void request_free(struct http_exchange *x)
{
	buf_free(&x->body.bytes);
	mem_free(x->bytes);
	mem_free(x);
}

static enum http_verdict check(struct http_gate *gate, const char *peer, const char *target, const char *headers,
			       const char *body, int64_t now_s)
{
	struct http_exchange *x = request(peer, target, headers, body);
	enum http_verdict verdict = http_gate_check(gate, x, now_s);

	request_free(x);
	return verdict;
}

static void test_addresses_and_networks_are_told_apart(void **state)
{
	static const char *const bad[] = {"", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "::1/129", "h"};
	struct http_nets nets = {.count = 0};

	(void)state;
	assert_true(http_nets_add(&nets, "10.1.0.0/16"));
	assert_true(http_nets_add(&nets, "192.0.2.7"));
	assert_true(http_nets_add(&nets, "2001:db8::/33"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(http_nets_add(&nets, bad[i]));
	assert_int_equal(nets.count, 3);
	assert_true(http_nets_have(&nets, "10.1.255.1"));
	assert_false(http_nets_have(&nets, "10.2.0.1"));
	assert_true(http_nets_have(&nets, "192.0.2.7"));
	assert_false(http_nets_have(&nets, "192.0.2.6"));
	assert_true(http_nets_have(&nets, "2001:db8:7fff::1"));
	assert_false(http_nets_have(&nets, "2001:db8:8000::1"));
	assert_false(http_nets_have(&nets, "nobody"));
}

static void test_a_caller_off_the_list_is_refused(void **state)
{
	struct http_gate gate = {.proof = HTTP_PROOF_NONE};

	(void)state;
	http_nets_add(&gate.allow, "10.0.0.0/8");
	assert_int_equal(check(&gate, "10.3.3.3", "/", "", "", NOW), HTTP_GATE_OPEN);
	assert_int_equal(check(&gate, "11.3.3.3", "/", "", "", NOW), HTTP_GATE_ADDRESS);
	assert_int_equal(check(&gate, "11.3.3.3", "/", "X-Forwarded-For: 10.1.1.1\r\n", "", NOW), HTTP_GATE_ADDRESS);
	http_gate_fini(&gate);
}

static void test_a_proxy_of_ours_is_believed_in_its_last_word(void **state)
{
	struct http_gate gate = {.proof = HTTP_PROOF_NONE};

	(void)state;
	http_nets_add(&gate.allow, "10.0.0.0/8");
	http_nets_add(&gate.proxies, "127.0.0.1");
	assert_int_equal(check(&gate, "127.0.0.1", "/", "X-Forwarded-For: 9.9.9.9, 10.1.1.1\r\n", "", NOW), HTTP_GATE_OPEN);
	assert_int_equal(check(&gate, "127.0.0.1", "/", "X-Forwarded-For: 10.1.1.1, 9.9.9.9\r\n", "", NOW),
			 HTTP_GATE_ADDRESS);
	assert_int_equal(check(&gate, "127.0.0.1", "/", "", "", NOW), HTTP_GATE_ADDRESS);
	http_gate_fini(&gate);
}

static void test_basic_needs_user_and_secret(void **state)
{
	struct http_gate gate = {.proof = HTTP_PROOF_BASIC, .user = mem_strdup("u"), .secret = mem_strdup("p:w")};

	(void)state;
	assert_int_equal(check(&gate, "::1", "/", "Authorization: Basic dTpwOnc=\r\n", "", NOW), HTTP_GATE_OPEN);
	assert_int_equal(check(&gate, "::1", "/", "Authorization: basic dTpwOnc=\r\n", "", NOW), HTTP_GATE_OPEN);
	assert_int_equal(check(&gate, "::1", "/", "Authorization: Basic dTpwOno=\r\n", "", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check(&gate, "::1", "/", "Authorization: Basic !\r\n", "", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check(&gate, "::1", "/", "Authorization: Bearer dTpwOnc=\r\n", "", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check(&gate, "::1", "/", "", "", NOW), HTTP_GATE_SECRET);
	http_gate_fini(&gate);
}

static void test_bearer_comes_as_header_or_in_the_query(void **state)
{
	struct http_gate gate = {.proof = HTTP_PROOF_BEARER, .secret = mem_strdup("abcdefgh")};

	(void)state;
	assert_int_equal(check(&gate, "::1", "/", "Authorization: Bearer abcdefgh\r\n", "", NOW), HTTP_GATE_OPEN);
	assert_int_equal(check(&gate, "::1", "/?a=b&token=abcdefgh&c", "", "", NOW), HTTP_GATE_OPEN);
	assert_int_equal(check(&gate, "::1", "/?xtoken=abcdefgh", "", "", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check(&gate, "::1", "/?token=abcdefg", "", "", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check(&gate, "::1", "/?token=abcdefgh", "Authorization: Bearer wrong\r\n", "", NOW),
			 HTTP_GATE_SECRET);
	http_gate_fini(&gate);
}

static struct http_slice slice(const char *text)
{
	return (struct http_slice){text, strlen(text)};
}

/* Headers of a request signed at that time with that nonce. */
static char *sign(const char *with, int64_t at_s, const char *nonce, const char *target, const char *body)
{
	char at[24], signature[HTTP_SIGNATURE_LEN + 1];

	snprintf(at, sizeof(at), "%lld", (long long)at_s);
	http_gate_sign(with, slice(at), slice(nonce), "POST", slice(target), body, strlen(body), signature);
	return mem_printf("X-Hotline-Time: %s\r\nX-Hotline-Nonce: %s\r\nX-Hotline-Signature: %s\r\n", at, nonce, signature);
}

static enum http_verdict check_signed(struct http_gate *gate, char *headers, const char *target, const char *body,
				      int64_t now_s)
{
	enum http_verdict verdict = check(gate, "::1", target, headers, body, now_s);

	mem_free(headers);
	return verdict;
}

static void test_the_signature_is_the_documented_one(void **state)
{
	char out[HTTP_SIGNATURE_LEN + 1];

	(void)state;
	/* printf '1767225600\nnonce-0001\nPOST\n/sms\nfrom=1' | openssl dgst -sha256 -hmac 'correct horse' */
	http_gate_sign(secret, slice("1767225600"), slice("nonce-0001"), "POST", slice("/sms"), "from=1", 6, out);
	assert_string_equal(out, "45031a1c3a1d3bed608fca8b595554a0db603df317dab43053f6ca4ef401fda3");
}

static void test_only_what_was_signed_is_let_in(void **state)
{
	struct http_gate gate = {.proof = HTTP_PROOF_HMAC, .secret = mem_strdup(secret)};
	char *good = sign(secret, NOW, "nonce-0001", "/sms?a=1", "body");

	(void)state;
	assert_int_equal(check(&gate, "::1", "/sms?a=1", good, "bodY", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check(&gate, "::1", "/sms?a=2", good, "body", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check(&gate, "::1", "/sms?a=1", "", "body", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check_signed(&gate, sign("wrong horse", NOW, "nonce-0001", "/", ""), "/", "", NOW),
			 HTTP_GATE_SECRET);
	assert_int_equal(check_signed(&gate, sign(secret, NOW, "short", "/", ""), "/", "", NOW), HTTP_GATE_SECRET);
	assert_int_equal(check(&gate, "::1", "/sms?a=1", good, "body", NOW), HTTP_GATE_OPEN);
	mem_free(good);
	http_gate_fini(&gate);
}

static void test_a_signature_lives_for_its_window(void **state)
{
	struct http_gate gate = {.proof = HTTP_PROOF_HMAC, .secret = mem_strdup(secret)};
	const int64_t window = HTTP_GATE_WINDOW_S;

	(void)state;
	assert_int_equal(check_signed(&gate, sign(secret, NOW, "nonce-0001", "/", ""), "/", "", NOW + window), HTTP_GATE_OPEN);
	assert_int_equal(check_signed(&gate, sign(secret, NOW, "nonce-0002", "/", ""), "/", "", NOW - window), HTTP_GATE_OPEN);
	assert_int_equal(check_signed(&gate, sign(secret, NOW, "nonce-0003", "/", ""), "/", "", NOW + window + 1),
			 HTTP_GATE_STALE);
	assert_int_equal(check_signed(&gate, sign(secret, NOW, "nonce-0004", "/", ""), "/", "", NOW - window - 1),
			 HTTP_GATE_STALE);
	http_gate_fini(&gate);
}

static void test_a_nonce_is_good_once_in_its_whole_life(void **state)
{
	struct http_gate gate = {.proof = HTTP_PROOF_HMAC, .secret = mem_strdup(secret)};
	const int64_t window = HTTP_GATE_WINDOW_S;
	char nonce[40];

	(void)state;
	assert_int_equal(check_signed(&gate, sign(secret, NOW, "nonce-0001", "/", ""), "/", "", NOW - window), HTTP_GATE_OPEN);
	for (int64_t at = NOW - window; at <= NOW + window; at += 20) {
		snprintf(nonce, sizeof(nonce), "other-%lld", (long long)at);
		assert_int_equal(check_signed(&gate, sign(secret, at, nonce, "/", ""), "/", "", at), HTTP_GATE_OPEN);
		assert_int_equal(check_signed(&gate, sign(secret, NOW, "nonce-0001", "/", ""), "/", "", at), HTTP_GATE_REPLAY);
	}
	http_gate_fini(&gate);
}

static void test_what_could_not_be_kept_may_come_again(void **state)
{
	struct http_gate gate = {.proof = HTTP_PROOF_HMAC, .secret = mem_strdup(secret)};
	char *headers = sign(secret, NOW, "nonce-0001", "/", "");
	struct http_exchange *x = request("::1", "/", headers, "");

	(void)state;
	assert_int_equal(http_gate_check(&gate, x, NOW), HTTP_GATE_OPEN);
	http_gate_forget(&gate, x);
	assert_int_equal(http_gate_check(&gate, x, NOW), HTTP_GATE_OPEN);
	assert_int_equal(http_gate_check(&gate, x, NOW), HTTP_GATE_REPLAY);
	request_free(x);
	mem_free(headers);
	http_gate_fini(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_and_networks_are_told_apart),
		cmocka_unit_test(test_a_caller_off_the_list_is_refused),
		cmocka_unit_test(test_a_proxy_of_ours_is_believed_in_its_last_word),
		cmocka_unit_test(test_basic_needs_user_and_secret),
		cmocka_unit_test(test_bearer_comes_as_header_or_in_the_query),
		cmocka_unit_test(test_the_signature_is_the_documented_one),
		cmocka_unit_test(test_only_what_was_signed_is_let_in),
		cmocka_unit_test(test_a_signature_lives_for_its_window),
		cmocka_unit_test(test_a_nonce_is_good_once_in_its_whole_life),
		cmocka_unit_test(test_what_could_not_be_kept_may_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
