/* Segment files of the spool: making, scanning, mending and dropping them. */
#include "store/spool_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "store/spool_format.h"
#include "store/vault.h"

enum {
	TORN_NUMBERS = 1000,    /* numbers that a torn tail may have used */
	SETTLED_MS = 60 * 1000, /* a finished segment is kept this long for its duplicate keys */
	RECENT_US = 60 * 1000000 /* done records this close to the end are shown at a replay */
};

/* ---- files ---- */

static void segment_name(uint64_t number, char out[32])
{
	snprintf(out, 32, "%012" PRIu64 ".spool", number);
}

bool segment_write(int fd, const uint8_t *bytes, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, bytes, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return true;
}

int segment_create(struct spool *spool, uint64_t number, uint64_t next)
{
	struct buf header = {0};
	char name[32];
	bool ok;
	int fd;

	segment_name(number, name);
	fd = openat(spool->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	spool_put_segment_header(&header, number, next);
	ok = posix_fallocate(fd, 0, (off_t)spool->segment_bytes) == 0 &&
	     segment_write(fd, header.data, header.len, 0) && fsync(fd) == 0 && fsync(spool->dir_fd) == 0;
	buf_free(&header);
	if (ok)
		return fd;
	unlinkat(spool->dir_fd, name, 0);
	close(fd);
	return -1;
}

/* The whole file, or NULL with errno: a part of it must not be taken for all of it. */
static uint8_t *read_file(int dir_fd, const char *name, size_t *len)
{
	struct stat st;
	uint8_t *bytes = NULL;
	size_t have = 0;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size <= (off_t)1 << 32) {
		bytes = mem_alloc((size_t)st.st_size + 1);
		while (have < (size_t)st.st_size) {
			ssize_t n = pread(fd, bytes + have, (size_t)st.st_size - have, (off_t)have);

			if (n <= 0)
				break;
			have += (size_t)n;
		}
	}
	close(fd);
	*len = have;
	if (bytes && have == (size_t)st.st_size)
		return bytes;
	mem_free(bytes);
	errno = EIO;
	return NULL;
}

/* ---- segments, on the loop's thread ---- */

struct segment *segment_add(struct spool *spool, uint64_t number)
{
	struct segment **last = &spool->segments;
	struct segment *s;

	while (*last)
		last = &(*last)->next;
	s = mem_alloc(sizeof(*s));
	s->number = number;
	s->touched_ms = loop_now_ms(spool->loop);
	*last = s;
	spool->status.segments++;
	return s;
}

static struct segment *segment_of(struct spool *spool, uint64_t number)
{
	struct segment *s = spool->segments;

	while (s && (s->count == 0 || number < s->first || number >= s->first + s->count))
		s = s->next;
	return s;
}

struct segment *segment_numbered(struct spool *spool, uint64_t segment)
{
	for (struct segment *s = spool->segments; s; s = s->next) {
		if (s->number == segment)
			return s;
	}
	return segment_add(spool, segment);
}

static void mark(struct segment *s, uint64_t i)
{
	s->done_bits[i / 8] |= (uint8_t)(1 << i % 8);
	s->done++;
}

/* A number that is missing before this one was refused for lack of room, or lies in a damaged stretch: nothing
 * is owed for it, and it must not pin the segment for ever. */
void segment_note(struct spool *spool, struct segment *s, uint64_t number)
{
	uint64_t before = s->count;

	if (s->count == 0)
		s->first = number;
	s->count = number - s->first + 1;
	if (s->count > s->bits_cap) {
		size_t cap = s->bits_cap ? s->bits_cap * 2 : 1024;

		while (cap < s->count)
			cap *= 2;
		s->done_bits = mem_realloc(s->done_bits, cap / 8);
		memset(s->done_bits + s->bits_cap / 8, 0, (cap - s->bits_cap) / 8);
		s->bits_cap = cap;
	}
	for (uint64_t i = before; i + 1 < s->count; i++)
		mark(s, i);
	s->touched_ms = loop_now_ms(spool->loop);
}

