/* A caller on a real socket beside the loop under test: writes octets, takes what comes back. */
#ifndef TESTS_UNIT_HTTP_WIRE_H
#define TESTS_UNIT_HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>

struct loop;

enum { WIRE_MAX = 1 << 20 };

struct wire {
	int fd;
	char got[WIRE_MAX];
	size_t len;
	bool closed; /* by the other side */
};

/* A port of 127.0.0.1 that nobody has now. */
unsigned wire_free_port(void);
/* Lets the loop run until it has nothing to do at once. */
void wire_settle(struct loop *loop);
void wire_open(struct wire *w, struct loop *loop, unsigned port);
void wire_put(struct wire *w, struct loop *loop, const char *bytes, size_t len);
void wire_say(struct wire *w, struct loop *loop, const char *text);
/* Takes what has come and lets the loop run on. */
void wire_take(struct wire *w, struct loop *loop);
/* Status of the first answer that came, 0 if none has; then forgets all that came. */
int wire_status(struct wire *w, struct loop *loop);
void wire_close(struct wire *w, struct loop *loop);
/* One request on a connection of its own; its status, and the body if wanted. */
int wire_ask(struct loop *loop, unsigned port, const char *request, char *body, size_t size);

/* Writes a key and a certificate for "localhost" that nobody but itself has signed (PEM). */
void wire_certificate(const char *cert_file, const char *key_file);

#endif
