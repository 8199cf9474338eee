/* The grammar of HTTP/1.1 requests. Section numbers are those of RFC 9112 unless another is named. */
#include "adapters/http/message.h"

#include <string.h>
#include <strings.h>

enum { BAD_REQUEST = 400, TOO_LARGE = 413, EXPECTATION_FAILED = 417, HEAD_TOO_LARGE = 431, NOT_IMPLEMENTED = 501,
       VERSION_NOT_SUPPORTED = 505 };

static const char *const methods[] = {[HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT"};

/* tchar of RFC 9110 section 5.6.2. */
static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Visible ASCII, and what else may stand in a value: blanks, tabs and octets above 0x7f. */
static bool is_value_char(char c)
{
	return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7f);
}

bool http_slice_is(struct http_slice slice, const char *text)
{
	return slice.len == strlen(text) && strncasecmp(slice.at, text, slice.len) == 0;
}

size_t http_header_count(const struct http_head *head, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < head->header_count; i++)
		count += http_slice_is(head->headers[i].name, name);
	return count;
}

struct http_slice http_header(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->header_count; i++) {
		if (http_slice_is(head->headers[i].name, name))
			return head->headers[i].value;
	}
	return (struct http_slice){NULL, 0};
}

/* ---- lines ---- */

/* The line that starts at *at, without its CRLF. False if it ends otherwise or holds a control character. */
static bool take_line(const char **at, const char *end, struct http_slice *line)
{
	const char *lf = memchr(*at, '\n', (size_t)(end - *at));

	if (!lf || lf == *at || lf[-1] != '\r')
		return false;
	*line = (struct http_slice){*at, (size_t)(lf - 1 - *at)};
	*at = lf + 1;
	for (size_t i = 0; i < line->len; i++) {
		if (!is_value_char(line->at[i]))
			return false;
	}
	return true;
}

static int read_method(struct http_slice word, enum http_method *method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (word.len == strlen(methods[i]) && memcmp(word.at, methods[i], word.len) == 0) {
			*method = (enum http_method)i;
			return 0;
		}
	}
	return NOT_IMPLEMENTED;
}

