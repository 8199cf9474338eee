/* SHA-256 (FIPS 180-4) over one block of bytes: names the version of a flow by its content. */
#ifndef FLOWS_ENGINE_SHA256_H
#define FLOWS_ENGINE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_LEN = 32 };

void sha256(const void *bytes, size_t len, uint8_t out[SHA256_LEN]);

#endif
