/* A unix socket in the file system that the daemon listens at. */
#ifndef CONTROL_DOOR_H
#define CONTROL_DOOR_H

#include <sys/stat.h>

/* A listening stream socket at `path`, not blocking, closed on exec, with the permissions of `mode` (0600: its
 * owner alone). What stood there before goes: the spool's lock has shown that no other daemon of this
 * configuration runs. -1 with errno on failure; the caller closes it and removes the path. */
int door_open(const char *path, mode_t mode);

#endif