/* method SP request-target SP HTTP-version (section 3); 0 or the status that refuses it. */
static int read_request_line(struct http_slice line, struct http_head *head)
{
	const char *end = line.at + line.len, *first = memchr(line.at, ' ', line.len), *second, *mark;

	if (!first || first == line.at)
		return BAD_REQUEST;
	second = memchr(first + 1, ' ', (size_t)(end - first - 1));
	if (!second || first[1] != '/' || memchr(second + 1, ' ', (size_t)(end - second - 1)))
		return BAD_REQUEST;
	for (const char *p = first + 1; p < second; p++) {
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			return BAD_REQUEST;
	}
	if (end - second - 1 != 8 || memcmp(second + 1, "HTTP/", 5) != 0)
		return BAD_REQUEST;
	if (memcmp(second + 6, "1.1", 3) != 0 && memcmp(second + 6, "1.0", 3) != 0)
		return VERSION_NOT_SUPPORTED;
	head->close = second[8] == '0';
	head->target = (struct http_slice){first + 1, (size_t)(second - first - 1)};
	mark = memchr(head->target.at, '?', head->target.len);
	head->path = head->target;
	if (mark) {
		head->path.len = (size_t)(mark - head->target.at);
		head->query = (struct http_slice){mark + 1, (size_t)(second - mark - 1)};
	}
	return read_method((struct http_slice){line.at, (size_t)(first - line.at)}, &head->method);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* field-name ":" OWS field-value OWS (section 5); no blank before the colon, no folding. */
static bool read_header(struct http_slice line, struct http_header *header)
{
	const char *colon = memchr(line.at, ':', line.len), *from, *to = line.at + line.len;

	if (!colon || colon == line.at)
		return false;
	for (const char *p = line.at; p < colon; p++) {
		if (!is_token_char(*p))
			return false;
	}
	for (from = colon + 1; from < to && is_blank(*from); from++)
		;
	for (; to > from && is_blank(to[-1]); to--)
		;
	header->name = (struct http_slice){line.at, (size_t)(colon - line.at)};
	header->value = (struct http_slice){from, (size_t)(to - from)};
	return true;
}

/* ---- what the headers mean ---- */

/* Section 6.3: the length of the body must be beyond doubt. */
static int read_framing(struct http_head *head)
{
	size_t lengths = http_header_count(head, "Content-Length");
	size_t codings = http_header_count(head, "Transfer-Encoding");
	struct http_slice length = http_header(head, "Content-Length");

	if (lengths > 1 || codings > 1 || (lengths && codings))
		return BAD_REQUEST;
	if (codings) {
		head->chunked = true;
		return http_slice_is(http_header(head, "Transfer-Encoding"), "chunked") && !head->close ? 0
													: NOT_IMPLEMENTED;
	}
	if (lengths && (length.len == 0 || length.len > 9))
		return length.len ? TOO_LARGE : BAD_REQUEST;
	for (size_t i = 0; i < length.len; i++) {
		if (length.at[i] < '0' || length.at[i] > '9')
			return BAD_REQUEST;
		head->body_len = head->body_len * 10 + (uint64_t)(length.at[i] - '0');
	}
	return head->body_len > HTTP_BODY_MAX ? TOO_LARGE : 0;
}

/* A comma-separated list holds this word. */
static bool has_word(struct http_slice list, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= list.len; i++) {
		bool starts = i == 0 || list.at[i - 1] == ',' || is_blank(list.at[i - 1]);
		bool ends = i + len == list.len || list.at[i + len] == ',' || is_blank(list.at[i + len]);

		if (starts && ends && strncasecmp(list.at + i, word, len) == 0)
			return true;
	}
	return false;
}

static int read_meaning(struct http_head *head)
{
	bool old = head->close; /* HTTP/1.0 */
	struct http_slice expect = http_header(head, "Expect");
	int status = read_framing(head);

	if (status != 0)
		return status;
	if (http_header_count(head, "Host") > 1 || (!old && http_header_count(head, "Host") == 0))
		return BAD_REQUEST; /* section 3.2 */
	if (has_word(http_header(head, "Connection"), "close"))
		head->close = true;
	if (expect.len && !http_slice_is(expect, "100-continue"))
		return EXPECTATION_FAILED;
	head->expects = expect.len && !old;
	return 0;
}

/* ---- the head ---- */

/* Reads all lines of a head that is there whole; 0 or the status that refuses it. */
static int read_lines(const char *bytes, const char *end, struct http_head *head)
{
	const char *at = bytes;
	struct http_slice line;
	int status;

	if (!take_line(&at, end, &line))
		return BAD_REQUEST;
	status = read_request_line(line, head);
	if (status != 0)
		return status;
	for (;;) {
		if (!take_line(&at, end, &line))
			return BAD_REQUEST;
		if (line.len == 0)
			return read_meaning(head);
		if (head->header_count == HTTP_HEADERS_MAX)
			return HEAD_TOO_LARGE;
		if (!read_header(line, &head->headers[head->header_count++]))
			return BAD_REQUEST;
	}
}

enum http_parse http_head_read(const char *bytes, size_t len, struct http_head *head, size_t *used, int *status)
{
	size_t within = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;
	const char *end = memmem(bytes, within, "\r\n\r\n", 4);

	if (!end && memmem(bytes, within, "\n\n", 2)) { /* would never end: a bare LF is refused anyway */
		*status = BAD_REQUEST;
		return HTTP_BAD;
	}
	if (!end && len >= HTTP_HEAD_MAX) {
		*status = HEAD_TOO_LARGE;
		return HTTP_BAD;
	}
	if (!end)
		return HTTP_MORE;
	memset(head, 0, sizeof(*head));
	*status = read_lines(bytes, end + 4, head);
	if (*status != 0)
		return HTTP_BAD;
	*used = (size_t)(end + 4 - bytes);
	return HTTP_OK;
}