static bool bit_get(const struct segment *s, uint64_t number)
{
	uint64_t i = number - s->first;

	return s->done_bits[i / 8] & 1 << i % 8;
}

bool segment_is_pending(struct spool *spool, uint64_t number)
{
	struct segment *s = segment_of(spool, number);

	return s && !bit_get(s, number);
}

bool segment_mark_done(struct spool *spool, uint64_t number)
{
	struct segment *s = segment_of(spool, number);

	if (!s || bit_get(s, number))
		return false;
	mark(s, number - s->first);
	return true;
}

void segments_drop_finished(struct spool *spool)
{
	int64_t now_ms = loop_now_ms(spool->loop);

	while (spool->segments && spool->segments->next) {
		struct segment *s = spool->segments;
		char name[32];

		if (s->done < s->count || now_ms - s->touched_ms < SETTLED_MS)
			return;
		segment_name(s->number, name);
		unlinkat(spool->dir_fd, name, 0);
		spool->segments = s->next;
		spool->status.segments--;
		mem_free(s->done_bits);
		mem_free(s);
	}
}

/* ---- start ---- */

static bool load_or_make_id(struct spool *spool)
{
	char text[ID16_TEXT];
	size_t len = 0;
	uint8_t *bytes = read_file(spool->dir_fd, "id", &len);
	int fd;

	if (bytes) {
		bool ok = len >= ID16_TEXT - 1;

		bytes[ok ? ID16_TEXT - 1 : 0] = '\0';
		ok = ok && id16_parse((char *)bytes, &spool->id);
		mem_free(bytes);
		return ok;
	}
	spool->id = id16_new(loop_wall_us(spool->loop));
	id16_text(&spool->id, text);
	fd = openat(spool->dir_fd, "id", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (!segment_write(fd, (uint8_t *)text, ID16_TEXT - 1, 0) || fsync(fd) != 0) {
		close(fd);
		return false;
	}
	close(fd);
	return true;
}

void segments_boot_id(uint8_t out[SPOOL_BOOT_ID_LEN])
{
	char text[64] = "";
	struct id16 id = {{0}};
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		ssize_t n = read(fd, text, sizeof(text) - 1);

		close(fd);
		if (n >= ID16_TEXT - 1) {
			text[ID16_TEXT - 1] = '\0';
			id16_parse(text, &id);
		}
	}
	memcpy(out, id.b, SPOOL_BOOT_ID_LEN);
}

static int is_segment(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len == 18 && strcmp(entry->d_name + 12, ".spool") == 0;
}

/* Bytes from `at` up to the last one that is not zero. */
static size_t used_len(const uint8_t *bytes, size_t at, size_t len)
{
	while (len > at && bytes[len - 1] == 0)
		len--;
	return len - at;
}

/* Keeps bytes for a person to look at; they are sealed like the rest. */
static void set_aside(struct spool *spool, const char *segment, const uint8_t *bytes, size_t at, size_t len)
{
	char name[80];
	int fd;

	mkdirat(spool->dir_fd, "quarantine", 0700);
	snprintf(name, sizeof(name), "quarantine/%.12s-%zu.bad", segment, at);
	fd = openat(spool->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		if (!segment_write(fd, bytes + at, len, 0) || fsync(fd) != 0)
			log_error("spool", "quarantine failed file=%s", name);
		close(fd);
	}
}

static void quarantine(struct spool *spool, const char *segment, const uint8_t *bytes, size_t at, size_t len)
{
	set_aside(spool, segment, bytes, at, len);
	spool->status.damaged++;
	log_error("spool", "damage in segment=%.12s offset=%zu bytes=%zu copied to quarantine/", segment, at, len);
}

/* Almost always a write that a crash interrupted, which nobody was told was received. It could also be
 * the last record that was, damaged since: so a copy is kept, and its number is not given out again.
 * Cut off for good, so that it is not met again once another segment follows. */
