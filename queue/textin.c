/* Text of local programs as a message's lines. */
#include "queue/textin.h"

void
textin_init(struct textin *t, bool dot_ends)
{
	*t = (struct textin){.state = TEXTIN_START,
		.dot_ends = dot_ends,
		.is_empty_line = true};
}

static size_t
end_line(struct textin *t, char *out)
{
	out[0] = '\r';
	out[1] = '\n';
	if (t->is_empty_line)
		t->in_body = true;
	t->is_empty_line = true;
	t->state = TEXTIN_START;
	return 2;
}

static size_t
put(struct textin *t, char c, char *out)
{
	out[0] = c;
	t->is_empty_line = false;
	t->state = TEXTIN_TEXT;
	if ((unsigned char)c >= 0x80)
		t->is_8bit = true;
	return 1;
}

/* A CR without an LF. */
static size_t
bare_cr(struct textin *t, char *out)
{
	return t->in_body ? end_line(t, out) : put(t, ' ', out);
}

/* What was held back, now that c (or the end) follows it. */
static size_t
release(struct textin *t, char c, char *out)
{
	size_t n = 0;

	switch (t->state) {
	case TEXTIN_START:
	case TEXTIN_TEXT:
	case TEXTIN_END:
		break;
	case TEXTIN_CR:
		if (c != '\n')
			n = bare_cr(t, out);
		break;
	case TEXTIN_DOT:
		if (c != '\r')
			n = put(t, '.', out);
		break;
	case TEXTIN_DOT_CR:
		n = put(t, '.', out);
		n += bare_cr(t, out + n);
		break;
	}
	return n;
}

static size_t
take(struct textin *t, char c, char *out)
{
	size_t n;

	if (c == '\n' &&
		(t->state == TEXTIN_DOT || t->state == TEXTIN_DOT_CR)) {
		t->state = TEXTIN_END;
		return 0;
	}
	if (c == '\r' && t->state == TEXTIN_DOT) {
		t->state = TEXTIN_DOT_CR;
		return 0;
	}
	n = release(t, c, out);
	if (c == '\n') {
		n += end_line(t, out + n);
	} else if (c == '\r') {
		t->state = TEXTIN_CR;
	} else if (c == '.' && t->dot_ends && t->state == TEXTIN_START) {
		t->state = TEXTIN_DOT;
	} else {
		n += put(t, c, out + n);
	}
	return n;
}

size_t
textin_push(struct textin *t, char const *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len && t->state != TEXTIN_END; i++)
		if (s[i] != '\0')
			n += take(t, s[i], out + n);
	return n;
}

size_t
textin_finish(struct textin *t, char *out)
{
	size_t n = 0;

	/* A lone dot without a line end has ended the message all the same. */
	if (t->state == TEXTIN_DOT || t->state == TEXTIN_DOT_CR ||
		t->state == TEXTIN_END) {
		t->state = TEXTIN_END;
		return 0;
	}
	if (t->state == TEXTIN_CR)
		return end_line(t, out);
	n += release(t, '\0', out);
	if (t->state == TEXTIN_TEXT)
		n += end_line(t, out + n);
	return n;
}
