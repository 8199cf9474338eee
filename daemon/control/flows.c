/* Versions of the flows: which there are, how many conversations hold each, and taking one back. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "control/control.h"
#include "flows/engine/flow.h"
#include "path/flowbook.h"
#include "path/hotline.h"
#include "path/session.h"

enum { VERSIONS_MAX = 64, SHOWN_DIGITS = 12, DIGITS_MIN = 6 };

static void hex_of(const struct flow *flow, char out[FLOW_HASH_LEN * 2 + 1])
{
	hex_encode(flow_hash(flow), FLOW_HASH_LEN, out);
}

static json_t *version_json(const struct hotline *h, const struct flowbook_version *version)
{
	const char *state = version->current ? "current" : version->retired ? "retired" : "old";
	char hex[FLOW_HASH_LEN * 2 + 1];

	hex_of(version->flow, hex);
	hex[SHOWN_DIGITS] = '\0';
	return json_pack("{s:s,s:s,s:s,s:I}", "version", hex, "name", flow_name(version->flow), "state",
			 state, "conversations",
			 (json_int_t)session_count(h->session, flow_hash(version->flow)));
}

void flows_versions(struct control_request *request)
{
	struct flowbook_version versions[VERSIONS_MAX];
	size_t count = flowbook_versions(request->hotline->flowbook, versions, VERSIONS_MAX);
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, version_json(request->hotline, &versions[i]));
	control_answer(request, rows);
}

/* The one version whose hash begins with these digits; NULL: none, or several. */
static const struct flow *find(const struct hotline *h, const char *digits)
{
	struct flowbook_version versions[VERSIONS_MAX];
	size_t count = flowbook_versions(h->flowbook, versions, VERSIONS_MAX);
	const struct flow *found = NULL;
	char hex[FLOW_HASH_LEN * 2 + 1];

	for (size_t i = 0; i < count; i++) {
		hex_of(versions[i].flow, hex);
		if (strncmp(hex, digits, strlen(digits)))
			continue;
		if (found)
			return NULL;
		found = versions[i].flow;
	}
	return found;
}

void flows_retire(struct control_request *request)
{
	struct hotline *h = request->hotline;
	const char *digits = json_string_value(json_object_get(request->args, "version"));
	const struct flow *flow = digits && strlen(digits) >= DIGITS_MIN ? find(h, digits) : NULL;

	if (!flow) {
		control_refuse(request, CONTROL_EXIT_NOTHING,
			       "no version, or more than one, begins with these digits (%d at least)",
			       DIGITS_MIN);
		return;
	}
	if (!flowbook_retire(h->flowbook, flow_hash(flow))) {
		control_refuse(request, CONTROL_EXIT_REFUSED,
			       "new conversations begin with this version: reload another one first");
		return;
	}
	session_retire(h->session, flow_hash(flow));
	control_answer(request, json_pack("{s:s}", "retired", flow_name(flow)));
}
