/* One line per event on standard error: `level subject event key=value ...`. Never a message text,
 * an answer, a name or a full number: a sender appears only as log_token() of its keyed hash. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

/* level: the least severe level that is printed. */
void log_setup(enum log_level level);
void log_at(enum log_level level, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(subject, ...) log_at(LOG_DEBUG_, subject, __VA_ARGS__)
#define log_info(subject, ...) log_at(LOG_INFO_, subject, __VA_ARGS__)
#define log_warn(subject, ...) log_at(LOG_WARN_, subject, __VA_ARGS__)
#define log_error(subject, ...) log_at(LOG_ERROR_, subject, __VA_ARGS__)

/* Ends the process with `status` after one line on standard error. Start-up and broken invariants
 * only: nothing that arrives from outside may reach it. */
_Noreturn void fatal(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum { EXIT_CONFIG = 78, EXIT_STORE = 69, EXIT_SOFTWARE = 70 }; /* sysexits(3) */

#endif
