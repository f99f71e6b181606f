/* SMTP replies as a client reads them: see reply.h. */
#include <string.h>
#include <strings.h>
#include "remote/reply.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
clean(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

size_t
reply_clean(char const *s, size_t len, char *text_r, size_t max)
{
	if (len > max)
		len = max;
	for (size_t i = 0; i < len; i++)
		text_r[i] = clean(s[i]);
	text_r[len] = '\0';
	return len;
}

/*
 * The line at *at, without its line end; false if it does not end within s.
 */
static bool
next_line(char const *s, size_t len, size_t *at, char const **line_r,
	size_t *line_len_r)
{
	char const *lf = memchr(s + *at, '\n', len - *at);
	size_t end;

	if (lf == NULL)
		return false;
	end = (size_t)(lf - s);
	*line_r = s + *at;
	*line_len_r = end - *at;
	if (*line_len_r > 0 && s[end - 1] == '\r')
		--*line_len_r;
	*at = end + 1;
	return true;
}

/* RFC 5321 4.2: a first digit of 2 to 5 and a second of 0 to 5. */
static bool
parse_code(char const *s, size_t len, unsigned *code_r, bool *more_r)
{
	if (len < 3 || s[0] < '2' || s[0] > '5' || s[1] < '0' || s[1] > '5' ||
		!is_digit(s[2]) || (len > 3 && s[3] != ' ' && s[3] != '-'))
		return false;
	*code_r = (unsigned)(s[0] - '0') * 100 + (unsigned)(s[1] - '0') * 10 +
		  (unsigned)(s[2] - '0');
	*more_r = len > 3 && s[3] == '-';
	return true;
}

/* RFC 3463 2: class.subject.detail; the octets it takes, 0 if it is none. */
static size_t
parse_enhanced(char const *s, size_t len, unsigned code, unsigned out[3])
{
	size_t i = 0;

	for (int part = 0; part < 3; part++) {
		size_t start = i;
		out[part] = 0;
		while (i < len && is_digit(s[i]) && i - start < 3)
			out[part] = out[part] * 10 + (unsigned)(s[i++] - '0');
		if (i == start)
			return 0;
		if (part < 2 && (i == len || s[i++] != '.'))
			return 0;
	}
	if (out[0] != code / 100 || (i < len && s[i] != ' '))
		return 0;
	return i;
}

static void
append(struct reply *r, char const *s, size_t len)
{
	if (len > REPLY_TEXT_MAX - r->text_len)
		len = REPLY_TEXT_MAX - r->text_len;
	for (size_t i = 0; i < len; i++)
		r->text[r->text_len++] = clean(s[i]);
	r->text[r->text_len] = '\0';
}

/* What a line says behind its code; the first one brings the code along. */
static void
add_line(struct reply *r, char const *line, size_t len, bool first)
{
	unsigned enhanced[3];
	size_t n = 0;

	if (first)
		append(r, line, 3);
	if (len <= 4)
		return;
	line += 4;
	len -= 4;
	n = parse_enhanced(line, len, r->code, enhanced);
	if (first && n > 0) {
		r->has_enhanced = true;
		memcpy(r->enhanced, enhanced, sizeof enhanced);
	} else if (n > 0 && r->has_enhanced &&
		   memcmp(r->enhanced, enhanced, sizeof enhanced) == 0) {
		n += n < len;
		line += n;
		len -= n;
	}
	append(r, " ", 1);
	append(r, line, len);
}

int
reply_parse(char const *s, size_t len, struct reply *reply_r, size_t *used_r)
{
	size_t at = 0, line_len;
	char const *line;
	unsigned code;
	bool more = true;

	reply_r->has_enhanced = false;
	reply_r->text_len = 0;
	for (int lines = 0; more; lines++) {
		if (!next_line(s, len, &at, &line, &line_len))
			return 0;
		if (lines == REPLY_LINES_MAX ||
			!parse_code(line, line_len, &code, &more) ||
			(lines > 0 && code != reply_r->code))
			return -1;
		reply_r->code = code;
		add_line(reply_r, line, line_len, lines == 0);
	}
	*used_r = at;
	return 1;
}

static bool
keyword(char const *line, size_t len, char const *word)
{
	size_t n = strlen(word);

	return len >= n && strncasecmp(line, word, n) == 0 &&
	       (len == n || line[n] == ' ');
}

/* RFC 1870 4: digits; what is none or too large for us counts as not told. */
static uint64_t
size_value(char const *s, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (!is_digit(s[i]) || n > UINT64_MAX / 10 - 1)
			return 0;
		n = n * 10 + (uint64_t)(s[i] - '0');
	}
	return n;
}

/* The words behind AUTH. */
static void
mechanisms(char const *s, size_t len, struct reply_ehlo *ehlo_r)
{
	while (len > 0) {
		char const *blank = memchr(s, ' ', len);
		size_t n = blank != NULL ? (size_t)(blank - s) : len;
		if (n == 13 && strncasecmp(s, "SCRAM-SHA-256", n) == 0)
			ehlo_r->auth_scram = true;
		if (n == 5 && strncasecmp(s, "PLAIN", n) == 0)
			ehlo_r->auth_plain = true;
		if (n == 5 && strncasecmp(s, "LOGIN", n) == 0)
			ehlo_r->auth_login = true;
		n += blank != NULL;
		s += n;
		len -= n;
	}
}

void
reply_ehlo(char const *s, size_t used, struct reply_ehlo *ehlo_r)
{
	size_t at = 0, len;
	char const *line;
	bool first = true;

	*ehlo_r = (struct reply_ehlo){0};
	for (; next_line(s, used, &at, &line, &len); first = false) {
		if (len <= 4)
			continue;
		line += 4;
		len -= 4;
		if (first) {
			char const *blank = memchr(line, ' ', len);
			(void)reply_clean(line,
				blank != NULL ? (size_t)(blank - line) : len,
				ehlo_r->name, sizeof ehlo_r->name - 1);
		} else if (keyword(line, len, "STARTTLS")) {
			ehlo_r->starttls = true;
		} else if (keyword(line, len, "PIPELINING")) {
			ehlo_r->pipelining = true;
		} else if (keyword(line, len, "8BITMIME")) {
			ehlo_r->eightbit = true;
		} else if (keyword(line, len, "SMTPUTF8")) {
			ehlo_r->utf8 = true;
		} else if (keyword(line, len, "DSN")) {
			ehlo_r->dsn = true;
		} else if (keyword(line, len, "DELIVERBY")) {
			ehlo_r->deliver_by = true;
		} else if (keyword(line, len, "MT-PRIORITY")) {
			ehlo_r->priority = true;
		} else if (keyword(line, len, "REQUIRETLS")) {
			ehlo_r->requiretls = true;
		} else if (keyword(line, len, "CHUNKING")) {
			ehlo_r->chunking = true;
		} else if (keyword(line, len, "BINARYMIME")) {
			ehlo_r->binary = true;
		} else if (keyword(line, len, "AUTH")) {
			mechanisms(line + 4, len - 4, ehlo_r);
		} else if (keyword(line, len, "SIZE")) {
			ehlo_r->size = true;
			if (len > 5)
				ehlo_r->size_max =
					size_value(line + 5, len - 5);
		}
	}
}
