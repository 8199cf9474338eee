/* Sealing and keyed hashing with the keys of one opened key folder. The files are in vault_files.c. */
#include "store/vault.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "store/vault_files.h"

enum {
	EPOCH = 1, /* of the root key; the key it selects authenticates it */
	EPOCH_LEN = 2,
	NONCE_LEN = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG_LEN = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	OVERHEAD = EPOCH_LEN + NONCE_LEN + TAG_LEN,
	PURPOSES = VAULT_MAC + 1,
	SAVED_VERSION = 1
};

_Static_assert(sizeof(((struct data_key *)0)->wrapped) == OVERHEAD + VAULT_KEY_LEN, "wrapped key");
_Static_assert(VAULT_SEALED_KEY_LEN == VAULT_KEY_LEN + crypto_box_SEALBYTES, "sealed key");
_Static_assert(VAULT_KEY_LEN == crypto_kdf_KEYBYTES, "root key");

/* crypto_kdf contexts, exactly 8 bytes each. Append only: a change makes what was sealed unreadable. */
static const char *const contexts[PURPOSES] = {
	[VAULT_SPOOL] = "hl-spool",   [VAULT_SESSION] = "hl-sessn", [VAULT_QUEUE] = "hl-queue",
	[VAULT_CONTACT] = "hl-contc", [VAULT_MAC] = "hl-mac-1",
};

/* The key of one hour, and what a team and the escrow need to have it back. */
struct intake {
	bool live;
	int64_t hour; /* hours since 1970 */
	struct id16 id;
	uint8_t key[VAULT_KEY_LEN];
	uint8_t team[VAULT_SEALED_KEY_LEN];
	uint8_t escrow[VAULT_SEALED_KEY_LEN];
};

/* All of it in guarded, locked memory; the root key itself is gone after vault_open(). */
struct vault {
	uint8_t subkeys[PURPOSES][VAULT_KEY_LEN];
	uint8_t index[VAULT_KEY_LEN];
	uint8_t team_public[VAULT_PUBLIC_LEN];
	uint8_t escrow_public[VAULT_PUBLIC_LEN];
	char team[sizeof(((struct data_key *)0)->team)];
	struct intake intake;
};

/* Layout: epoch u16, nonce, ciphertext and tag. `out` has room for OVERHEAD + len bytes. */
static void seal(const uint8_t key[VAULT_KEY_LEN], const void *aad, size_t aad_len,
		 const void *plain, size_t len, uint8_t *out)
{
	out[0] = EPOCH >> 8;
	out[1] = EPOCH & 0xff;
	randombytes_buf(out + EPOCH_LEN, NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + EPOCH_LEN + NONCE_LEN, NULL, plain, len,
						   aad, aad_len, NULL, out + EPOCH_LEN, key);
}

/* `out` has room for len - OVERHEAD bytes. */
static bool unseal(const uint8_t key[VAULT_KEY_LEN], const void *aad, size_t aad_len,
		   const uint8_t *sealed, size_t len, uint8_t *out)
{
	if (len < OVERHEAD || sealed[0] != EPOCH >> 8 || sealed[1] != (EPOCH & 0xff))
		return false;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(
		       out, NULL, NULL, sealed + EPOCH_LEN + NONCE_LEN,
		       len - EPOCH_LEN - NONCE_LEN, aad, aad_len, sealed + EPOCH_LEN, key) == 0;
}

/* The same onto a buffer, which is unchanged when the bytes are refused. */
static bool unseal_append(const uint8_t key[VAULT_KEY_LEN], const void *aad, size_t aad_len,
			  const void *sealed, size_t len, struct buf *out)
{
	size_t before = out->len;

	if (len < OVERHEAD)
		return false;
	if (unseal(key, aad, aad_len, sealed, len, buf_reserve(out, len - OVERHEAD)))
		return true;
	out->len = before;
	return false;
}

static void hash(const uint8_t *key, uint8_t domain, const void *bytes, size_t len, uint8_t *out,
		 size_t out_len)
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, key, VAULT_KEY_LEN, out_len);
	crypto_generichash_update(&st, &domain, 1);
	crypto_generichash_update(&st, bytes, len);
	crypto_generichash_final(&st, out, out_len);
	sodium_memzero(&st, sizeof st);
}

static bool load_keys(struct vault *v, const char *dir, const char *team, char *error, size_t size)
{
	uint8_t root[VAULT_KEY_LEN];
	char name[VAULT_NAME_MAX];

	if (!vault_team_name(team, error, size))
		return false;
	snprintf(v->team, sizeof v->team, "%s", team);
	snprintf(name, sizeof name, "team-%s.pub", team);
	if (!vault_read_key(dir, "index.key", v->index, error, size) ||
	    !vault_read_key(dir, "escrow.pub", v->escrow_public, error, size) ||
	    !vault_read_key(dir, name, v->team_public, error, size) ||
	    !vault_read_key(dir, "root.key", root, error, size))
		return false;
	for (int i = 0; i < PURPOSES; i++)
		crypto_kdf_derive_from_key(v->subkeys[i], VAULT_KEY_LEN, EPOCH, contexts[i], root);
	sodium_memzero(root, sizeof root);
	return true;
}

