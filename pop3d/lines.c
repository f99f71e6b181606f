/* A stored message as POP3 sends it. */
#include <string.h>
#include "pop3d/lines.h"

void
pop3_lines_start(struct pop3_lines *l,
	void (*put)(void *data, char const *s, size_t len), void *data,
	bool stuff)
{
	*l = (struct pop3_lines){.put = put, .data = data, .stuff = stuff};
}

/* Part of a line, without its LF. */
static void
put_part(struct pop3_lines *l, char const *s, size_t len)
{
	if (len == 0)
		return;
	if (l->line_octets == 0 && l->stuff && *s == '.')
		l->put(l->data, ".", 1);
	l->put(l->data, s, len);
	l->line_octets = l->line_octets + len > 1 ? 2 : 1;
	l->last_cr = s[len - 1] == '\r';
}

static void
end_line(struct pop3_lines *l)
{
	bool was_empty =
		l->line_octets == 0 || (l->line_octets == 1 && l->last_cr);

	if (l->last_cr)
		l->put(l->data, "\n", 1);
	else
		l->put(l->data, "\r\n", 2);
	l->line_octets = 0;
	l->last_cr = false;
	if (l->is_body && l->body_left > 0)
		l->body_left--;
	else if (was_empty)
		l->is_body = true;
	if (l->limited && l->is_body && l->body_left == 0)
		l->done = true;
}

bool
pop3_lines_push(struct pop3_lines *l, char const *s, size_t len)
{
	while (len > 0 && !l->done) {
		char const *lf = memchr(s, '\n', len);
		size_t n = lf == NULL ? len : (size_t)(lf - s);

		put_part(l, s, n);
		if (lf == NULL)
			break;
		end_line(l);
		s += n + 1;
		len -= n + 1;
	}
	return !l->done;
}

void
pop3_lines_end(struct pop3_lines *l)
{
	if (l->line_octets > 0 && !l->done)
		end_line(l);
}
