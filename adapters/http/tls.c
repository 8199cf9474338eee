/* Certificate and key into an OpenSSL context. */
#include "adapters/http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

static bool fault(const char *file, char *error, size_t error_size)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(error, error_size, "%s: %s", file, reason ? reason : "cannot be used");
	ERR_clear_error();
	return false;
}

static bool fill(SSL_CTX *tls, const char *cert_file, const char *key_file, char *error, size_t error_size)
{
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_use_certificate_chain_file(tls, cert_file) != 1)
		return fault(cert_file, error, error_size);
	if (SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(tls) != 1)
		return fault(key_file, error, error_size);
	return true;
}

bool http_tls_new(const char *cert_file, const char *key_file, SSL_CTX **out, char *error, size_t error_size)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls)
		return fault("TLS", error, error_size);
	if (!fill(tls, cert_file, key_file, error, error_size)) {
		SSL_CTX_free(tls);
		return false;
	}
	*out = tls;
	return true;
}

void http_tls_free(SSL_CTX *tls)
{
	SSL_CTX_free(tls);
}
