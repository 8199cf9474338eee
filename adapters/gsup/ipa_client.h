/* A connection to an Osmocom program over IPA that is made again whenever it is lost: frames in, frames out,
 * identity and ping answered, silence noticed. */
#ifndef ADAPTERS_GSUP_IPA_CLIENT_H
#define ADAPTERS_GSUP_IPA_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct ipa_client;
struct loop;

struct ipa_client_conf {
	const char *log;      /* subject of its log lines; borrowed */
	const char *address;  /* "127.0.0.1:4222"; borrowed */
	const char *identity; /* who we say we are when asked; NULL: the other side does not ask */
};

/* Payload of an IPA_OSMO frame, its first octet being the extension. */
typedef void ipa_payload_fn(void *arg, const uint8_t *payload, size_t len);
typedef void ipa_state_fn(void *arg, bool up);

/* NULL if the address is none. */
struct ipa_client *ipa_client_new(struct loop *loop, const struct ipa_client_conf *conf, ipa_payload_fn *on_payload,
				  ipa_state_fn *on_state, void *arg);
void ipa_client_free(struct ipa_client *client); /* on_state is not called */
void ipa_client_start(struct ipa_client *client);
bool ipa_client_up(const struct ipa_client *client);
/* Sends one IPA_OSMO payload; false if there is no connection. */
bool ipa_client_send(struct ipa_client *client, const void *payload, size_t len);

#endif
