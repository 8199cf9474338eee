/* The daemon's configuration: one YAML file, every setting a row of a table. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_node;

enum { CONF_SHORT_CODES_MAX = 8 };

struct conf {
	char *file;              /* path of the file; owned, as every string here */
	char *folder;            /* folder of the file, which relative paths start from */
	struct yaml_node *root;  /* owned */
	char *node;              /* name of this daemon among its fellows */
	char *log_level;
	char *keys_dir, *keys_team;
	char *spool_dir;
	int64_t spool_segment_mb;
	char *redis_socket, *redis_host, *redis_user, *redis_password_file;
	int64_t redis_port, redis_budget_ms;
	char *postgres_conninfo;
	char *control_socket;
	char *metrics_listen, *metrics_socket; /* NULL: no metrics */
	char *flows_dir;
	char *clocks_file, *clocks_calendar; /* NULL: those that are installed */
	char *clocks_zone;
	char *alerts_sendmail, *alerts_mail_from;
	char *watch_heartbeat_url, *watch_heartbeat_file; /* NULL: none */
	char *ref_prefix;        /* starts every report reference: "BP" gives BP-482113 */
	char *region;            /* ISO 3166 code that numbers without a country belong to */
	char *home;              /* codes of the provinces served, comma separated: place names prefer them */
	int64_t replies_per_sender, replies_per_day; /* 0 = no limit */
	char *reply_regions;     /* countries whose mobile numbers may be answered, comma separated */
	char *short_codes[CONF_SHORT_CODES_MAX + 1]; /* ends with NULL */
	const struct yaml_node *links; /* list; borrowed from root */
};

/* Reads and checks the file. On a fault returns false and writes "file:line:column: what was expected,
 * what was found" to error. On success the caller calls conf_fini(). */
bool conf_load(const char *path, struct conf *out, char *error, size_t error_size);
void conf_fini(struct conf *conf);

/* An adapter's own setting names (NULL-terminated), or NULL when there is no such adapter. */
typedef const char *const *conf_keys_fn(void *arg, const char *adapter);

/* Checks the maps under `links:`: known keys only. */
bool conf_check_links(const struct conf *conf, conf_keys_fn *keys_of, void *arg,
                      char *error, size_t error_size);

/* Position of a setting ("redis.socket") for messages about its value: "file:line:column". */
void conf_where(const struct conf *conf, const char *setting, char *out, size_t size);

/* True if the file can be read and nobody but its owner can read or write it; otherwise a text that
 * says what is wrong and how to mend it. */
bool conf_secret_file(const char *path, char *error, size_t error_size);

/* Settings ("replies.per_day, node") that differ between two readings of the file, links apart; "" if none. */
void conf_differences(const struct conf *a, const struct conf *b, char *out, size_t size);

/* `path` itself if absolute, else folder/path; owned by the caller. */
char *conf_path(const struct conf *conf, const char *path);

/* Prints every setting with its type, default and help: the reference for the manual page. */
void conf_print_reference(void);

#endif
