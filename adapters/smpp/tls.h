/* TLS towards a carrier: the peer is always verified, by name or address. */
#ifndef ADAPTERS_SMPP_TLS_H
#define ADAPTERS_SMPP_TLS_H

#include <stddef.h>

struct bufferevent;
struct event_base;
struct smpp_conf;
struct smpp_tls;

/* Reads the files of the settings. NULL: *key names the setting at fault and error says why. */
struct smpp_tls *tls_new(const struct smpp_conf *conf, const char **key, char *error,
                         size_t error_size);
void tls_free(struct smpp_tls *tls); /* NULL is fine */

/* A bufferevent that begins the handshake on this connected socket, which it owns from now on.
 * BEV_EVENT_CONNECTED tells that the peer is who it should be. NULL: the socket is closed. */
struct bufferevent *tls_connect(struct smpp_tls *tls, struct event_base *base, int fd);

/* Why a handshake failed, in words, or "" if TLS has nothing to say. */
void tls_reason(struct bufferevent *bev, char *out, size_t size);

#endif
