/* Names and reading of key files: what vault.c needs of vault_files.c and nobody else. */
#ifndef STORE_VAULT_FILES_H
#define STORE_VAULT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VAULT_NAME_MAX = 64 }; /* of a file in a key folder, with the NUL */

/* A team's name is part of a file name: 1 to 31 of a-z, 0-9 and hyphen, not starting with a hyphen. */
bool vault_team_name(const char *team, char *error, size_t error_size);

/* Reads the 32 bytes of dir/name: 64 hex digits and white space. A secret (name not ending in .pub)
 * must be closed to group and others, a public key must not be writable by them. Files under
 * $CREDENTIALS_DIRECTORY may show group bits: systemd guards them by an access control list. */
bool vault_read_key(const char *dir, const char *name, uint8_t out[32], char *error,
		    size_t error_size);

#endif
