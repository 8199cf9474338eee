/* The way to the daemon: one JSON object per line over its control socket. */
#include "ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/yaml.h"

enum {
	LINE_MAX_BYTES = 64 << 20, /* one answer: a list of messages may be long */
	READ_BYTES = 65536,
	ANSWER_MS = 30000,
	SEND_MS = 10000
};

struct ctl_client {
	int fd;
	struct buf in; /* received, not yet handed out */
	size_t seen;   /* bytes of `in` known to hold no newline */
};

static const char start_hint[] =
	"is hotlined running? start it with \"contrib/quickstart up\" or \"systemctl start hotlined\"; "
	"--config FILE or --socket PATH name another one";

/* ---- the configuration file ---- */

static struct yaml_node *config_load(enum ctl_exit *status)
{
	struct yaml_error e;
	struct yaml_node *root = yaml_parse_file(ctl_globals.config, &e);

	if (root == NULL) {
		if (e.line > 0)
			ctl_error("%s:%u:%u: %s", ctl_globals.config, e.line, e.column, e.text);
		else
			ctl_error("%s: %s; --config FILE or $HOTLINED_CONFIG names another one",
				  ctl_globals.config, e.text);
		*status = CTL_CONFIG;
	}
	return root;
}

/* The scalar at section.key. An empty result is a setting that is not there. */
static bool config_find(const struct yaml_node *root, const char *section, const char *key,
			char **value)
{
	const struct yaml_node *node = root->kind == YAML_MAP ? yaml_find(root, section) : NULL;

	*value = NULL;
	if (node != NULL && node->kind == YAML_MAP)
		node = yaml_find(node, key);
	else if (node != NULL)
		goto wrong;
	if (node == NULL)
		return true;
	if (node->kind == YAML_SCALAR && node->text[0] != '\0') {
		*value = mem_strdup(node->text);
		return true;
	}
wrong:
	ctl_error("%s:%u:%u: %s.%s: a text is expected", ctl_globals.config, node->line,
		  node->column, section, key);
	return false;
}

char *ctl_setting(const char *section, const char *key, enum ctl_exit *status)
{
	struct yaml_node *root = config_load(status);
	char *value = NULL;

	if (root == NULL)
		return NULL;
	if (!config_find(root, section, key, &value))
		*status = CTL_CONFIG;
	yaml_free(root);
	return value;
}

/* Relative paths start from the folder of the configuration file. */
static char *beside_config(const char *path)
{
	const char *slash = strrchr(ctl_globals.config, '/');

	if (path[0] == '/' || slash == NULL)
		return mem_strdup(path);
	return mem_printf("%.*s/%s", (int)(slash - ctl_globals.config), ctl_globals.config, path);
}

static char *socket_path(enum ctl_exit *status)
{
	char *setting, *path;

	if (ctl_globals.socket != NULL)
		return mem_strdup(ctl_globals.socket);
	*status = CTL_OK;
	setting = ctl_setting("control", "socket", status);
	if (*status != CTL_OK)
		return NULL;
	path = beside_config(setting != NULL ? setting : "run/control.sock");
	mem_free(setting);
	return path;
}

/* ---- connection ---- */

static enum ctl_exit say_unreachable(const char *path, int cause, bool quiet)
{
	if (cause == EACCES) {
		if (!quiet)
			ctl_error("%s: %s: only the daemon's user and group may talk to it", path,
				  strerror(cause));
		return CTL_REFUSED;
	}
	if (!quiet)
		ctl_error("no answer at %s (%s): %s", path, strerror(cause), start_hint);
	return CTL_UNREACHABLE;
}

static struct ctl_client *connect_to(const char *path, bool quiet, enum ctl_exit *status)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = SEND_MS / 1000 };
	struct ctl_client *c;
	int fd;

	if (strlen(path) >= sizeof address.sun_path) {
		ctl_error("%s: a socket's path has at most %zu bytes", path,
			  sizeof address.sun_path - 1);
		*status = CTL_CONFIG;
		return NULL;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		*status = say_unreachable(path, errno, quiet);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	c = mem_alloc(sizeof *c);
	c->fd = fd;
	*status = CTL_OK;
	return c;
}

struct ctl_client *ctl_connect(bool quiet, enum ctl_exit *status)
{
	char *path = socket_path(status);
	struct ctl_client *c;

	if (path == NULL)
		return NULL;
	c = connect_to(path, quiet, status);
	mem_free(path);
	return c;
}

void ctl_close(struct ctl_client *c)
{
	if (c == NULL)
		return;
	close(c->fd);
	buf_free(&c->in);
	mem_free(c);
}

