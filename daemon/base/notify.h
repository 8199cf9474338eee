/* sd_notify(3) without libsystemd: one datagram to $NOTIFY_SOCKET. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* state: "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." (sd_notify(3)). True if it was sent; false
 * without a service manager, which is no error. */
bool notify_send(const char *state);
/* Half of $WATCHDOG_USEC in milliseconds, or 0 when no watchdog is set for this process. */
int64_t notify_watchdog_ms(void);

#endif
