/* The header of a submitted message. */
#include <string.h>
#include <strings.h>
#include "smtpd/fields.h"

static struct {
	char const *name;
	unsigned bit; /* 0: hidden */
} const names[] = {
	{"date", SMTP_FIELDS_DATE},
	{"message-id", SMTP_FIELDS_ID},
	{"bcc", 0},
	{"resent-bcc", 0},
};

/* What was held is the name of a field: note it. */
static void
judge(struct smtp_fields *f)
{
	size_t len = f->held_len;

	/* Blanks in front of the colon are obsolete syntax (RFC 5322 4.5). */
	while (len > 0 && (f->held[len - 1] == ' ' || f->held[len - 1] == '\t'))
		len--;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (len != strlen(names[i].name) ||
			strncasecmp(f->held, names[i].name, len) != 0)
			continue;
		f->seen |= names[i].bit;
		f->is_hidden = names[i].bit == 0;
	}
}

static void
release(struct smtp_fields *f, smtp_put *put, void *data)
{
	if (f->held_len > 0 && !f->is_hidden)
		put(data, f->held, f->held_len);
	f->held_len = 0;
}

/* One octet at the start of a line, or of a name. False: it is not eaten. */
static bool
at_name(struct smtp_fields *f, char c, smtp_put *put, void *data)
{
	if (f->state == SMTP_FIELDS_START) {
		if (c == '\r') {
			f->state = SMTP_FIELDS_BODY;
			return false;
		}
		if (c == ' ' || c == '\t') {
			f->state = SMTP_FIELDS_LINE;
			return false;
		}
		f->is_hidden = false;
		f->state = SMTP_FIELDS_NAME;
	}
	if (c == ':')
		judge(f);
	if (c == ':' || c == '\n' || f->held_len == sizeof f->held) {
		f->state = SMTP_FIELDS_LINE;
		release(f, put, data);
		return false;
	}
	f->held[f->held_len++] = c;
	return true;
}

void
smtp_fields_push(struct smtp_fields *f, char const *s, size_t len,
	smtp_put *put, void *data)
{
	size_t i = 0;

	while (i < len) {
		char const *lf;
		size_t n;

		if (f->state == SMTP_FIELDS_BODY) {
			put(data, s + i, len - i);
			return;
		}
		if (f->state != SMTP_FIELDS_LINE) {
			if (at_name(f, s[i], put, data))
				i++;
			continue;
		}
		lf = memchr(s + i, '\n', len - i);
		n = lf != NULL ? (size_t)(lf - s) + 1 - i : len - i;
		if (!f->is_hidden)
			put(data, s + i, n);
		if (lf != NULL)
			f->state = SMTP_FIELDS_START;
		i += n;
	}
}

void
smtp_fields_end(struct smtp_fields *f, smtp_put *put, void *data)
{
	release(f, put, data);
}