static void cut_tail(struct spool *spool, const char *segment, const uint8_t *bytes, size_t at, size_t len)
{
	int fd;

	set_aside(spool, segment, bytes, at, len);
	spool->next_number += TORN_NUMBERS;
	fd = openat(spool->dir_fd, segment, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)at) != 0 || fsync(fd) != 0)
		log_error("spool", "torn tail cannot be cut segment=%.12s offset=%zu", segment, at);
	else
		log_warn("spool", "torn tail cut segment=%.12s offset=%zu, a copy is in quarantine/", segment, at);
	if (fd >= 0)
		close(fd);
}

struct scan {
	void (*each)(struct spool *spool, struct segment *s, const struct spool_raw *raw, void *arg);
	void *arg;
	bool repair; /* quarantine what is damaged, report a torn tail */
};

static void scan_segment(struct spool *spool, struct segment *s, const struct scan *scan)
{
	char name[32];
	size_t len = 0, at = SPOOL_SEGMENT_HEADER;
	uint64_t number, high_water = 0;
	uint8_t *bytes;

	segment_name(s->number, name);
	bytes = read_file(spool->dir_fd, name, &len);
	if (!bytes) {
		spool->unreadable = s->number;
		return;
	}
	if (!spool_get_segment_header(bytes, len, &number, &high_water)) {
		at = spool_resync(bytes, len, 0);
		if (scan->repair && used_len(bytes, 0, at))
			quarantine(spool, name, bytes, 0, at);
	}
	if (high_water > spool->next_number)
		spool->next_number = high_water;
	while (at < len) {
		struct spool_raw raw;
		enum spool_scan found = spool_scan(bytes + at, len - at, &raw);
		size_t next;

		if (found == SPOOL_SCAN_END)
			break;
		if (found == SPOOL_SCAN_RECORD) {
			scan->each(spool, s, &raw, scan->arg);
			at += raw.total;
			continue;
		}
		next = spool_resync(bytes, len, at + 1);
		if (scan->repair && next == len && !s->next)
			cut_tail(spool, name, bytes, at, used_len(bytes, at, len));
		else if (scan->repair)
			quarantine(spool, name, bytes, at, next - at);
		at = next;
	}
	mem_free(bytes);
}

static void each_number(struct spool *spool, struct segment *s, const struct spool_raw *raw, void *arg)
{
	(void)arg;
	if (raw->kind != SPOOL_DATA)
		return;
	segment_note(spool, s, raw->number);
	if (raw->number >= spool->next_number)
		spool->next_number = raw->number + 1;
}

static void each_mark(struct spool *spool, struct segment *s, const struct spool_raw *raw, void *arg)
{
	struct reader r = reader_of(raw->body, raw->body_len);

	(void)s;
	(void)arg;
	if (raw->kind != SPOOL_DONE)
		return;
	while (r.left >= 8) {
		uint64_t number = reader_u64(&r);

		segment_mark_done(spool, number);
		if (number >= spool->next_number)
			spool->next_number = number + 1;
	}
}

struct replay {
	void (*fn)(void *arg, const struct spool_record *record);
	bool (*want)(void *arg, uint64_t number); /* NULL: all, and the newest of those that are done */
	void *arg;
	int64_t newest_us;
	size_t pending;
};

static void each_newest(struct spool *spool, struct segment *s, const struct spool_raw *raw, void *arg)
{
	struct replay *replay = arg;

	(void)spool;
	(void)s;
	if (raw->kind == SPOOL_DATA && raw->meta.wall_us > replay->newest_us)
		replay->newest_us = raw->meta.wall_us;
}

