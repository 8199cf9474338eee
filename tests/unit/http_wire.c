/* A caller on a real socket. */
#include "http_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/mem.h"

static void stop(void *arg)
{
	loop_stop(arg);
}

unsigned wire_free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

void wire_settle(struct loop *loop)
{
	struct loop_timer *end = loop_timer_new(loop, stop, loop);

	for (int i = 0; i < 8; i++) {
		loop_timer_set(end, 0);
		loop_run(loop);
	}
	loop_timer_free(end);
}

void wire_open(struct wire *w, struct loop *loop, unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	memset(w, 0, sizeof(*w));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	w->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(w->fd >= 0);
	assert_int_equal(connect(w->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(w->fd, F_SETFL, O_NONBLOCK);
	wire_settle(loop);
}

void wire_take(struct wire *w, struct loop *loop)
{
	wire_settle(loop);
	for (int i = 0; i < 200 && !w->closed; i++) {
		ssize_t n = recv(w->fd, w->got + w->len, sizeof(w->got) - w->len - 1, 0);

		if (n > 0)
			w->len += (size_t)n;
		else if (n == 0 || errno != EAGAIN)
			w->closed = true;
		else
			break;
		wire_settle(loop);
	}
	w->got[w->len] = '\0';
}

void wire_put(struct wire *w, struct loop *loop, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(w->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
		wire_settle(loop);
	}
	wire_take(w, loop);
}

void wire_say(struct wire *w, struct loop *loop, const char *text)
{
	wire_put(w, loop, text, strlen(text));
}

int wire_status(struct wire *w, struct loop *loop)
{
	int status = 0;

	wire_take(w, loop);
	if (sscanf(w->got, "HTTP/1.1 %d", &status) != 1)
		status = 0;
	w->len = 0;
	w->got[0] = '\0';
	return status;
}

void wire_close(struct wire *w, struct loop *loop)
{
	close(w->fd);
	wire_settle(loop);
}

int wire_ask(struct loop *loop, unsigned port, const char *request, char *body, size_t size)
{
	struct wire *w = mem_alloc(sizeof(*w));
	const char *from;
	int status;

	wire_open(w, loop, port);
	wire_say(w, loop, request);
	from = strstr(w->got, "\r\n\r\n");
	if (body)
		snprintf(body, size, "%s", from ? from + 4 : "");
	status = wire_status(w, loop);
	wire_close(w, loop);
	mem_free(w);
	return status;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

void wire_certificate(const char *cert_file, const char *key_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	FILE *file;

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	add_extension(cert, NID_subject_alt_name, "DNS:localhost");
	add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	file = fopen(cert_file, "w");
	PEM_write_X509(file, cert);
	fclose(file);
	file = fopen(key_file, "w");
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}
