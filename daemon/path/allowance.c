/* Counts of replies. */
#include "path/allowance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

enum { MAGIC = 0x484c4131, RECORD = MAP_KEY_LEN + 4, HEADER = 4 + 8 + 8 + 4 };

/* Above so much of the total, a sender gets no more than so much of his share. */
enum { SPARSE_PERCENT = 80, SPARSE_SHARE = 4 };

enum { FAR_DAYS = 7 };

static const int64_t day_us = 86400000000;

/* ---- the file ---- */

/* A count fits where a value of the map stands; it is never 0 there. */
static int64_t count_of(const struct allowance *a, const uint8_t *sender)
{
	return (int64_t)(intptr_t)map_get(&a->senders, sender);
}

static void set_count(struct allowance *a, const uint8_t *sender, int64_t count)
{
	map_set(&a->senders, sender, (void *)(intptr_t)count);
}

static bool read_counts(struct allowance *a, struct reader *r)
{
	uint32_t senders;

	if (reader_u32(r) != MAGIC)
		return false;
	a->day = (int64_t)reader_u64(r);
	a->total = (int64_t)reader_u64(r);
	senders = reader_u32(r);
	if (r->bad || senders > ALLOWANCE_SENDERS_MAX || r->left != (size_t)senders * RECORD)
		return false;
	for (uint32_t i = 0; i < senders; i++) {
		const uint8_t *key = reader_take(r, MAP_KEY_LEN);
		uint32_t count = reader_u32(r);

		if (count > 0)
			set_count(a, key, count);
	}
	return true;
}

/* Everything is read at once: the file is bounded by the senders that are remembered. */
static bool load(struct allowance *a, FILE *file)
{
	size_t most = HEADER + (size_t)ALLOWANCE_SENDERS_MAX * RECORD;
	uint8_t *bytes = mem_alloc(most);
	size_t len = fread(bytes, 1, most, file);
	struct reader r = reader_of(bytes, len);
	bool ok = read_counts(a, &r);

	mem_free(bytes);
	return ok;
}

static bool write_file(const char *path, const struct buf *bytes)
{
	char *fresh = mem_printf("%s.new", path);
	FILE *file = fopen(fresh, "we");
	bool ok = file && fwrite(bytes->data, 1, bytes->len, file) == bytes->len;

	if (file && fclose(file) != 0)
		ok = false;
	ok = ok && rename(fresh, path) == 0;
	if (!ok)
		log_warn("allowance", "counts cannot be saved: %s", strerror(errno));
	mem_free(fresh);
	return ok;
}

void allowance_save(struct allowance *a)
{
	struct buf bytes = {0};
	size_t i = 0;
	const uint8_t *key;
	void *count;

	if (!a->file || a->unsaved == 0)
		return;
	buf_put_u32(&bytes, MAGIC);
	buf_put_u64(&bytes, (uint64_t)a->day);
	buf_put_u64(&bytes, (uint64_t)a->total);
	buf_put_u32(&bytes, (uint32_t)a->senders.count);
	while ((key = map_next(&a->senders, &i, &count)) != NULL) {
		buf_put(&bytes, key, MAP_KEY_LEN);
		buf_put_u32(&bytes, (uint32_t)(intptr_t)count);
	}
	if (write_file(a->file, &bytes))
		a->unsaved = 0;
	buf_free(&bytes);
}

/* ---- counting ---- */

static void begin_day(struct allowance *a, int64_t day)
{
	map_fini(&a->senders);
	memset(&a->senders, 0, sizeof(a->senders));
	a->day = day;
	a->total = 0;
}

/* A clock set back by days gives nothing anew; but counts of a day that lies far ahead are a clock's mistake,
 * and would not end before it comes. */
static bool is_another_day(const struct allowance *a, int64_t day)
{
	return day > a->day || day + FAR_DAYS < a->day;
}

void allowance_init(struct allowance *a, int64_t per_sender, int64_t per_day, const char *path,
		    int64_t wall_us)
{
	int64_t day = wall_us / day_us;
	FILE *file = path ? fopen(path, "re") : NULL;

	*a = (struct allowance){.per_sender = per_sender, .per_day = per_day, .day = day};
	a->file = path ? mem_strdup(path) : NULL;
	if (file && !load(a, file)) {
		begin_day(a, day);
		a->total = per_day * SPARSE_PERCENT / 100;
		log_warn("allowance", "the counts of the day cannot be read: most of it counts as used");
	}
	if (file)
		fclose(file);
	if (is_another_day(a, day))
		begin_day(a, day);
}

void allowance_fini(struct allowance *a)
{
	allowance_save(a);
	map_fini(&a->senders);
	mem_free(a->file);
	memset(a, 0, sizeof(*a));
}

static enum allowance_answer judge(const struct allowance *a, int64_t count)
{
	if (a->per_sender && count >= a->per_sender)
		return ALLOWANCE_SENDER;
	if (!a->per_day)
		return ALLOWANCE_YES;
	if (a->total >= a->per_day)
		return ALLOWANCE_TOTAL;
	if (a->per_sender && a->total * 100 >= a->per_day * SPARSE_PERCENT &&
	    count * SPARSE_SHARE >= a->per_sender)
		return ALLOWANCE_SPARSE;
	return ALLOWANCE_YES;
}

enum allowance_answer allowance_take(struct allowance *a, const uint8_t sender[MAP_KEY_LEN],
				     int64_t wall_us)
{
	int64_t day = wall_us / day_us, count;
	enum allowance_answer answer;

	if (is_another_day(a, day))
		begin_day(a, day);
	count = sender ? count_of(a, sender) : 0;
	answer = judge(a, count);
	if (answer != ALLOWANCE_YES)
		return answer;
	a->total++;
	if (sender && (count > 0 || a->senders.count < ALLOWANCE_SENDERS_MAX))
		set_count(a, sender, count + 1);
	if (++a->unsaved >= ALLOWANCE_SAVE_EACH)
		allowance_save(a);
	return ALLOWANCE_YES;
}
