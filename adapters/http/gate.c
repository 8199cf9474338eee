/* Addresses, secrets, signatures and used nonces. */
#include "adapters/http/gate.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum { NONCE_MIN = 8, NONCE_MAX = 64, TIME_DIGITS_MAX = 12, NONCES_MAX = 100000 };

static const char *const verdict_names[HTTP_GATE_VERDICTS] = {"open", "address", "secret", "stale", "replay"};
static const char *const method_names[] = {[HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT"};

const char *http_verdict_name(enum http_verdict verdict)
{
	return verdict_names[verdict];
}

/* ---- addresses ---- */

static bool read_address(const char *text, uint8_t out[16], unsigned *bits)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	*bits = 128;
	if (inet_pton(AF_INET6, text, out) == 1)
		return true;
	memcpy(out, mapped, sizeof(mapped));
	*bits = 32;
	return inet_pton(AF_INET, text, out + sizeof(mapped)) == 1;
}

bool http_nets_add(struct http_nets *nets, const char *text)
{
	struct http_net *net = &nets->items[nets->count];
	const char *slash = strchr(text, '/');
	char address[HTTP_PEER_MAX], *end;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long wanted;
	unsigned bits;

	if (nets->count == HTTP_NETS_MAX || len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!read_address(address, net->bytes, &bits))
		return false;
	wanted = slash ? strtoul(slash + 1, &end, 10) : bits;
	if (wanted > bits || (slash && (!slash[1] || *end)))
		return false;
	net->bits = 128 - bits + (unsigned)wanted;
	nets->count++;
	return true;
}

static bool is_within(const uint8_t address[16], const struct http_net *net)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (memcmp(address, net->bytes, whole) != 0)
		return false;
	return rest == 0 || ((address[whole] ^ net->bytes[whole]) >> (8 - rest)) == 0;
}

bool http_nets_have(const struct http_nets *nets, const char *text)
{
	uint8_t address[16];
	unsigned bits;

	if (!read_address(text, address, &bits))
		return false;
	for (size_t i = 0; i < nets->count; i++) {
		if (is_within(address, &nets->items[i]))
			return true;
	}
	return false;
}

/* Behind a proxy of ours the caller is the last address that the proxy wrote down: all before it anybody
 * may have made up. */
static bool address_fits(const struct http_gate *gate, const struct http_exchange *x)
{
	struct http_slice list = http_header(&x->head, "X-Forwarded-For");
	char address[HTTP_PEER_MAX];
	const char *from;
	size_t len;

	if (gate->allow.count == 0)
		return true;
	if (!list.len || !http_nets_have(&gate->proxies, x->peer))
		return http_nets_have(&gate->allow, x->peer);
	from = memrchr(list.at, ',', list.len);
	from = from ? from + 1 : list.at;
	while (from < list.at + list.len && *from == ' ')
		from++;
	len = (size_t)(list.at + list.len - from);
	if (len >= sizeof(address) || http_header_count(&x->head, "X-Forwarded-For") > 1)
		return false;
	memcpy(address, from, len);
	address[len] = '\0';
	return http_nets_have(&gate->allow, address);
}

/* ---- secrets ---- */

/* Takes the same time whatever differs. */
static bool same(struct http_slice given, const char *wanted)
{
	unsigned char a[crypto_generichash_BYTES], b[crypto_generichash_BYTES];

	if (!given.at)
		return false;
	crypto_generichash(a, sizeof(a), (const unsigned char *)given.at, given.len, NULL, 0);
	crypto_generichash(b, sizeof(b), (const unsigned char *)wanted, strlen(wanted), NULL, 0);
	return sodium_memcmp(a, b, sizeof(a)) == 0;
}

/* What follows the scheme in an Authorization header. */
static struct http_slice credentials(const struct http_head *head, const char *scheme)
{
	struct http_slice value = http_header(head, "Authorization");
	size_t len = strlen(scheme);

	if (value.len <= len || strncasecmp(value.at, scheme, len) != 0 || value.at[len] != ' ')
		return (struct http_slice){NULL, 0};
	return (struct http_slice){value.at + len + 1, value.len - len - 1};
}