/* ---- the body ---- */

/* Chunk reader (section 7.1). A chunk's extensions and the trailer are read and dropped. */
enum chunk_state { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_CR, CHUNK_LF, TRAILER, TRAILER_LF };

enum { CHUNK_LINE_MAX = 1024, CHUNK_DIGITS_MAX = 6 };

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One octet of a chunk's size line; 0 or the status that refuses it. */
static int read_size(struct http_body *body, char c)
{
	int digit = hex_value(c);

	if (body->state == CHUNK_SIZE && digit >= 0) {
		body->left = body->left * 16 + (uint64_t)digit;
		return ++body->line_len > CHUNK_DIGITS_MAX ? TOO_LARGE : 0;
	}
	if (body->line_len == 0 || (body->state == CHUNK_SIZE && c != ';' && c != '\r'))
		return BAD_REQUEST;
	if (c == '\r')
		body->state = CHUNK_SIZE_LF;
	else if (!is_value_char(c) || ++body->line_len > CHUNK_LINE_MAX)
		return BAD_REQUEST;
	else
		body->state = CHUNK_EXTENSION;
	return 0;
}

/* One octet that is not data; 0 or the status that refuses it. *whole: the body ends with it. */
static int read_chunk_octet(struct http_body *body, char c, bool *whole)
{
	switch ((enum chunk_state)body->state) {
	case CHUNK_SIZE:
	case CHUNK_EXTENSION:
		return read_size(body, c);
	case CHUNK_SIZE_LF:
		body->state = body->left > 0 ? CHUNK_DATA : TRAILER;
		body->line_len = 0;
		return c == '\n' ? 0 : BAD_REQUEST;
	case CHUNK_CR:
		body->state = CHUNK_LF;
		return c == '\r' ? 0 : BAD_REQUEST;
	case CHUNK_LF:
		body->state = CHUNK_SIZE;
		return c == '\n' ? 0 : BAD_REQUEST;
	case TRAILER:
		if (c == '\r')
			body->state = TRAILER_LF;
		else if (!is_value_char(c) || ++body->line_len > CHUNK_LINE_MAX)
			return BAD_REQUEST;
		return 0;
	case TRAILER_LF:
		*whole = body->line_len == 0;
		body->line_len = 0;
		body->state = TRAILER;
		return c == '\n' ? 0 : BAD_REQUEST;
	case CHUNK_DATA:
		break;
	}
	return BAD_REQUEST;
}

static size_t take_data(struct http_body *body, const char *bytes, size_t len)
{
	size_t n = len < body->left ? len : (size_t)body->left;

	buf_put(&body->bytes, bytes, n);
	body->left -= n;
	return n;
}

static enum http_parse read_chunks(struct http_body *body, const char *bytes, size_t len, size_t *used,
				   int *status)
{
	bool whole = false;

	while (*used < len && !whole) {
		if (body->state != CHUNK_DATA) {
			*status = read_chunk_octet(body, bytes[(*used)++], &whole);
			if (*status != 0)
				return HTTP_BAD;
			continue;
		}
		if (body->bytes.len + body->left > HTTP_BODY_MAX) {
			*status = TOO_LARGE;
			return HTTP_BAD;
		}
		*used += take_data(body, bytes + *used, len - *used);
		if (body->left == 0)
			body->state = CHUNK_CR;
	}
	return whole ? HTTP_OK : HTTP_MORE;
}

enum http_parse http_body_read(struct http_body *body, const char *bytes, size_t len, size_t *used, int *status)
{
	*used = 0;
	if (body->chunked)
		return read_chunks(body, bytes, len, used, status);
	*used = take_data(body, bytes, len);
	return body->left == 0 ? HTTP_OK : HTTP_MORE;
}
