/* Reads typed values out of a tree of YAML nodes, for the files that operators write (rosters, policies,
 * clocks, calendars). Every fault names its line and column; each function returns false after setting
 * *error, and sets its output only on success. */
#ifndef BASE_YAML_READ_H
#define BASE_YAML_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_error;
struct yaml_node;

/* Sets *error to the place of a node; always false, to be returned. */
bool yaml_fault(struct yaml_error *error, const struct yaml_node *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A map that holds no other keys than `known` (ends with NULL). `what` names it: "an officer". */
bool yaml_read_map(const struct yaml_node *node, const char *what, const char *const *known,
		   struct yaml_error *error);
/* A list of at most `max` items. */
bool yaml_read_list(const struct yaml_node *node, const char *what, size_t max, struct yaml_error *error);
/* A text that is not empty and shorter than `size`. */
bool yaml_read_text(const struct yaml_node *node, const char *what, char *out, size_t size,
		    struct yaml_error *error);
/* The same, of a-z, 0-9, _ and - only, beginning with a letter or digit. */
bool yaml_read_id(const struct yaml_node *node, const char *what, char *out, size_t size,
		  struct yaml_error *error);
/* A whole number from min to max. */
bool yaml_read_int(const struct yaml_node *node, const char *what, int min, int max, int *out,
		   struct yaml_error *error);
/* A duration from min_s to max_s seconds: "90s", "5min", "12h", "30d". */
bool yaml_read_seconds(const struct yaml_node *node, const char *what, int64_t min_s, int64_t max_s,
		       int64_t *out, struct yaml_error *error);
/* "true" or "false" ("yes" and "no" as well). */
bool yaml_read_bool(const struct yaml_node *node, const char *what, bool *out, struct yaml_error *error);
/* One of the words (ends with NULL); *out is its place. */
bool yaml_read_choice(const struct yaml_node *node, const char *what, const char *const *words, int *out,
		      struct yaml_error *error);

#endif
