/* Fuzz target: octets as an HTTP request, read in two pieces cut anywhere, then through the doors of the
 * shipped kinds of profile. The first octet chooses profile and cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/http/gate.h"
#include "adapters/http/profile.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const profiles[] = {
	"profile: f\nsms: {path: /s, fields: {from: from, to: to, text: text, id: id, coding: c, udh: u}, "
	"codings: {utf16: ['2']}}\nussd: {path: /u, history: '*', fields: {from: from, session: id, text: text}, "
	"screen: {next: 'CON {text}', last: 'END {text}'}}\n",
	"profile: j\nussd: {path: '/{session}/{op}', methods: [GET, POST, PUT], take: json, fields: {from: a.b.0, text: t}, "
	"ops: {begin: [start]}, screen: {type: application/json, next: '{\"m\": {text}}', last: '{}'}}\n",
};
enum { PROFILES = sizeof(profiles) / sizeof(*profiles) };

static void check(bool ok)
{
	if (!ok)
		abort();
}

static struct http_profile *profile_of(unsigned which)
{
	static struct http_profile *loaded[PROFILES];
	char error[300];

	if (!loaded[which])
		loaded[which] = http_profile_read("f", profiles[which], strlen(profiles[which]), error, sizeof(error));
	check(loaded[which] != NULL);
	return loaded[which];
}

/* Every value is within its text; a filled screen is what its form promises. */
static void use_fields(const struct http_door *door, struct http_fields *fields)
{
	struct buf screen = {0};
	char *text = NULL;

	for (int m = 0; m < HTTP_MEANINGS; m++) {
		struct http_slice value = {NULL, 0};

		if (door->fields[m])
			value = http_fields_find(fields, door->fields[m]);
		if (m == HTTP_TEXT && value.at) {
			text = mem_strndup(value.at, value.len);
			http_history_last(value, value.at, value.len / 2, '*');
		}
		http_door_word(door, value, -1);
	}
	if (text && door->next.body) {
		const struct http_value values[] = {{"text", text}};
		bool json = door->next.type && strstr(door->next.type, "json");

		http_fill(door->next.body, values, 1, json ? HTTP_AS_JSON : HTTP_AS_TEXT, &screen);
		if (json) {
			json_t *back = json_loadb((const char *)screen.data, screen.len, 0, NULL);

			check(back != NULL);
			json_decref(back);
		}
	}
	buf_free(&screen);
	mem_free(text);
}

static void use_request(const struct http_profile *profile, struct http_exchange *x)
{
	struct http_gate gate = {.proof = HTTP_PROOF_HMAC, .secret = mem_strdup("secret12")};
	struct http_fields fields = {0};
	const struct http_door *door;
	int status;

	check(http_gate_check(&gate, x, 1767225600) != HTTP_GATE_OPEN); /* nobody guesses a signature */
	gate.proof = HTTP_PROOF_BEARER;
	http_gate_check(&gate, x, 1767225600);
	door = http_profile_door(profile, x->head.path, x->head.method, &fields, &status);
	if (door && http_fields_add_form(&fields, x->head.query.at ? x->head.query.at : "", x->head.query.len)) {
		const char *body = (const char *)x->body.bytes.data;

		if (!door->json)
			http_fields_add_form(&fields, body ? body : "", x->body.bytes.len);
		else if (body)
			http_fields_set_json(&fields, body, x->body.bytes.len);
		use_fields(door, &fields);
	}
	http_fields_fini(&fields);
	http_gate_fini(&gate);
}

static void read_body(struct http_exchange *x, const char *bytes, size_t len, size_t cut, const struct http_profile *profile)
{
	struct http_body whole = {.chunked = x->head.chunked, .left = x->head.body_len};
	size_t used = 0, first = 0;
	int status;
	enum http_parse one = http_body_read(&whole, bytes, len, &used, &status), two;

	check(used <= len);
	x->body = (struct http_body){.chunked = x->head.chunked, .left = x->head.body_len};
	cut = len ? cut % len : 0;
	two = http_body_read(&x->body, bytes, cut, &first, &status);
	if (two == HTTP_MORE) {
		check(first == cut);
		two = http_body_read(&x->body, bytes + cut, len - cut, &first, &status);
	}
	check(one == two);
	if (one == HTTP_OK) {
		check(whole.bytes.len == x->body.bytes.len);
		check(x->body.bytes.len <= HTTP_BODY_MAX);
		use_request(profile, x);
	}
	buf_free(&whole.bytes);
	buf_free(&x->body.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_exchange x = {.peer = "127.0.0.1"};
	const struct http_profile *profile;
	char *exact;
	size_t used, cut;
	int status;

	if (size < 2)
		return 0;
	profile = profile_of(data[0] % PROFILES);
	cut = data[1];
	data += 2;
	size -= 2;
	exact = mem_dup(data, size); /* so that one octet too far is seen */
	if (size && http_head_read(exact, size, &x.head, &used, &status) == HTTP_OK) {
		check(used <= size);
		x.bytes = exact;
		read_body(&x, exact + used, size - used, cut, profile);
	}
	mem_free(exact);
	return 0;
}
