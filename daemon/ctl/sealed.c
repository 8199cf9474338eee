/* Opens sealed report rows on the officer's side: the daemon cannot, and the keys never reach it. */
#include "ctl/ctl.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/vault.h"

enum { BODY_MAX = 1 << 20 };

static const char table[] = "report_revisions"; /* where the daemon bound the payload to */

static bool id_of(const json_t *object, const char *key, struct id16 *id)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && id16_parse(text, id);
}

static bool hex_of(const json_t *object, const char *key, void *out, size_t len)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL && strlen(text) == 2 * len && hex_decode(text, out, len);
}

/* The data key of the row, by whichever of the two sealed copies this identity opens. */
static bool recover(const json_t *revision, const struct ctl_identity *who, struct data_key *key)
{
	memset(key, 0, sizeof *key);
	if (!id_of(revision, "conversation", &key->id) || !id_of(revision, "intake", &key->intake_id) ||
	    !hex_of(revision, "wrapped", key->wrapped, sizeof key->wrapped))
		return false;
	if (hex_of(revision, "intake_team", key->intake_team, sizeof key->intake_team) &&
	    data_key_recover(key, key->intake_team, who->public_key, who->secret_key))
		return true;
	return hex_of(revision, "intake_escrow", key->intake_escrow, sizeof key->intake_escrow) &&
	       data_key_recover(key, key->intake_escrow, who->public_key, who->secret_key);
}

static bool find_row(const json_t *revision, const struct vault *vault, struct id16 *row)
{
	const json_t *stamp = json_object_get(revision, "stamp");
	struct id16 conversation;

	if (id_of(revision, "row", row))
		return true;
	if (vault == NULL || !json_is_integer(stamp) ||
	    !id_of(revision, "conversation", &conversation))
		return false;
	vault_revision_row(vault, &conversation, json_integer_value(stamp), row);
	return true;
}

json_t *ctl_open_revision(const json_t *revision, const struct ctl_identity *identity,
			  const struct vault *vault)
{
	const char *hex = json_string_value(json_object_get(revision, "body_ct"));
	size_t len = hex != NULL ? strlen(hex) / 2 : 0;
	struct buf sealed = { 0 }, plain = { 0 };
	json_t *payload = NULL;
	struct data_key key;
	struct id16 row;

	if (len == 0 || len > BODY_MAX || !find_row(revision, vault, &row))
		return NULL;
	if (hex_decode(hex, buf_reserve(&sealed, len), len) && recover(revision, identity, &key) &&
	    data_key_unseal(&key, table, &row, sealed.data, sealed.len, &plain))
		payload = json_loadb((const char *)plain.data, plain.len, 0, NULL);
	data_key_wipe(&key);
	if (plain.data != NULL)
		sodium_memzero(plain.data, plain.cap);
	buf_free(&plain);
	buf_free(&sealed);
	return payload;
}