static bool basic_fits(const struct http_gate *gate, const struct http_exchange *x)
{
	struct http_slice given = credentials(&x->head, "Basic");
	char plain[2 * HTTP_SECRET_MAX], *wanted;
	size_t len;
	bool fits;

	if (!given.at || sodium_base642bin((unsigned char *)plain, sizeof(plain), given.at, given.len, NULL, &len, NULL,
					   sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	wanted = mem_printf("%s:%s", gate->user, gate->secret);
	fits = same((struct http_slice){plain, len}, wanted);
	explicit_bzero(wanted, strlen(wanted));
	explicit_bzero(plain, sizeof(plain));
	mem_free(wanted);
	return fits;
}

/* The value of `token` in the query, which needs no unescaping: a secret that would is not given away here. */
static struct http_slice query_token(struct http_slice query)
{
	static const char name[] = "token=";
	const char *at = query.at, *end = query.len ? query.at + query.len : query.at;

	while (at < end) {
		const char *next = memchr(at, '&', (size_t)(end - at)), *stop = next ? next : end;

		if ((size_t)(stop - at) > strlen(name) && memcmp(at, name, strlen(name)) == 0)
			return (struct http_slice){at + strlen(name), (size_t)(stop - at) - strlen(name)};
		at = next ? next + 1 : end;
	}
	return (struct http_slice){NULL, 0};
}

static bool bearer_fits(const struct http_gate *gate, const struct http_exchange *x)
{
	struct http_slice given = credentials(&x->head, "Bearer");

	return same(given.at ? given : query_token(x->head.query), gate->secret);
}

/* ---- signatures ---- */

void http_gate_sign(const char *secret, struct http_slice time, struct http_slice nonce, const char *method,
		    struct http_slice target, const void *body, size_t body_len, char out[HTTP_SIGNATURE_LEN + 1])
{
	const struct http_slice parts[] = {time, nonce, {method, strlen(method)}, target};
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		crypto_auth_hmacsha256_update(&state, (const unsigned char *)parts[i].at, parts[i].len);
		crypto_auth_hmacsha256_update(&state, (const unsigned char *)"\n", 1);
	}
	crypto_auth_hmacsha256_update(&state, body, body_len);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_bin2hex(out, HTTP_SIGNATURE_LEN + 1, mac, sizeof(mac));
	explicit_bzero(&state, sizeof(state));
}

static bool read_time(struct http_slice text, int64_t *out)
{
	*out = 0;
	if (text.len == 0 || text.len > TIME_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		*out = *out * 10 + (text.at[i] - '0');
	}
	return true;
}

static bool nonce_key(const struct http_exchange *x, uint8_t key[MAP_KEY_LEN])
{
	struct http_slice nonce = http_header(&x->head, HTTP_HEADER_NONCE);

	if (nonce.len < NONCE_MIN || nonce.len > NONCE_MAX)
		return false;
	crypto_generichash(key, MAP_KEY_LEN, (const unsigned char *)nonce.at, nonce.len, NULL, 0);
	return true;
}

/* A signature is good for one window before and one after its time, so a nonce older than two windows cannot
 * come again. */
static void turn_nonces(struct http_gate *gate, int64_t now_s)
{
	int64_t age_s = now_s - gate->turned_s;

	if (age_s >= 0 && age_s < 2 * HTTP_GATE_WINDOW_S)
		return;
	map_fini(&gate->nonces[1]);
	gate->nonces[1] = gate->nonces[0];
	gate->nonces[0] = (struct map){0};
	gate->turned_s = now_s;
}

static bool signature_fits(const struct http_gate *gate, const struct http_exchange *x)
{
	struct http_slice given = http_header(&x->head, HTTP_HEADER_SIGNATURE);
	char wanted[HTTP_SIGNATURE_LEN + 1];

	http_gate_sign(gate->secret, http_header(&x->head, HTTP_HEADER_TIME), http_header(&x->head, HTTP_HEADER_NONCE),
		       method_names[x->head.method], x->head.target, x->body.bytes.data, x->body.bytes.len, wanted);
	return same(given, wanted);
}

static enum http_verdict check_signed(struct http_gate *gate, const struct http_exchange *x, int64_t now_s)
{
	uint8_t key[MAP_KEY_LEN];
	int64_t at_s;

	if (!read_time(http_header(&x->head, HTTP_HEADER_TIME), &at_s) || !nonce_key(x, key) ||
	    !signature_fits(gate, x))
		return HTTP_GATE_SECRET;
	if (at_s < now_s - HTTP_GATE_WINDOW_S || at_s > now_s + HTTP_GATE_WINDOW_S)
		return HTTP_GATE_STALE;
	turn_nonces(gate, now_s);
	if (map_get(&gate->nonces[0], key) || map_get(&gate->nonces[1], key))
		return HTTP_GATE_REPLAY;
	if (gate->nonces[0].count >= NONCES_MAX) /* only who has the secret gets this far, so often */
		return HTTP_GATE_STALE;
	map_set(&gate->nonces[0], key, gate);
	return HTTP_GATE_OPEN;
}

enum http_verdict http_gate_check(struct http_gate *gate, const struct http_exchange *x, int64_t now_s)
{
	if (!address_fits(gate, x))
		return HTTP_GATE_ADDRESS;
	switch (gate->proof) {
	case HTTP_PROOF_NONE:
		return HTTP_GATE_OPEN;
	case HTTP_PROOF_BASIC:
		return basic_fits(gate, x) ? HTTP_GATE_OPEN : HTTP_GATE_SECRET;
	case HTTP_PROOF_BEARER:
		return bearer_fits(gate, x) ? HTTP_GATE_OPEN : HTTP_GATE_SECRET;
	case HTTP_PROOF_HMAC:
		return check_signed(gate, x, now_s);
	}
	return HTTP_GATE_SECRET;
}

void http_gate_forget(struct http_gate *gate, const struct http_exchange *x)
{
	uint8_t key[MAP_KEY_LEN];

	if (gate->proof != HTTP_PROOF_HMAC || !nonce_key(x, key))
		return;
	map_remove(&gate->nonces[0], key);
	map_remove(&gate->nonces[1], key);
}

void http_gate_fini(struct http_gate *gate)
{
	if (gate->secret)
		explicit_bzero(gate->secret, strlen(gate->secret));
	mem_free(gate->secret);
	mem_free(gate->user);
	map_fini(&gate->nonces[0]);
	map_fini(&gate->nonces[1]);
	memset(gate, 0, sizeof(*gate));
}