struct vault *vault_open(const char *dir, const char *team, char *error, size_t error_size)
{
	struct vault *v;

	if (sodium_init() < 0) {
		snprintf(error, error_size, "libsodium cannot start");
		return NULL;
	}
	v = sodium_malloc(sizeof *v);
	if (v == NULL) {
		snprintf(error, error_size, "no guarded memory for the keys");
		return NULL;
	}
	sodium_memzero(v, sizeof *v);
	if (load_keys(v, dir, team, error, error_size))
		return v;
	vault_close(v);
	return NULL;
}

void vault_close(struct vault *v)
{
	sodium_free(v); /* wipes; NULL is fine */
}

void vault_index(const struct vault *v, enum vault_index use, const void *bytes, size_t len,
		 uint8_t out[VAULT_INDEX_LEN])
{
	hash(v->index, (uint8_t)use, bytes, len, out, VAULT_INDEX_LEN);
}

void vault_mac(const struct vault *v, const void *bytes, size_t len, uint8_t out[32])
{
	hash(v->subkeys[VAULT_MAC], 0, bytes, len, out, 32);
}

void vault_seal(const struct vault *v, enum vault_purpose purpose, const void *aad, size_t aad_len,
		const void *plain, size_t len, struct buf *out)
{
	seal(v->subkeys[purpose], aad, aad_len, plain, len, buf_reserve(out, len + OVERHEAD));
}

bool vault_unseal(const struct vault *v, enum vault_purpose purpose, const void *aad, size_t aad_len,
		  const void *sealed, size_t len, struct buf *out)
{
	return unseal_append(v->subkeys[purpose], aad, aad_len, sealed, len, out);
}

/* ---- report keys ---- */

static void intake_new(struct vault *v, int64_t hour, int64_t wall_us)
{
	struct intake *in = &v->intake;

	sodium_memzero(in, sizeof *in);
	in->live = true;
	in->hour = hour;
	in->id = id16_new(wall_us);
	crypto_aead_xchacha20poly1305_ietf_keygen(in->key);
	crypto_box_seal(in->team, in->key, sizeof in->key, v->team_public);
	crypto_box_seal(in->escrow, in->key, sizeof in->key, v->escrow_public);
}

/* A wrapped data key belongs to one conversation and one intake key. */
static void wrap_place(const struct data_key *key, uint8_t aad[40])
{
	memcpy(aad, "data-key", 8);
	memcpy(aad + 8, key->id.b, 16);
	memcpy(aad + 24, key->intake_id.b, 16);
}

static void row_place(struct buf *aad, const char *table, const struct id16 *row)
{
	buf_put_str(aad, table);
	buf_put(aad, row->b, sizeof row->b);
	buf_put_u16(aad, EPOCH);
}

void vault_data_key_new(struct vault *v, const struct id16 *id, int64_t wall_us, struct data_key *out)
{
	int64_t hour = wall_us / INT64_C(3600000000);
	uint8_t aad[40];

	if (!v->intake.live || v->intake.hour != hour)
		intake_new(v, hour, wall_us);
	memset(out, 0, sizeof *out);
	out->id = *id;
	out->intake_id = v->intake.id;
	memcpy(out->team, v->team, sizeof out->team);
	memcpy(out->intake_team, v->intake.team, sizeof out->intake_team);
	memcpy(out->intake_escrow, v->intake.escrow, sizeof out->intake_escrow);
	crypto_aead_xchacha20poly1305_ietf_keygen(out->key);
	wrap_place(out, aad);
	seal(v->intake.key, aad, sizeof aad, out->key, sizeof out->key, out->wrapped);
}

void vault_tick(struct vault *v, int64_t wall_us)
{
	if (v->intake.live && v->intake.hour != wall_us / INT64_C(3600000000))
		sodium_memzero(&v->intake, sizeof v->intake);
}

bool vault_intake_live(const struct vault *v)
{
	return v->intake.live || !sodium_is_zero(v->intake.key, sizeof v->intake.key);
}

void data_key_save(const struct data_key *key, struct buf *out)
{
	buf_put_u8(out, SAVED_VERSION);
	buf_put(out, key->id.b, sizeof key->id.b);
	buf_put(out, key->key, sizeof key->key);
	buf_put(out, key->intake_id.b, sizeof key->intake_id.b);
	buf_put_str(out, key->team);
	buf_put(out, key->wrapped, sizeof key->wrapped);
	buf_put(out, key->intake_team, sizeof key->intake_team);
	buf_put(out, key->intake_escrow, sizeof key->intake_escrow);
}

