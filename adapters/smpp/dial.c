/* The way to a carrier's socket: names, and the address that connections start from. */
#include "adapters/smpp/smpp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>

#include "base/loop.h"

/* The octets of a numeric address, with this port. False if it is a name. */
static bool numeric(const char *host, uint16_t port, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in six4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 six6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, host, &six4.sin_addr) == 1) {
		memcpy(out, &six4, *len = sizeof(six4));
		return true;
	}
	if (inet_pton(AF_INET6, host, &six6.sin6_addr) == 1) {
		memcpy(out, &six6, *len = sizeof(six6));
		return true;
	}
	return false;
}

/* The resolver's own configuration is read again for every attempt: a host that started before its
 * network must not keep asking nobody. */
static struct evdns_base *resolver(struct link *link)
{
	struct sockaddr_storage address;
	socklen_t len;

	if (numeric(link->conf.host, 0, &address, &len))
		return NULL;
	if (!link->dns) {
		link->dns = evdns_base_new(loop_base(link->host->loop), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
		evdns_base_load_hosts(link->dns, "/etc/hosts");
	}
	evdns_base_clear_nameservers_and_suspend(link->dns);
	evdns_base_resolv_conf_parse(link->dns, DNS_OPTIONS_ALL & ~DNS_OPTION_HOSTSFILE,
	                             "/etc/resolv.conf");
	evdns_base_resume(link->dns);
	return link->dns;
}

/* A socket that speaks from the address of the configuration; -1 where there is none, -2 on failure. */
static int local_socket(struct smpp_bind *b, int *family)
{
	struct sockaddr_storage address;
	socklen_t len;
	int fd;

	*family = AF_UNSPEC;
	if (!b->link->conf.local_address || !numeric(b->link->conf.local_address, 0, &address, &len))
		return -1;
	*family = address.ss_family;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, len) == 0)
		return fd;
	link_failed(b->link, "%s: local_address cannot be used: %s", b->subject, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -2;
}

bool bind_dial(struct smpp_bind *b, void (*on_readable)(struct bufferevent *bev, void *arg),
               void (*on_event)(struct bufferevent *bev, short what, void *arg))
{
	struct link *link = b->link;
	struct evdns_base *dns = resolver(link);
	int family, fd = local_socket(b, &family);

	if (fd == -2)
		return false;
	b->bev = bufferevent_socket_new(loop_base(link->host->loop), fd,
	                                BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!b->bev) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	bufferevent_setcb(b->bev, on_readable, NULL, on_event, b);
	return bufferevent_socket_connect_hostname(b->bev, dns, family, link->conf.host,
	                                           (int)link->conf.port) == 0;
}