int ctl_fd(const struct ctl_client *c)
{
	return c->fd;
}

bool ctl_send(struct ctl_client *c, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	size_t len, done = 0;

	json_decref(object);
	if (text == NULL)
		return false;
	len = strlen(text);
	text[len++] = '\n'; /* in place of the NUL: the length is known */
	while (done < len) {
		ssize_t n = send(c->fd, text + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	free(text);
	return done == len;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Cuts the first line off `in`, if a whole one is there. */
static bool next_line(struct ctl_client *c, enum ctl_read *result, json_t **out)
{
	const uint8_t *end = NULL;
	size_t len;

	if (c->in.len > c->seen)
		end = memchr(c->in.data + c->seen, '\n', c->in.len - c->seen);
	c->seen = c->in.len;
	if (end == NULL)
		return false;
	len = (size_t)(end - c->in.data);
	*out = json_loadb((const char *)c->in.data, len, 0, NULL);
	if (*out != NULL && !json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
	}
	*result = *out != NULL ? CTL_LINE : CTL_GARBLED;
	c->in.len -= len + 1;
	memmove(c->in.data, end + 1, c->in.len);
	c->seen = 0;
	return true;
}

/* Reads what is there; false at the end of the connection or of patience. */
static bool receive(struct ctl_client *c, int64_t deadline_ms, enum ctl_read *result)
{
	int64_t left_ms = deadline_ms - now_ms();
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	ssize_t n;
	int ready;

	ready = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
	if (ready < 0 && errno == EINTR)
		return true;
	*result = CTL_TIMEOUT;
	if (ready == 0)
		return false;
	*result = CTL_GONE;
	n = read(c->fd, buf_reserve(&c->in, READ_BYTES), READ_BYTES);
	c->in.len -= n > 0 ? READ_BYTES - (size_t)n : READ_BYTES;
	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	*result = CTL_GARBLED;
	return c->in.len <= LINE_MAX_BYTES;
}

enum ctl_read ctl_read(struct ctl_client *c, int timeout_ms, json_t **out)
{
	int64_t deadline_ms = now_ms() + timeout_ms;
	enum ctl_read result = CTL_GONE;

	while (!next_line(c, &result, out))
		if (!receive(c, deadline_ms, &result))
			return result;
	return result;
}

/* ---- request and answer ---- */

static enum ctl_exit exit_of(const json_t *answer)
{
	json_int_t code = json_integer_value(json_object_get(answer, "exit"));

	return code > 0 && code < 126 ? (enum ctl_exit)code : CTL_UNREACHABLE;
}

static enum ctl_exit take_answer(json_t *answer, json_t **data)
{
	const char *text = json_string_value(json_object_get(answer, "error"));
	enum ctl_exit status;
	char *clean;

	if (json_is_true(json_object_get(answer, "ok"))) {
		*data = json_object_get(answer, "data");
		*data = *data != NULL ? json_incref(*data) : json_null();
		return CTL_OK;
	}
	status = exit_of(answer);
	clean = ctl_clean(text != NULL ? text : "the daemon gave no reason", false);
	ctl_error("%s", clean);
	mem_free(clean);
	return status;
}

enum ctl_exit ctl_request(struct ctl_client *c, const char *cmd, json_t *args, json_t **data)
{
	json_t *answer = NULL;
	enum ctl_exit status;

	if (args == NULL)
		args = json_object();
	if (!ctl_send(c, json_pack("{s:s,s:o}", "cmd", cmd, "args", args))) {
		ctl_error("the daemon closed the connection: %s", start_hint);
		return CTL_UNREACHABLE;
	}
	switch (ctl_read(c, ANSWER_MS, &answer)) {
	case CTL_LINE:
		status = take_answer(answer, data);
		json_decref(answer);
		return status;
	case CTL_TIMEOUT:
		ctl_error("no answer from the daemon within %d s; its log tells more",
			  ANSWER_MS / 1000);
		break;
	case CTL_GONE:
		ctl_error("the daemon closed the connection: %s", start_hint);
		break;
	case CTL_GARBLED:
		ctl_error("the daemon's answer is not understood: are hotlinectl and hotlined of the "
			  "same version?");
		break;
	}
	return CTL_UNREACHABLE;
}

enum ctl_exit ctl_call(const char *cmd, json_t *args, json_t **data)
{
	enum ctl_exit status;
	struct ctl_client *c = ctl_connect(false, &status);

	if (c == NULL) {
		json_decref(args);
		return status;
	}
	status = ctl_request(c, cmd, args, data);
	ctl_close(c);
	return status;
}
