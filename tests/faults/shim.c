/* Preloaded into the daemon by the fault suite: wrong clocks, failing disks and failing allocations on
 * demand. The suite writes into the mapped file that HL_SHIM names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The mapped file; the suite knows the offsets. */
struct shim {
	int64_t wall_s;      /* 0: added to CLOCK_REALTIME */
	int64_t sync_errno;  /* 8: fdatasync and fsync of the spool fail with it */
	int64_t sync_ms;     /* 16: and take so long */
	int64_t syncs;       /* 24: how many there were */
	int64_t alloc_fail;  /* 32: the allocation with this number fails; 0 = none */
	int64_t allocs;      /* 40: allocations since counting was switched on */
	int64_t alloc_count; /* 48: count */
	int64_t boot_s;      /* 56: added to CLOCK_BOOTTIME: the daemon's timers run ahead */
};

static volatile struct shim *shim;

__attribute__((constructor)) static void map_shim(void)
{
	const char *path = getenv("HL_SHIM");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd >= 0 ? mmap(NULL, sizeof(struct shim), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
			   : MAP_FAILED;

	if (fd >= 0)
		close(fd);
	if (at != MAP_FAILED)
		shim = at;
}

/* ---- clocks ---- */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);
	int status;

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	status = real(clock, ts);
	if (status != 0 || !shim)
		return status;
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		ts->tv_sec += shim->wall_s;
	else if (clock == CLOCK_BOOTTIME)
		ts->tv_sec += shim->boot_s;
	return status;
}

int gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec ts;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

/* ---- disks ---- */

static int sync_with(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	struct timespec pause;

	if (!shim)
		return real(fd);
	shim->syncs++;
	if (shim->sync_ms) {
		pause.tv_sec = shim->sync_ms / 1000;
		pause.tv_nsec = shim->sync_ms % 1000 * 1000000;
		nanosleep(&pause, NULL);
	}
	if (shim->sync_errno) {
		errno = (int)shim->sync_errno;
		return -1;
	}
	return real(fd);
}

int fdatasync(int fd)
{
	return sync_with("fdatasync", fd);
}

int fsync(int fd)
{
	return sync_with("fsync", fd);
}

/* ---- allocations: only where no sanitizer has its own ---- */

#ifdef SHIM_ALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static int refused(void)
{
	if (!shim || !shim->alloc_count)
		return 0;
	if (__atomic_add_fetch(&shim->allocs, 1, __ATOMIC_RELAXED) != shim->alloc_fail)
		return 0;
	errno = ENOMEM;
	return 1;
}

/* A crash says where it was. */
static void on_crash(int number)
{
	void *frames[24];

	shim->alloc_count = 0;
	backtrace_symbols_fd(frames, backtrace(frames, 24), STDERR_FILENO);
	signal(number, SIG_DFL);
	raise(number);
}

__attribute__((constructor)) static void watch_crashes(void)
{
	void *frame;

	backtrace(&frame, 1); /* loads what it needs */
	signal(SIGSEGV, on_crash);
	signal(SIGBUS, on_crash);
}

void *malloc(size_t size)
{
	return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return refused() ? NULL : __libc_realloc(old, size);
}
#endif
