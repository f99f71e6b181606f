/* What ManageSieve's two programs read and say alike; see talk.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "local/managesieve/command.h"
#include "local/managesieve/talk.h"
#include "local/sieve/grammar.h"
#include "local/sieve/run.h"

#define QUOTED_MAX 1024
/* Of the part of a command that is no literal. */
#define LINE_MAX_OCTETS (STREAM_IN - 2)

struct collector {
	char *buffer;
	size_t max, len;
	bool is_too_long;
};

static void
add(struct collector *c, char const *s, size_t len)
{
	if (len > c->max - c->len) {
		c->is_too_long = true;
		return;
	}
	memcpy(c->buffer + c->len, s, len);
	c->len += len;
}

/* As stream_line. */
static int
literal(struct stream *s, size_t size, struct collector *c)
{
	while (size > 0) {
		size_t n = stream_pending(s);

		if (n == 0) {
			int const r = stream_fill(s);

			if (r <= 0)
				return r;
			continue;
		}
		if (n > size)
			n = size;
		if (!c->is_too_long)
			add(c, s->in + s->in_start, n);
		s->in_start += n;
		size -= n;
	}
	return 1;
}

int
talk_read(struct stream *s, char *buffer, size_t max, size_t *len_r)
{
	struct collector c = {.buffer = buffer, .max = max};
	uint64_t skipped = 0;

	for (;;) {
		size_t const room = max - c.len;
		char const *line;
		uint32_t size;
		size_t len;
		int r = stream_line(s,
			c.is_too_long || room > LINE_MAX_OCTETS
				? LINE_MAX_OCTETS
				: room,
			&line, &len, NULL);

		if (r <= 0)
			return r;
		if (!c.is_too_long)
			add(&c, line, len);
		if (!managesieve_literal(line, len, &size))
			break;
		if (!c.is_too_long)
			add(&c, "\r\n", 2);
		/* The rest of the line, and other literals, come behind it. */
		if (c.is_too_long || size > max - c.len) {
			c.is_too_long = true;
			skipped += size + len;
			errno = E2BIG;
			if (skipped > MANAGESIEVE_SKIP_MAX)
				return -1;
		}
		r = literal(s, size, &c);
		if (r <= 0)
			return r;
	}
	*len_r = c.len;
	errno = EMSGSIZE;
	return c.is_too_long ? -1 : 1;
}

void
talk_string(struct stream *s, char const *text, size_t len)
{
	char size[32];

	for (size_t i = 0; i < len; i++)
		if (len > QUOTED_MAX / 2 || text[i] == '\0' ||
			text[i] == '\r' || text[i] == '\n') {
			snprintf(size, sizeof size, "{%zu}\r\n", len);
			stream_puts(s, size);
			stream_write(s, text, len);
			return;
		}
	stream_puts(s, "\"");
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			stream_puts(s, "\\");
		stream_write(s, text + i, 1);
	}
	stream_puts(s, "\"");
}

void
talk_answer(struct stream *s, char const *status, char const *code,
	char const *text)
{
	stream_puts(s, status);
	if (code != NULL) {
		stream_puts(s, " (");
		stream_puts(s, code);
		stream_puts(s, ")");
	}
	if (text != NULL) {
		stream_puts(s, " ");
		talk_string(s, text, strlen(text));
	}
	stream_puts(s, "\r\n");
}

void
talk_pair(struct stream *s, char const *name, char const *value)
{
	talk_string(s, name, strlen(name));
	if (value != NULL) {
		stream_puts(s, " ");
		talk_string(s, value, strlen(value));
	}
	stream_puts(s, "\r\n");
}

void
talk_capabilities(struct stream *s)
{
	char number[16];

	talk_pair(s, "IMPLEMENTATION", "Kereru");
	talk_pair(s, "VERSION", "1.0");
	talk_pair(s, "SIEVE", sieve_grammar_all);
	snprintf(number, sizeof number, "%d", SIEVE_REDIRECTS_MAX);
	talk_pair(s, "MAXREDIRECTS", number);
}

void
talk_noop(struct stream *s, char const *tag, size_t len)
{
	stream_puts(s, "OK");
	if (tag != NULL) {
		stream_puts(s, " (TAG ");
		talk_string(s, tag, len);
		stream_puts(s, ")");
	}
	stream_puts(s, " \"Done\"\r\n");
}
