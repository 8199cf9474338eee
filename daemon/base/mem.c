/* Allocation that never returns NULL: on exhaustion one line goes to standard error and the process
 * aborts, which the spool survives. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void exhausted(size_t size)
{
	fprintf(stderr, "error mem exhausted bytes=%zu\n", size);
	abort();
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		exhausted(size);
	return p;
}

void *mem_realloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		exhausted(size);
	return p;
}

void *mem_array(void *old, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		exhausted(SIZE_MAX);
	return mem_realloc(old, total);
}

char *mem_strdup(const char *text)
{
	return text ? mem_strndup(text, strlen(text)) : NULL;
}

char *mem_strndup(const char *text, size_t len)
{
	size_t used = text ? strnlen(text, len) : 0;
	char *copy = mem_alloc(used + 1);

	if (used)
		memcpy(copy, text, used);
	return copy;
}

void *mem_dup(const void *bytes, size_t len)
{
	void *copy = mem_alloc(len);

	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

char *mem_printf(const char *format, ...)
{
	va_list args, again;
	char *text;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0) {
		va_end(again);
		return mem_strdup("");
	}
	text = mem_alloc((size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

void mem_free(void *p)
{
	free(p);
}
