/* Preloaded into Kannel's processes: switches Nagle's algorithm off on every TCP connection they make or
 * take, because they do not do so themselves and then answer 23 dialogues a second one at a time. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int quick(int fd)
{
	int one = 1;

	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* no TCP: no harm */
	return fd;
}

int socket(int domain, int type, int protocol)
{
	int (*next)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");

	return quick(next(domain, type, protocol));
}

int accept(int fd, struct sockaddr *from, socklen_t *len)
{
	int (*next)(int, struct sockaddr *, socklen_t *) =
		(int (*)(int, struct sockaddr *, socklen_t *))dlsym(RTLD_NEXT, "accept");

	return quick(next(fd, from, len));
}