static void each_replay(struct spool *spool, struct segment *s, const struct spool_raw *raw, void *arg)
{
	struct replay *replay = arg;
	struct spool_record record = {.number = raw->number, .meta = raw->meta};
	uint8_t aad[8];
	struct buf plain = {0};

	if (raw->kind != SPOOL_DATA)
		return;
	record.done = bit_get(s, raw->number);
	if (replay->want && (record.done || !replay->want(replay->arg, raw->number)))
		return;
	if (record.done && raw->meta.wall_us < replay->newest_us - RECENT_US)
		return;
	if (!record.done) {
		for (int i = 0; i < 8; i++)
			aad[i] = (uint8_t)(raw->number >> (56 - 8 * i));
		if (!vault_unseal(spool->vault, VAULT_SPOOL, aad, sizeof(aad), raw->body, raw->body_len,
				  &plain)) {
			log_error("spool", "record=%" PRIu64 " cannot be opened with these keys: kept",
				  raw->number);
			buf_free(&plain);
			return;
		}
		record.plain = plain.data;
		record.plain_len = plain.len;
		replay->pending++;
	}
	replay->fn(replay->arg, &record);
	buf_free(&plain);
}

size_t spool_replay(struct spool *spool, void (*fn)(void *arg, const struct spool_record *record), void *arg)
{
	struct replay replay = {.fn = fn, .arg = arg};
	struct scan newest = {each_newest, &replay, false};
	struct scan show = {each_replay, &replay, false};

	for (struct segment *s = spool->segments; s; s = s->next)
		scan_segment(spool, s, &newest);
	for (struct segment *s = spool->segments; s; s = s->next)
		scan_segment(spool, s, &show);
	return replay.pending;
}

void spool_show(struct spool *spool, bool (*want)(void *arg, uint64_t number),
		void (*fn)(void *arg, const struct spool_record *record), void *arg)
{
	struct replay replay = {.fn = fn, .want = want, .arg = arg};
	struct scan show = {each_replay, &replay, false};

	for (struct segment *s = spool->segments; s; s = s->next)
		scan_segment(spool, s, &show);
}

static void scan_all(struct spool *spool)
{
	struct scan numbers = {each_number, NULL, true};
	struct scan marks = {each_mark, NULL, false};

	for (struct segment *s = spool->segments; s; s = s->next)
		scan_segment(spool, s, &numbers);
	for (struct segment *s = spool->segments; s; s = s->next)
		scan_segment(spool, s, &marks);
	for (struct segment *s = spool->segments; s; s = s->next)
		spool->status.pending += s->count - s->done;
}

void segments_free(struct spool *spool)
{
	while (spool->segments) {
		struct segment *s = spool->segments;

		spool->segments = s->next;
		mem_free(s->done_bits);
		mem_free(s);
	}
}

bool segments_open_dir(struct spool *spool, char *error, size_t error_size)
{
	if (mkdir(spool->dir, 0700) != 0 && errno != EEXIST)
		goto bad;
	spool->dir_fd = open(spool->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->dir_fd < 0)
		goto bad;
	spool->lock_fd = openat(spool->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (spool->lock_fd < 0)
		goto bad;
	if (flock(spool->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(error, error_size, "spool %s is in use by another process", spool->dir);
		return false;
	}
	if (!load_or_make_id(spool)) {
		snprintf(error, error_size, "spool %s: the file 'id' is damaged", spool->dir);
		return false;
	}
	return true;
bad:
	snprintf(error, error_size, "spool %s: %s", spool->dir, strerror(errno));
	return false;
}

bool segments_load(struct spool *spool, char *error, size_t error_size)
{
	struct dirent **names = NULL;
	int n = scandir(spool->dir, &names, is_segment, alphasort);

	for (int i = 0; i < n; i++) {
		segment_add(spool, strtoull(names[i]->d_name, NULL, 10));
		free(names[i]);
	}
	free(names);
	scan_all(spool);
	if (!spool->unreadable)
		return true;
	snprintf(error, error_size, "spool %s: segment %" PRIu64 " cannot be read; it may hold texts that were"
		 " acknowledged: mend its owner, mode or disk", spool->dir, spool->unreadable);
	return false;
}
