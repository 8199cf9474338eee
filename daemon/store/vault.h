/* Keys and sealing (libsodium). One 32-byte root key with crypto_kdf subkeys, an index key apart from
 * it, and public keys of teams and of the escrow. A host that is broken into can open the current hour
 * and the conversations still open, nothing older. Ceremony, backup, restore: doc/keys.md. */
#ifndef STORE_VAULT_H
#define STORE_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/ids.h"

struct vault;

enum {
	VAULT_KEY_LEN = 32,
	VAULT_INDEX_LEN = 16,  /* keyed BLAKE2b of a sender or of a duplicate key */
	VAULT_PAD = 256,       /* sealed payloads are padded to a multiple of this */
	VAULT_PUBLIC_LEN = 32, /* X25519 */
	VAULT_SEALED_KEY_LEN = 80 /* crypto_box_seal of a 32-byte key */
};

/* Subkeys of the root key; each has its own 8-byte crypto_kdf context. Append only. */
enum vault_purpose {
	VAULT_SPOOL,   /* spool record bodies */
	VAULT_SESSION, /* conversation state in Redis */
	VAULT_QUEUE,   /* report stream entries in Redis */
	VAULT_CONTACT, /* phone numbers kept in PostgreSQL */
	VAULT_MAC      /* authenticates sealed reports: sealed boxes alone do not */
};

/* Opens `dir`: root.key, index.key, escrow.pub and team-NAME.pub for each team. A key file that is
 * readable by group or others, missing, or of the wrong size gives NULL and an error that names the
 * file and the remedy. Keys are kept in sodium_malloc()ed memory. */
struct vault *vault_open(const char *dir, const char *team, char *error, size_t error_size);
void vault_close(struct vault *v); /* wipes every key */

/* Keyed hashes by the index key, which is never rotated together with the root. */
enum vault_index { VAULT_IDX_SUBJECT, VAULT_IDX_DUPLICATE, VAULT_IDX_CONVERSATION, VAULT_IDX_CODE,
                   VAULT_IDX_PARTITION };
void vault_index(const struct vault *v, enum vault_index use, const void *bytes, size_t len,
                 uint8_t out[VAULT_INDEX_LEN]);

/* Seals plain under a subkey: XChaCha20-Poly1305-IETF with a random nonce; `aad` binds it to its place
 * (table and row, or record number). Layout: epoch u16, nonce 24, ciphertext+tag. Appends to out. */
void vault_seal(const struct vault *v, enum vault_purpose purpose, const void *aad, size_t aad_len,
                const void *plain, size_t len, struct buf *out);
/* Appends the plain bytes to out; false if the bytes were not sealed here for this place. */
bool vault_unseal(const struct vault *v, enum vault_purpose purpose, const void *aad, size_t aad_len,
                  const void *sealed, size_t len, struct buf *out);
void vault_mac(const struct vault *v, const void *bytes, size_t len, uint8_t out[32]);

/* ---- report keys ---- */

/* The data key of one conversation and everything an officer needs to recover it. It travels with
 * every queue entry, so that no crash can file a report whose key is lost. */
struct data_key {
	struct id16 id;            /* of the conversation */
	uint8_t key[VAULT_KEY_LEN];/* plain; lives in the sealed session state and is wiped at its end */
	struct id16 intake_id;     /* which intake key wraps it */
	char team[32];
	uint8_t wrapped[2 + 24 + VAULT_KEY_LEN + 16];    /* data key under the intake key */
	uint8_t intake_team[VAULT_SEALED_KEY_LEN];   /* intake key sealed to the team */
	uint8_t intake_escrow[VAULT_SEALED_KEY_LEN]; /* intake key sealed to the escrow */
};

/* A fresh data key wrapped by the intake key of the running hour (made, and the last hour's wiped,
 * when wall_us enters another hour). `id` names the conversation. */
void vault_data_key_new(struct vault *v, const struct id16 *id, int64_t wall_us, struct data_key *out);
void data_key_save(const struct data_key *key, struct buf *out);
bool data_key_load(struct reader *r, struct data_key *out);
void data_key_wipe(struct data_key *key);
/* Wipes an intake key whose hour is over; call once a minute. */
void vault_tick(struct vault *v, int64_t wall_us);
bool vault_intake_live(const struct vault *v); /* whether any intake key is in memory now */

/* Seals a payload (padded) under a data key for one row of one table. */
void data_key_seal(const struct data_key *key, const char *table, const struct id16 *row,
                   const void *plain, size_t len, struct buf *out);
/* The row id a report revision is sealed for: from its conversation and stamp, so that a replayed
 * filing seals the same row again. */
void vault_revision_row(const struct vault *v, const struct id16 *conversation, int64_t stamp,
                        struct id16 *row);
/* The officer's side: recovers the plain data key with an identity (X25519 secret), or false. */
bool data_key_recover(struct data_key *key, const uint8_t *sealed_intake, const uint8_t public_key[32],
                      const uint8_t secret_key[32]);
bool data_key_unseal(const struct data_key *key, const char *table, const struct id16 *row,
                     const void *sealed, size_t len, struct buf *out);

/* A proof of entitlement: `challenge` is sealed to the team; whoever returns `nonce` holds the identity. */
void vault_challenge(const struct vault *v, uint8_t nonce[32], uint8_t challenge[32 + 48]);
/* The officer's side. The nonce is a hash of what the challenge holds: were it the content itself, a
 * host in wrong hands could pass the sealed intake key of an old hour off as a challenge and have
 * the officer open it. False if the challenge is not for this identity. */
bool vault_answer(const uint8_t challenge[32 + 48], const uint8_t public_key[32],
                  const uint8_t secret_key[32], uint8_t nonce[32]);

/* ---- key files (hotlinectl keys) ---- */

/* Makes root.key, index.key, escrow.pub + escrow.identity, team-NAME.pub + team-NAME.identity in dir,
 * mode 0600, never overwriting. False and an error text otherwise. */
bool vault_init_dir(const char *dir, const char *team, char *error, size_t error_size);
/* One passphrase-encrypted file (Argon2id + secretbox) of everything the daemon's host needs
 * (root.key, index.key, *.pub; no identities). */
bool vault_backup(const char *dir, const char *file, const char *passphrase, char *error, size_t error_size);
bool vault_restore(const char *file, const char *dir, const char *passphrase, char *error, size_t error_size);
/* Reads an identity file (32-byte secret as hex, mode 0600). */
bool vault_read_identity(const char *file, uint8_t public_key[32], uint8_t secret_key[32],
                         char *error, size_t error_size);

#endif
