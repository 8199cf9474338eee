/* One connection to an Osmocom server over IPA, kept up for ever: connecting and again connecting, telling who
 * we are, pings both ways, whole frames in and out. What the frames mean is the caller's business. */
#ifndef ADAPTERS_GSUP_CLIENT_H
#define ADAPTERS_GSUP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/gsup/ipa.h"

struct ipa_client;
struct loop;

/* Strings are borrowed and must outlive the client; durations in milliseconds. */
struct ipa_client_conf {
	const char *name;     /* for the log */
	const char *host;
	uint16_t port;
	const char *identity; /* our name; NULL: this server does not ask, and is not pinged */
	int64_t connect_ms;   /* wait for TCP, then the same again until we are known */
	int64_t ping_ms;      /* between two pings; two without a sign of life: reconnect */
	int64_t retry_ms, retry_max_ms; /* back-off, jittered */
	int64_t close_ms;     /* wait at the end until what was written is out */
};

enum ipa_client_state {
	IPA_IDLE,        /* made, not started */
	IPA_WAITING,     /* until the next attempt */
	IPA_CONNECTING,  /* name and TCP */
	IPA_IDENTIFYING,
	IPA_UP,
	IPA_CLOSING,
	IPA_STOPPED,
	IPA_STATES
};

/* Either may free the client. */
struct ipa_client_events {
	void (*state)(void *arg, enum ipa_client_state state);
	/* Frames other than those of the connection management; borrowed for the call. */
	void (*frame)(void *arg, const struct ipa_frame *frame);
};

struct ipa_client *ipa_client_new(struct loop *loop, const struct ipa_client_conf *conf,
				  const struct ipa_client_events *events, void *arg); /* events: borrowed */
void ipa_client_free(struct ipa_client *client); /* NULL is fine; in any state */
void ipa_client_start(struct ipa_client *client);
void ipa_client_stop(struct ipa_client *client); /* IPA_STOPPED follows, maybe before it returns */
void ipa_client_reconnect(struct ipa_client *client); /* only if up: as if the connection were lost */
enum ipa_client_state ipa_client_state(const struct ipa_client *client);
/* Whole frames only. False if not up. */
bool ipa_client_write(struct ipa_client *client, const struct buf *frames);

#endif
