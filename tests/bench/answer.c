/* The HTTP application behind Kannel in the benchmark: answers every request with the same text, keeps
 * connections open, knows nothing and stores nothing. The least that an application can do.
 * usage: answer PORT TEXT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

struct answer {
	struct event_base *base;
	char *bytes; /* owned: the whole response */
	size_t len;
};

/* Each request without a body ends with an empty line; there may be several in one go. */
static void on_readable(struct bufferevent *bev, void *arg)
{
	const struct answer *a = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	struct evbuffer_ptr end;

	while ((end = evbuffer_search(input, "\r\n\r\n", 4, NULL)).pos >= 0) {
		evbuffer_drain(input, (size_t)end.pos + 4);
		bufferevent_write(bev, a->bytes, a->len);
	}
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(bev);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int from_len, void *arg)
{
	struct answer *a = arg;
	struct bufferevent *bev = bufferevent_socket_new(a->base, fd, BEV_OPT_CLOSE_ON_FREE);
	int one = 1;

	(void)listener;
	(void)from;
	(void)from_len;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	bufferevent_setcb(bev, on_readable, NULL, on_end, a);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct answer a = {0};

	if (argc != 3) {
		fprintf(stderr, "usage: answer PORT TEXT\n");
		return EXIT_FAILURE;
	}
	signal(SIGPIPE, SIG_IGN);
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	a.len = (size_t)asprintf(&a.bytes, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\n"
				 "Content-Length: %zu\r\nConnection: keep-alive\r\n\r\n%s",
				 strlen(argv[2]), argv[2]);
	a.base = event_base_new();
	if (!evconnlistener_new_bind(a.base, on_accept, &a, LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC, -1,
				     (struct sockaddr *)&at, sizeof(at))) {
		perror("answer");
		return EXIT_FAILURE;
	}
	event_base_dispatch(a.base);
	return EXIT_SUCCESS;
}