static void take(struct reader *r, void *out, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	if (p != NULL)
		memcpy(out, p, len);
}

bool data_key_load(struct reader *r, struct data_key *out)
{
	struct data_key key;

	memset(&key, 0, sizeof key);
	if (reader_u8(r) != SAVED_VERSION)
		r->bad = true;
	take(r, key.id.b, sizeof key.id.b);
	take(r, key.key, sizeof key.key);
	take(r, key.intake_id.b, sizeof key.intake_id.b);
	reader_str_into(r, key.team, sizeof key.team);
	take(r, key.wrapped, sizeof key.wrapped);
	take(r, key.intake_team, sizeof key.intake_team);
	take(r, key.intake_escrow, sizeof key.intake_escrow);
	if (!r->bad)
		*out = key;
	data_key_wipe(&key);
	return !r->bad;
}

void data_key_wipe(struct data_key *key)
{
	sodium_memzero(key, sizeof *key);
}

void data_key_seal(const struct data_key *key, const char *table, const struct id16 *row,
		   const void *plain, size_t len, struct buf *out)
{
	struct buf padded = { 0 }, aad = { 0 };
	size_t room = len + VAULT_PAD, padded_len = 0;

	memset(buf_reserve(&padded, room), 0, room);
	if (len > 0)
		memcpy(padded.data, plain, len);
	sodium_pad(&padded_len, padded.data, len, VAULT_PAD, room);
	row_place(&aad, table, row);
	seal(key->key, aad.data, aad.len, padded.data, padded_len,
	     buf_reserve(out, padded_len + OVERHEAD));
	sodium_memzero(padded.data, padded.len);
	buf_free(&padded);
	buf_free(&aad);
}

void vault_revision_row(const struct vault *v, const struct id16 *conversation, int64_t stamp,
			struct id16 *row)
{
	struct buf name = { 0 };

	buf_put_str(&name, "revision");
	buf_put(&name, conversation->b, sizeof conversation->b);
	buf_put_u64(&name, (uint64_t)stamp);
	vault_index(v, VAULT_IDX_CONVERSATION, name.data, name.len, row->b);
	buf_free(&name);
}

bool data_key_recover(struct data_key *key, const uint8_t *sealed_intake, const uint8_t public_key[32],
		      const uint8_t secret_key[32])
{
	uint8_t intake[VAULT_KEY_LEN], plain[VAULT_KEY_LEN], aad[40];
	bool ok;

	if (crypto_box_seal_open(intake, sealed_intake, VAULT_SEALED_KEY_LEN, public_key,
				 secret_key) != 0)
		return false;
	wrap_place(key, aad);
	ok = unseal(intake, aad, sizeof aad, key->wrapped, sizeof key->wrapped, plain);
	if (ok)
		memcpy(key->key, plain, sizeof plain);
	sodium_memzero(intake, sizeof intake);
	sodium_memzero(plain, sizeof plain);
	return ok;
}

bool data_key_unseal(const struct data_key *key, const char *table, const struct id16 *row,
		     const void *sealed, size_t len, struct buf *out)
{
	size_t before = out->len, plain_len = 0;
	struct buf aad = { 0 };
	bool ok;

	row_place(&aad, table, row);
	ok = unseal_append(key->key, aad.data, aad.len, sealed, len, out) &&
	     sodium_unpad(&plain_len, out->data + before, out->len - before, VAULT_PAD) == 0;
	buf_free(&aad);
	out->len = before + (ok ? plain_len : 0);
	return ok;
}

/* ---- proof of entitlement ---- */

static void answer_of(const uint8_t secret[32], uint8_t nonce[32])
{
	static const char domain[] = "hotlined proof of entitlement";

	crypto_generichash(nonce, 32, (const uint8_t *)domain, sizeof domain - 1, secret, 32);
}

void vault_challenge(const struct vault *v, uint8_t nonce[32], uint8_t challenge[32 + 48])
{
	uint8_t secret[32];

	randombytes_buf(secret, sizeof secret);
	answer_of(secret, nonce);
	crypto_box_seal(challenge, secret, sizeof secret, v->team_public);
	sodium_memzero(secret, sizeof secret);
}

bool vault_answer(const uint8_t challenge[32 + 48], const uint8_t public_key[32],
		  const uint8_t secret_key[32], uint8_t nonce[32])
{
	uint8_t secret[32];

	if (crypto_box_seal_open(secret, challenge, 32 + 48, public_key, secret_key) != 0)
		return false;
	answer_of(secret, nonce);
	sodium_memzero(secret, sizeof secret);
	return true;
}
