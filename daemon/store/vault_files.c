/* The key folder on disk: making, reading, backing up and restoring it (doc/keys.md). */
#include "store/vault_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/vault.h"

enum {
	KEY_FILE_MAX = 256,       /* 64 hex digits and some white space */
	BACKUP_FILE_MAX = 65536,
	BACKUP_KEYS_MAX = 256,
	TEAM_MAX = 31
};

/* What a damaged or hostile backup may ask of Argon2id before its passphrase is even tried. */
static const uint64_t ops_limit_max = 16;
static const uint64_t memory_limit_max = UINT64_C(1) << 30;

static const char backup_magic[8] = "HLKEYS1";
static const char team_charset[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

/* One key with the name of its file. */
struct key_file {
	char name[VAULT_NAME_MAX];
	uint8_t key[32];
};

/* Keys on their way between a folder and a backup. */
struct key_set {
	struct key_file files[BACKUP_KEYS_MAX];
	size_t count;
};

__attribute__((format(printf, 3, 4))) static bool fail(char *error, size_t size, const char *format,
							...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(error, size, format, ap);
	va_end(ap);
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void join(char *out, size_t size, const char *dir, const char *name)
{
	snprintf(out, size, "%s/%s", dir, name);
}

/* ---- reading ---- */

static bool is_credential(const char *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t len = dir != NULL ? strlen(dir) : 0;

	return len > 1 && strncmp(path, dir, len) == 0 && path[len] == '/';
}

static bool mode_is_safe(const char *path, const struct stat *st, char *error, size_t size)
{
	if (!S_ISREG(st->st_mode))
		return fail(error, size, "%s: is not a plain file", path);
	if (ends_with(path, ".pub") && (st->st_mode & 022) != 0)
		return fail(error, size,
			    "%s: group or others may change it; check it, then: chmod 600 %s", path,
			    path);
	if (!ends_with(path, ".pub") && (st->st_mode & 077) != 0 && !is_credential(path))
		return fail(error, size,
			    "%s: group or others may read it; a key may be known to them: see "
			    "doc/keys.md, then: chmod 600 %s",
			    path, path);
	return true;
}

/* Reads a whole small file; its bytes may be secret and are the caller's to wipe. */
static bool read_small(const char *path, bool checked, uint8_t *out, size_t max, size_t *len,
		       char *error, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n = 0;
	bool ok = false;

	if (fd < 0)
		return fail(error, size, "%s: %s%s", path, strerror(errno),
			    errno == ENOENT ? " (keys are made by: hotlinectl keys init)" : "");
	if (fstat(fd, &st) != 0 || (checked && !mode_is_safe(path, &st, error, size)))
		goto out;
	*len = 0;
	while (*len < max && (n = read(fd, out + *len, max - *len)) > 0)
		*len += (size_t)n;
	ok = n >= 0 ? true : fail(error, size, "%s: %s", path, strerror(errno));
out:
	close(fd);
	return ok;
}

static bool parse_key(const char *path, char *text, size_t len, uint8_t out[32], char *error,
		      size_t size)
{
	char *start = text;

	text[len] = '\0';
	start += strspn(start, " \t\r\n");
	len = strcspn(start, " \t\r\n");
	if (start[len + strspn(start + len, " \t\r\n")] != '\0')
		len = 0;
	start[len] = '\0';
	if (!hex_decode(start, out, 32))
		return fail(error, size,
			    "%s: is not a key: 64 hexadecimal digits are expected and nothing else",
			    path);
	return true;
}

static bool read_key_path(const char *path, uint8_t out[32], char *error, size_t size)
{
	uint8_t text[KEY_FILE_MAX + 1];
	size_t len = 0;
	bool ok;

	ok = read_small(path, true, text, KEY_FILE_MAX, &len, error, size) &&
	     parse_key(path, (char *)text, len, out, error, size);
	sodium_memzero(text, sizeof text);
	return ok;
}

bool vault_team_name(const char *team, char *error, size_t error_size)
{
	size_t len = team != NULL ? strlen(team) : 0;

	if (len == 0 || len > TEAM_MAX || team[0] == '-' || strspn(team, team_charset) != len)
		return fail(error, error_size,
			    "a team's name is 1 to %d of a-z, 0-9 and hyphen, and starts with no hyphen",
			    TEAM_MAX);
	return true;
}

bool vault_read_key(const char *dir, const char *name, uint8_t out[32], char *error,
		    size_t error_size)
{
	char path[4096];

	join(path, sizeof path, dir, name);
	return read_key_path(path, out, error, error_size);
}

bool vault_read_identity(const char *file, uint8_t public_key[32], uint8_t secret_key[32],
			 char *error, size_t error_size)
{
	if (ends_with(file, ".pub"))
		return fail(error, error_size, "%s: is a public key; an identity file is needed",
			    file);
	if (!read_key_path(file, secret_key, error, error_size))
		return false;
	crypto_scalarmult_base(public_key, secret_key);
	return true;
}

/* ---- writing ---- */

static bool write_all(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* A new file of mode 0600, on disk when this returns; one that exists is left alone. */
static bool write_new(const char *path, const void *bytes, size_t len, char *error, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok;

	if (fd < 0)
		return fail(error, size, "%s: %s", path,
			    errno == EEXIST ? "exists already and is never overwritten"
					    : strerror(errno));
	ok = fchmod(fd, 0600) == 0 && write_all(fd, bytes, len) && fsync(fd) == 0;
	if (!ok)
		fail(error, size, "%s: %s", path, strerror(errno));
	close(fd);
	if (!ok)
		unlink(path);
	return ok;
}

static bool sync_dir(const char *dir, char *error, size_t size)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		fail(error, size, "%s: %s", dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool make_dir(const char *dir, char *error, size_t size)
{
	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		return true;
	return fail(error, size, "%s: %s", dir, strerror(errno));
}

static bool none_exists(const char *dir, const struct key_set *set, char *error, size_t size)
{
	char path[4096];

	for (size_t i = 0; i < set->count; i++) {
		join(path, sizeof path, dir, set->files[i].name);
		if (access(path, F_OK) == 0)
			return fail(error, size,
				    "%s: exists already; keys are never overwritten, nothing was "
				    "written",
				    path);
	}
	return true;
}

static bool write_key(const char *dir, const struct key_file *file, char *error, size_t size)
{
	char path[4096], hex[2 * sizeof file->key + 2];
	bool ok;

	join(path, sizeof path, dir, file->name);
	hex_encode(file->key, sizeof file->key, hex);
	hex[2 * sizeof file->key] = '\n';
	ok = write_new(path, hex, 2 * sizeof file->key + 1, error, size);
	sodium_memzero(hex, sizeof hex);
	return ok;
}

/* All or nothing: what this call wrote is taken back when a later file fails. */
static bool write_set(const char *dir, const struct key_set *set, char *error, size_t size)
{
	char path[4096];
	size_t done = 0;

	if (!make_dir(dir, error, size) || !none_exists(dir, set, error, size))
		return false;
	while (done < set->count && write_key(dir, &set->files[done], error, size))
		done++;
	if (done == set->count && sync_dir(dir, error, size))
		return true;
	while (done-- > 0) {
		join(path, sizeof path, dir, set->files[done].name);
		unlink(path);
	}
	return false;
}

/* ---- making ---- */

static struct key_set *set_new(void)
{
	return mem_alloc(sizeof(struct key_set));
}

static void set_free(struct key_set *set)
{
	sodium_memzero(set, sizeof *set);
	mem_free(set);
}

static uint8_t *set_add(struct key_set *set, const char *name)
{
	struct key_file *file = &set->files[set->count++];

	memcpy(file->name, name, strnlen(name, sizeof file->name - 1)); /* set_new() gave zeroes */
	return file->key;
}

static void set_add_pair(struct key_set *set, const char *who)
{
	char name[VAULT_NAME_MAX];
	uint8_t *public_key, *secret_key;

	snprintf(name, sizeof name, "%s.pub", who);
	public_key = set_add(set, name);
	snprintf(name, sizeof name, "%s.identity", who);
	secret_key = set_add(set, name);
	crypto_box_keypair(public_key, secret_key);
}

bool vault_init_dir(const char *dir, const char *team, char *error, size_t error_size)
{
	char who[VAULT_NAME_MAX];
	struct key_set *set;
	bool ok;

	if (sodium_init() < 0)
		return fail(error, error_size, "libsodium cannot start");
	if (!vault_team_name(team, error, error_size))
		return false;
	set = set_new();
	crypto_kdf_keygen(set_add(set, "root.key"));
	crypto_generichash_keygen(set_add(set, "index.key"));
	set_add_pair(set, "escrow");
	snprintf(who, sizeof who, "team-%s", team);
	set_add_pair(set, who);
	ok = write_set(dir, set, error, error_size);
	set_free(set);
	return ok;
}

/* ---- backup ---- */

/* root.key, index.key, escrow.pub, team-NAME.pub: what a daemon's host needs; identities never. */
static bool is_host_key(const char *name)
{
	char team[VAULT_NAME_MAX], unused[8];
	size_t len = strlen(name);

	if (strcmp(name, "root.key") == 0 || strcmp(name, "index.key") == 0 ||
	    strcmp(name, "escrow.pub") == 0)
		return true;
	if (len >= VAULT_NAME_MAX || len < 9 || strncmp(name, "team-", 5) != 0 ||
	    !ends_with(name, ".pub"))
		return false;
	snprintf(team, sizeof team, "%.*s", (int)(len - 9), name + 5);
	return vault_team_name(team, unused, sizeof unused);
}

static bool set_has(const struct key_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->files[i].name, name) == 0)
			return true;
	return false;
}

static bool set_is_whole(const struct key_set *set, const char *where, char *error, size_t size)
{
	static const char *const needed[] = { "root.key", "index.key", "escrow.pub" };

	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (!set_has(set, needed[i]))
			return fail(error, size, "%s: has no %s", where, needed[i]);
	if (set->count < 4)
		return fail(error, size, "%s: has no team-NAME.pub", where);
	return true;
}

static bool set_read(struct key_set *set, const char *dir, char *error, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool ok = true;

	if (d == NULL)
		return fail(error, size, "%s: %s", dir, strerror(errno));
	while (ok && (entry = readdir(d)) != NULL) {
		if (!is_host_key(entry->d_name))
			continue;
		ok = set->count < BACKUP_KEYS_MAX
			     ? vault_read_key(dir, entry->d_name, set_add(set, entry->d_name), error,
					      size)
			     : fail(error, size, "%s: more than %d keys", dir, BACKUP_KEYS_MAX);
	}
	closedir(d);
	return ok && set_is_whole(set, dir, error, size);
}

static void set_save(const struct key_set *set, struct buf *out)
{
	buf_put_u16(out, (uint16_t)set->count);
	for (size_t i = 0; i < set->count; i++) {
		buf_put_str(out, set->files[i].name);
		buf_put(out, set->files[i].key, sizeof set->files[i].key);
	}
}

static bool set_load(struct key_set *set, struct reader *r)
{
	size_t count = reader_u16(r);

	if (count > BACKUP_KEYS_MAX)
		return false;
	while (!r->bad && set->count < count) {
		char name[VAULT_NAME_MAX];
		const uint8_t *key;

		if (!reader_str_into(r, name, sizeof name) || !is_host_key(name) ||
		    set_has(set, name))
			return false;
		key = reader_take(r, 32);
		if (key == NULL)
			return false;
		memcpy(set_add(set, name), key, 32);
	}
	return !r->bad && r->left == 0;
}

static void buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		sodium_memzero(b->data, b->cap);
	buf_free(b);
}

static bool stretch(const char *passphrase, const uint8_t *salt, uint64_t ops, uint64_t memory,
		    uint8_t key[crypto_secretbox_KEYBYTES], char *error, size_t size)
{
	if (crypto_pwhash(key, crypto_secretbox_KEYBYTES, passphrase, strlen(passphrase), salt, ops,
			  (size_t)memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return fail(error, size, "not enough memory to stretch the passphrase (%u MiB)",
			    (unsigned)(memory >> 20));
	return true;
}

/* Header: magic 8, salt 16, operations u64, memory u64, nonce 24; then the box. */
static bool backup_encode(const struct key_set *set, const char *passphrase, struct buf *file,
			  char *error, size_t size)
{
	uint8_t salt[crypto_pwhash_SALTBYTES], nonce[crypto_secretbox_NONCEBYTES];
	uint8_t key[crypto_secretbox_KEYBYTES];
	struct buf plain = { 0 };

	randombytes_buf(salt, sizeof salt);
	randombytes_buf(nonce, sizeof nonce);
	if (!stretch(passphrase, salt, crypto_pwhash_OPSLIMIT_MODERATE,
		     crypto_pwhash_MEMLIMIT_MODERATE, key, error, size))
		return false;
	buf_put(file, backup_magic, sizeof backup_magic);
	buf_put(file, salt, sizeof salt);
	buf_put_u64(file, crypto_pwhash_OPSLIMIT_MODERATE);
	buf_put_u64(file, crypto_pwhash_MEMLIMIT_MODERATE);
	buf_put(file, nonce, sizeof nonce);
	set_save(set, &plain);
	crypto_secretbox_easy(buf_reserve(file, plain.len + crypto_secretbox_MACBYTES), plain.data,
			      plain.len, nonce, key);
	buf_wipe(&plain);
	sodium_memzero(key, sizeof key);
	return true;
}

static bool backup_open(const char *path, struct reader *r, const char *passphrase,
			struct buf *plain, char *error, size_t size)
{
	const uint8_t *magic = reader_take(r, sizeof backup_magic);
	const uint8_t *salt = reader_take(r, crypto_pwhash_SALTBYTES), *nonce;
	uint64_t ops = reader_u64(r), memory = reader_u64(r);
	uint8_t key[crypto_secretbox_KEYBYTES];
	bool ok;

	nonce = reader_take(r, crypto_secretbox_NONCEBYTES);
	if (r->bad || r->left < crypto_secretbox_MACBYTES ||
	    memcmp(magic, backup_magic, sizeof backup_magic) != 0)
		return fail(error, size, "%s: is not a backup of keys", path);
	if (ops < crypto_pwhash_OPSLIMIT_MIN || ops > ops_limit_max ||
	    memory < crypto_pwhash_MEMLIMIT_MIN || memory > memory_limit_max)
		return fail(error, size, "%s: is damaged", path);
	if (!stretch(passphrase, salt, ops, memory, key, error, size))
		return false;
	ok = crypto_secretbox_open_easy(buf_reserve(plain, r->left - crypto_secretbox_MACBYTES),
					r->p, r->left, nonce, key) == 0;
	sodium_memzero(key, sizeof key);
	return ok ? true : fail(error, size, "%s: wrong passphrase, or the file is damaged", path);
}

bool vault_backup(const char *dir, const char *file, const char *passphrase, char *error,
		  size_t error_size)
{
	struct key_set *set;
	struct buf bytes = { 0 };
	bool ok;

	if (sodium_init() < 0)
		return fail(error, error_size, "libsodium cannot start");
	set = set_new();
	ok = set_read(set, dir, error, error_size) &&
	     backup_encode(set, passphrase, &bytes, error, error_size) &&
	     write_new(file, bytes.data, bytes.len, error, error_size);
	set_free(set);
	buf_free(&bytes);
	return ok;
}

bool vault_restore(const char *file, const char *dir, const char *passphrase, char *error,
		   size_t error_size)
{
	struct buf bytes = { 0 }, plain = { 0 };
	struct key_set *set;
	struct reader r;
	size_t len = 0;
	bool ok;

	if (sodium_init() < 0)
		return fail(error, error_size, "libsodium cannot start");
	set = set_new();
	ok = read_small(file, false, buf_reserve(&bytes, BACKUP_FILE_MAX), BACKUP_FILE_MAX, &len,
			error, error_size);
	if (ok) {
		r = reader_of(bytes.data, len);
		ok = backup_open(file, &r, passphrase, &plain, error, error_size);
	}
	if (ok) {
		r = reader_of(plain.data, plain.len);
		ok = (set_load(set, &r) || fail(error, error_size, "%s: is damaged", file)) &&
		     set_is_whole(set, file, error, error_size) &&
		     write_set(dir, set, error, error_size);
	}
	set_free(set);
	buf_wipe(&plain);
	buf_free(&bytes);
	return ok;
}
