/* Allocation that never returns NULL: running out of memory ends the process in order, which the
 * spool survives. A size that comes from outside must be bounded before it gets here. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                    /* zeroed; owned by the caller, mem_free() */
void *mem_realloc(void *old, size_t size);       /* grown part is not zeroed */
void *mem_array(void *old, size_t n, size_t size);  /* realloc of n*size, overflow checked */
char *mem_strdup(const char *text);              /* NULL gives NULL */
char *mem_strndup(const char *text, size_t len); /* always NUL-terminated */
void *mem_dup(const void *bytes, size_t len);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p);                          /* NULL is fine */

#endif
