/* A unix socket in the file system that the daemon listens at. */
#include "control/door.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

int door_open(const char *path, mode_t mode)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	mode_t mask;
	bool ok;
	int fd;

	if (strlen(path) >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(at.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	unlink(path);
	mask = umask(0777 & ~mode);
	ok = bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, BACKLOG) == 0;
	umask(mask);
	if (ok)
		return fd;
	close(fd);
	return -1;
}
