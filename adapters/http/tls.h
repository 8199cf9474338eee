/* The server's side of TLS (OpenSSL): one certificate chain, TLS 1.2 at least. */
#ifndef ADAPTERS_HTTP_TLS_H
#define ADAPTERS_HTTP_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Reads chain and key (PEM). False and an error text that names the file at fault. */
bool http_tls_new(const char *cert_file, const char *key_file, SSL_CTX **out, char *error, size_t error_size);
void http_tls_free(SSL_CTX *tls); /* NULL is fine */

#endif
