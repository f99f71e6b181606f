/* The octets behind DATA and BDAT. */
#include <string.h>
#include "smtpd/data.h"

static void
count(struct smtp_data *d, size_t len)
{
	d->column += len;
	if (d->column > d->longest)
		d->longest = d->column;
}

/*
 * Whole lines and the beginning of the last one, at the speed of memchr. Stops
 * in front of a dot that starts a line, where dots mean something. Nothing has
 * to be held back at the end of the input: a CR there is text if an LF follows,
 * and makes the message worthless if not.
 */
static size_t
text(struct smtp_data *d, char const *s, size_t len, bool has_dots)
{
	size_t i = 0;

	while (i < len) {
		char const *start = s + i, *lf, *cr;
		size_t left = len - i, line;

		if (has_dots && d->state == SMTP_DATA_START && *start == '.')
			break;
		lf = memchr(start, '\n', left);
		line = lf ? (size_t)(lf - start) : left;
		cr = memchr(start, '\r', line);
		count(d, line);
		/* A CR is good only right before the LF, or last of all. */
		if (cr != NULL && cr + 1 != start + line)
			d->flaws |= SMTP_DATA_BARE_CR;
		if (lf == NULL) {
			d->state = s[len - 1] == '\r' ? SMTP_DATA_CR
						      : SMTP_DATA_TEXT;
			return len;
		}
		if (line > 0 && lf[-1] == '\r') {
			d->state = SMTP_DATA_START;
		} else {
			d->state = SMTP_DATA_TEXT;
			d->flaws |= SMTP_DATA_BARE_LF;
		}
		d->column = 0;
		i += line + 1;
	}
	return i;
}

/* The octet behind a CR that was text. */
static size_t
behind_cr(struct smtp_data *d, char c)
{
	if (c == '\n') {
		d->state = SMTP_DATA_START;
		d->column = 0;
		return 1;
	}
	d->flaws |= SMTP_DATA_BARE_CR;
	d->state = SMTP_DATA_TEXT;
	return 0;
}

size_t
smtp_data_push(struct smtp_data *d, char const *s, size_t len,
	char const **span_r, size_t *span_len_r)
{
	size_t i = 0;

	*span_r = s;
	*span_len_r = 0;
	if (len == 0)
		return 0;
	switch (d->state) {
	case SMTP_DATA_END:
		return 0;
	case SMTP_DATA_DOT:
		d->state = s[0] == '\r' ? SMTP_DATA_DOT_CR : SMTP_DATA_TEXT;
		if (s[0] == '\r')
			return 1;
		break;
	case SMTP_DATA_DOT_CR:
		if (s[0] == '\n') {
			d->state = SMTP_DATA_END;
			return 1;
		}
		i = behind_cr(d, s[0]);
		break;
	case SMTP_DATA_CR:
		i = behind_cr(d, s[0]);
		break;
	case SMTP_DATA_START:
		if (s[0] == '.') {
			d->state = SMTP_DATA_DOT;
			return 1;
		}
		break;
	case SMTP_DATA_TEXT:
		break;
	}
	i += text(d, s + i, len - i, true);
	if (memchr(s, '\0', i) != NULL)
		d->flaws |= SMTP_DATA_NUL;
	*span_len_r = i;
	return i;
}

void
smtp_data_chunk(struct smtp_data *d, char const *s, size_t len)
{
	size_t i = 0;

	if (len == 0)
		return;
	if (d->state == SMTP_DATA_CR)
		i = behind_cr(d, s[0]);
	(void)text(d, s + i, len - i, false);
	if (memchr(s, '\0', len) != NULL)
		d->flaws |= SMTP_DATA_NUL;
}
