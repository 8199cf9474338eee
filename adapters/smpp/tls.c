/* OpenSSL behind libevent's bufferevents. libevent verifies nothing by itself: the context demands it and
 * each connection says whom it expects. */
#include "adapters/smpp/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>

#include "adapters/smpp/smpp.h"
#include "base/conf.h"
#include "base/mem.h"

struct smpp_tls {
	SSL_CTX *context;
	const char *name; /* expected in the certificate; borrowed from the settings */
};

static bool numeric(const char *name)
{
	uint8_t address[16];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* The last thing OpenSSL complained of; its queue is empty afterwards. */
static void last_error(char *out, size_t size)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	snprintf(out, size, "%s", reason ? reason : code ? "unreadable" : "unknown error");
	ERR_clear_error();
}

static bool load_trust(SSL_CTX *context, const char *ca)
{
	return ca ? SSL_CTX_load_verify_locations(context, ca, NULL) == 1
	          : SSL_CTX_set_default_verify_paths(context) == 1;
}

/* An encrypted key must not make the daemon ask its terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool load_files(SSL_CTX *context, const struct smpp_conf *conf, const char **key,
                       char *error, size_t size)
{
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	*key = "tls_ca";
	if (!load_trust(context, conf->tls_ca))
		return false;
	*key = "tls_cert";
	if (conf->tls_cert && SSL_CTX_use_certificate_chain_file(context, conf->tls_cert) != 1)
		return false;
	*key = "tls_key";
	if (!conf->tls_key)
		return true;
	if (!conf_secret_file(conf->tls_key, error, size))
		return false;
	return SSL_CTX_use_PrivateKey_file(context, conf->tls_key, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_check_private_key(context) == 1;
}

struct smpp_tls *tls_new(const struct smpp_conf *conf, const char **key, char *error,
                         size_t error_size)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct smpp_tls *tls;
	char why[200];

	*key = "tls";
	error[0] = '\0';
	if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
	    !load_files(context, conf, key, error, error_size)) {
		last_error(why, sizeof(why));
		if (!error[0])
			snprintf(error, error_size, "'%s' cannot be used: %s", *key, why);
		SSL_CTX_free(context);
		return NULL;
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	tls = mem_alloc(sizeof(*tls));
	tls->context = context;
	tls->name = conf->tls_name ? conf->tls_name : conf->host;
	return tls;
}

void tls_free(struct smpp_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	mem_free(tls);
}

/* Whom the certificate must name. */
static bool expect(SSL *ssl, const char *name)
{
	if (numeric(name))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct bufferevent *tls_connect(struct smpp_tls *tls, struct event_base *base, int fd)
{
	SSL *ssl = SSL_new(tls->context);
	struct bufferevent *bev = NULL;

	if (ssl && expect(ssl, tls->name))
		bev = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_CONNECTING,
		                                     BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!bev) {
		SSL_free(ssl);
		close(fd);
		return NULL;
	}
	/* Carriers close the socket without a closing alert; the unbind has said it all. */
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

void tls_reason(struct bufferevent *bev, char *out, size_t size)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	unsigned long code = bufferevent_get_openssl_error(bev);
	long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	const char *reason = ERR_reason_error_string(code);

	out[0] = '\0';
	if (verdict != X509_V_OK)
		snprintf(out, size, "the certificate is not trusted: %s", X509_verify_cert_error_string(verdict));
	else if (code)
		snprintf(out, size, "TLS: %s", reason ? reason : "unknown error");
	while (bufferevent_get_openssl_error(bev))
		;
	ERR_clear_error();
}
