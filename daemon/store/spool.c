/* Group-committed log of deliveries: the loop queues, one thread writes and syncs. */
#include "store/spool_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "store/spool_format.h"
#include "store/vault.h"

enum {
	QUEUE_BYTES_MAX = 64 * 1024 * 1024, /* more than this unsynced: the disk is not keeping up */
	SEGMENT_BYTES_MIN = 1024 * 1024,
	DONE_DELAY_MS = 200                 /* done-marks wait this long for a batch to ride with */
};

/* One queued record. */
struct item {
	struct item *next;
	struct spool *spool;
	uint64_t number;  /* 0: done-marks, nobody waits */
	uint64_t segment; /* set by the writer */
	bool ok;          /* set by the writer */
	struct buf bytes; /* owned */
	spool_fn *fn;
	void *arg;
};

/* ---- the writer's thread ---- */

/* False when the next segment cannot be made, which is no fault of the one at hand. */
static bool rotate(struct spool *spool)
{
	int fd;

	if (fdatasync(spool->fd) != 0) {
		spool->failed = true;
		return false;
	}
	fd = segment_create(spool, spool->fd_segment + 1, spool->fd_next);
	if (fd < 0)
		return false;
	close(spool->fd);
	spool->fd = fd;
	spool->fd_segment++;
	spool->fd_used = SPOOL_SEGMENT_HEADER;
	return true;
}

static bool write_run(struct spool *spool, struct buf *run, uint64_t at)
{
	bool ok = segment_write(spool->fd, run->data, run->len, at);

	buf_clear(run);
	if (!ok)
		spool->failed = true;
	return ok;
}

/* Writes one batch and syncs it once. After a failed write or sync the directory is not trusted again:
 * the kernel may have dropped the dirty pages and would report success the next time. With no room for
 * another segment this batch is refused, and the next one tries again. */
static void write_batch(struct spool *spool, struct item *batch)
{
	struct buf run = {0};
	uint64_t run_at = spool->fd_used;
	bool ok = !spool->failed;

	for (struct item *item = batch; ok && item; item = item->next) {
		if (spool->fd_used + item->bytes.len > spool->segment_bytes) {
			ok = write_run(spool, &run, run_at) && rotate(spool);
			run_at = spool->fd_used;
			if (!ok)
				break;
		}
		buf_put(&run, item->bytes.data, item->bytes.len);
		item->segment = spool->fd_segment;
		spool->fd_used += item->bytes.len;
		if (item->number)
			spool->fd_next = item->number + 1;
	}
	ok = ok && write_run(spool, &run, run_at);
	if (ok && fdatasync(spool->fd) != 0) {
		spool->failed = true;
		ok = false;
	}
	buf_free(&run);
	for (struct item *item = batch; item; item = item->next)
		item->ok = ok;
	spool->syncs++;
}

static void on_written(void *arg);

static void *writer_main(void *arg)
{
	struct spool *spool = arg;

	pthread_mutex_lock(&spool->lock);
	while (!spool->stopping || spool->queue) {
		struct item *batch = spool->queue;

		if (!batch) {
			pthread_cond_wait(&spool->wake, &spool->lock);
			continue;
		}
		spool->queue = NULL;
		spool->queue_last = &spool->queue;
		spool->queue_bytes = 0;
		pthread_mutex_unlock(&spool->lock);
		write_batch(spool, batch);
		loop_post(spool->loop, on_written, batch);
		pthread_mutex_lock(&spool->lock);
	}
	pthread_mutex_unlock(&spool->lock);
	return NULL;
}

static void write_marks(void *arg);

struct spool *spool_open(struct loop *loop, struct vault *vault, const char *dir, uint64_t segment_bytes,
			 char *error, size_t error_size)
{
	struct spool *spool = mem_alloc(sizeof(*spool));
	struct segment *last;

	spool->loop = loop;
	spool->vault = vault;
	spool->dir = mem_strdup(dir);
	spool->dir_fd = spool->lock_fd = spool->fd = -1;
	spool->segment_bytes = segment_bytes < SEGMENT_BYTES_MIN ? SEGMENT_BYTES_MIN : segment_bytes;
	spool->next_number = 1;
	spool->queue_last = &spool->queue;
	if (!segments_open_dir(spool, error, error_size))
		goto bad;
	segments_boot_id(spool->boot_id);
	if (!segments_load(spool, error, error_size))
		goto bad;
	for (last = spool->segments; last && last->next;)
		last = last->next;
	spool->fd_segment = last ? last->number + 1 : 1;
	spool->fd_next = spool->next_number;
	spool->fd = segment_create(spool, spool->fd_segment, spool->fd_next);
	if (spool->fd < 0) {
		snprintf(error, error_size, "spool %s: no room for a segment of %" PRIu64 " bytes: %s", dir,
			 spool->segment_bytes, strerror(errno));
		goto bad;
	}
	spool->fd_used = SPOOL_SEGMENT_HEADER;
	segment_add(spool, spool->fd_segment);
	spool->marks_timer = loop_timer_new(loop, write_marks, spool);
	pthread_mutex_init(&spool->lock, NULL);
	pthread_cond_init(&spool->wake, NULL);
	if (pthread_create(&spool->writer, NULL, writer_main, spool) != 0)
		fatal(EXIT_SOFTWARE, "cannot start the spool's thread");
	return spool;
bad:
	segments_free(spool);
	if (spool->lock_fd >= 0)
		close(spool->lock_fd);
	if (spool->dir_fd >= 0)
		close(spool->dir_fd);
	mem_free(spool->dir);
	mem_free(spool);
	return NULL;
}

