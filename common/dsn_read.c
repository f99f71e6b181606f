/* What a delivery report says. */
#include <string.h>
#include <strings.h>
#include "common/dsn_read.h"

struct span {
	char const *s;
	size_t len;
};

/* A line without its end, and what is behind it. */
static struct span
take_line(struct span *rest)
{
	char const *lf = memchr(rest->s, '\n', rest->len);
	size_t n = lf != NULL ? (size_t)(lf - rest->s) : rest->len;
	struct span line = {rest->s, n};

	rest->s += n + (lf != NULL);
	rest->len -= n + (lf != NULL);
	if (line.len > 0 && line.s[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct span
trim(struct span t)
{
	while (t.len > 0 && is_blank(*t.s))
		t.s++, t.len--;
	while (t.len > 0 && is_blank(t.s[t.len - 1]))
		t.len--;
	return t;
}

static bool
starts(struct span t, char const *word)
{
	size_t n = strlen(word);

	return t.len >= n && strncasecmp(t.s, word, n) == 0;
}

/* `Name:`, and blanks before the colon; what is behind it. */
static bool
take_field(struct span line, char const *name, struct span *value_r)
{
	size_t n = strlen(name);

	if (!starts(line, name))
		return false;
	while (n < line.len && is_blank(line.s[n]))
		n++;
	if (n == line.len || line.s[n] != ':')
		return false;
	*value_r = trim((struct span){line.s + n + 1, line.len - n - 1});
	return true;
}

/* The length of a number of at most three digits. */
static size_t
number_length(struct span t)
{
	size_t n = 0;

	while (n < t.len && is_digit(t.s[n]))
		n++;
	return n <= 3 ? n : 0;
}

/* The length of `n.n.n` at the start, or 0. */
static size_t
code_length(struct span t)
{
	size_t at = 2, n;

	if (t.len < 5 || (*t.s != '2' && *t.s != '4' && *t.s != '5') ||
		t.s[1] != '.')
		return 0;
	n = number_length((struct span){t.s + at, t.len - at});
	at += n;
	if (n == 0 || at == t.len || t.s[at] != '.')
		return 0;
	at++;
	n = number_length((struct span){t.s + at, t.len - at});
	at += n;
	/* An address has four. */
	if (n == 0 ||
		(at + 1 < t.len && t.s[at] == '.' && is_digit(t.s[at + 1])))
		return 0;
	return at;
}

/* The first status code in a text; bad: not of a success. */
static bool
find_code(struct span t, bool bad, char status_r[DSN_READ_STATUS_MAX + 1])
{
	for (size_t i = 0; i < t.len; i++) {
		size_t n;
		if (!is_digit(t.s[i]) ||
			(i > 0 && (is_digit(t.s[i - 1]) || t.s[i - 1] == '.')))
			continue;
		n = code_length((struct span){t.s + i, t.len - i});
		if (n == 0 || (bad && t.s[i] == '2'))
			continue;
		memcpy(status_r, t.s + i, n);
		status_r[n] = '\0';
		return true;
	}
	return false;
}

/* `rfc822; bob@example.org`, with or without brackets. */
static struct span
address_of(struct span value)
{
	char const *semicolon =
		value.len == 0 ? NULL : memchr(value.s, ';', value.len);

	if (semicolon != NULL) {
		value.len -= (size_t)(semicolon + 1 - value.s);
		value.s = semicolon + 1;
	}
	value = trim(value);
	if (value.len > 1 && *value.s == '<' && value.s[value.len - 1] == '>')
		value = (struct span){value.s + 1, value.len - 2};
	return value;
}

/* The fields of one recipient. */
struct group {
	struct span final, original, action, status, diagnostic;
};

static bool
is_empty(struct group const *g)
{
	return g->final.len == 0 && g->original.len == 0 &&
	       g->action.len == 0 && g->status.len == 0;
}

/* Whether an address stands in a line. */
static bool
names(struct span line, struct span address)
{
	return address.len > 0 && line.len >= address.len &&
	       memmem(line.s, line.len, address.s, address.len) != NULL;
}

static bool
is_vague(char const *status)
{
	return status[0] != '\0' && strcmp(status + 1, ".0.0") == 0;
}

/* `554 5.3.0 unknown mailer error`, as sendmail ends its transcript. */
static bool
find_reply(struct span line, char *status)
{
	if (line.len < 9 || number_length(line) != 3 || line.s[3] != ' ' ||
		line.s[4] != *line.s)
		return false;
	return code_length((struct span){line.s + 4, line.len - 4}) > 0 &&
	       find_code((struct span){line.s + 4, line.len - 4}, true, status);
}

/* What the text for people says of an address, on its line or the next two. */
static void
look_in_text(struct span text, struct span address, char *status)
{
	int left = 0;

	while (text.len > 0) {
		struct span line = take_line(&text);
		if (names(line, address))
			left = 3;
		if (left > 0 && left-- > 0 && find_code(line, true, status))
			return;
	}
}

/* The last reply of the status's class that says more than it. */
static void
look_for_reply(struct span text, char *status)
{
	char class = *status, reply[DSN_READ_STATUS_MAX + 1];

	while (text.len > 0)
		if (find_reply(take_line(&text), reply) && !is_vague(reply) &&
			*reply == class)
			strcpy(status, reply);
}

/* False: the diagnostic code has said all. */
static bool
finish(struct group const *g, struct span text, bool is_first,
	struct dsn_recipient *r)
{
	struct span address =
		address_of(g->final.len > 0 ? g->final : g->original);

	*r = (struct dsn_recipient){.address = address.s,
		.address_len = address.len,
		.action = g->action.s,
		.action_len = g->action.len};
	(void)find_code(g->status, false, r->status);
	if (find_code(g->diagnostic, true, r->status))
		return false;
	/* The text is gone through for few: it may be as long as the rest. */
	if (is_first && is_vague(r->status))
		look_in_text(text, address, r->status);
	return true;
}

static bool
is_status_type(struct span value)
{
	return starts(value, "message/delivery-status") ||
	       starts(value, "message/global-delivery-status");
}

/* Moves rest behind the header of the part that has the fields. */
static bool
find_part(struct span *rest)
{
	while (rest->len > 0) {
		struct span value;
		if (take_field(take_line(rest), "Content-Type", &value) &&
			is_status_type(value)) {
			while (rest->len > 0 && take_line(rest).len > 0)
				;
			return true;
		}
	}
	return false;
}

static struct span *
field_of(struct group *g, struct span line, struct span *value)
{
	if (take_field(line, "Final-Recipient", value))
		return &g->final;
	if (take_field(line, "Original-Recipient", value))
		return &g->original;
	if (take_field(line, "Action", value))
		return &g->action;
	if (take_field(line, "Status", value))
		return &g->status;
	if (take_field(line, "Diagnostic-Code", value))
		return &g->diagnostic;
	return NULL;
}

size_t
dsn_read(
	char const *s, size_t len, struct dsn_recipient *recipients, size_t max)
{
	/* Recipients for whom the text is looked at. */
	enum { TEXT_LOOKS = 20 };
	struct span rest = {s, len}, text, *last = NULL, value;
	struct group g = {.final.len = 0};
	size_t count = 0;
	bool ends = false, is_open = false;

	if (!find_part(&rest))
		return 0;
	text = (struct span){s, (size_t)(rest.s - s)};
	while (!ends) {
		struct span line = {rest.s, 0};
		ends = rest.len == 0;
		if (!ends)
			line = take_line(&rest);
		ends = ends || starts(line, "--");
		if (ends || line.len == 0) {
			if (!is_empty(&g) && count < max) {
				is_open = finish(&g, text, count < TEXT_LOOKS,
					&recipients[count]);
				count++;
			}
			g = (struct group){.final.len = 0};
			last = NULL;
		} else if (is_blank(*line.s)) {
			/* A fold: up to its end. */
			if (last != NULL)
				last->len =
					(size_t)(line.s + line.len - last->s);
		} else {
			last = field_of(&g, line, &value);
			if (last != NULL && last->len == 0)
				*last = value;
			else
				last = NULL;
		}
	}
	/* Of several, whose would it be? */
	if (count == 1 && is_open && is_vague(recipients[0].status))
		look_for_reply(text, recipients[0].status);
	return count;
}