const struct id16 *spool_id(const struct spool *spool)
{
	return &spool->id;
}

/* ---- appending ---- */

static void enqueue(struct spool *spool, struct item *item)
{
	pthread_mutex_lock(&spool->lock);
	*spool->queue_last = item;
	spool->queue_last = &item->next;
	spool->queue_bytes += item->bytes.len;
	pthread_cond_signal(&spool->wake);
	pthread_mutex_unlock(&spool->lock);
}

uint64_t spool_append(struct spool *spool, const struct spool_meta *meta, const void *plain, size_t len,
		      spool_fn *fn, void *arg)
{
	struct spool_meta filled = *meta;
	struct buf sealed = {0};
	struct item *item;
	uint8_t aad[8];
	uint64_t number;

	if (spool->status.failed || len > SPOOL_RECORD_MAX - 1024 || spool->queue_bytes > QUEUE_BYTES_MAX)
		return 0;
	number = spool->next_number++;
	for (int i = 0; i < 8; i++)
		aad[i] = (uint8_t)(number >> (56 - 8 * i));
	memcpy(filled.boot_id, spool->boot_id, sizeof(filled.boot_id));
	filled.boot_ms = loop_now_ms(spool->loop);
	vault_seal(spool->vault, VAULT_SPOOL, aad, sizeof(aad), plain, len, &sealed);
	item = mem_alloc(sizeof(*item));
	item->spool = spool;
	item->number = number;
	item->fn = fn;
	item->arg = arg;
	spool_put_data(&item->bytes, number, &filled, sealed.data, sealed.len);
	buf_free(&sealed);
	spool->status.pending++;
	spool->status.appended++;
	write_marks(spool);
	enqueue(spool, item);
	return number;
}

/* Sends the collected done-marks to the writer. */
static void write_marks(void *arg)
{
	struct spool *spool = arg;
	struct reader r = reader_of(spool->marks.data, spool->marks.len);
	struct item *item;

	loop_timer_cancel(spool->marks_timer);
	if (spool->marks.len == 0)
		return;
	item = mem_alloc(sizeof(*item));
	item->spool = spool;
	while (r.left > 0) {
		uint64_t numbers[512];
		size_t n = 0;

		while (n < 512 && r.left > 0)
			numbers[n++] = reader_u64(&r);
		spool_put_done(&item->bytes, numbers, n);
	}
	buf_clear(&spool->marks);
	enqueue(spool, item);
	segments_drop_finished(spool);
}

static void note_failure(struct spool *spool, const struct item *item)
{
	if (item->number)
		spool->status.pending--;
	if (spool->failed && !spool->status.failed)
		log_error("spool", "write failed: nothing more is accepted into %s", spool->dir);
	else if (!spool->failed)
		log_error("spool", "no room in %s: texts are refused until there is", spool->dir);
	spool->status.failed = spool->failed;
}

static void on_written(void *arg)
{
	struct item *batch = arg;
	struct spool *spool = batch->spool;

	while (batch) {
		struct item *item = batch;

		batch = item->next;
		if (item->ok && item->number)
			segment_note(spool, segment_numbered(spool, item->segment), item->number);
		if (!item->ok)
			note_failure(spool, item);
		if (item->fn)
			item->fn(item->arg, item->number, item->ok);
		buf_free(&item->bytes);
		mem_free(item);
	}
}

void spool_done(struct spool *spool, uint64_t number)
{
	if (!segment_mark_done(spool, number))
		return;
	spool->status.pending--;
	buf_put_u64(&spool->marks, number);
	if (!loop_timer_armed(spool->marks_timer))
		loop_timer_set(spool->marks_timer, DONE_DELAY_MS);
}

bool spool_is_pending(struct spool *spool, uint64_t number)
{
	return segment_is_pending(spool, number);
}

void spool_status(const struct spool *spool, struct spool_status *out)
{
	*out = spool->status;
	out->syncs = spool->syncs;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	write_marks(spool);
	pthread_mutex_lock(&spool->lock);
	spool->stopping = true;
	pthread_cond_signal(&spool->wake);
	pthread_mutex_unlock(&spool->lock);
	pthread_join(spool->writer, NULL);
	loop_run_posted(spool->loop);
	segments_free(spool);
	loop_timer_free(spool->marks_timer);
	buf_free(&spool->marks);
	pthread_cond_destroy(&spool->wake);
	pthread_mutex_destroy(&spool->lock);
	close(spool->fd);
	close(spool->lock_fd);
	close(spool->dir_fd);
	mem_free(spool->dir);
	mem_free(spool);
}
