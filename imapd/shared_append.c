/* APPEND to a shared mailbox; see shared_append.h. */
#include <string.h>

#include "imapd/shared_append.h"

enum step {
	GO_ON,
	ANSWERED, /* and the client sends no more of the command */
	LOST	  /* no more can be read of the client's */
};

/* The line that was read last; in front of the first all that came before it,
 * under our tag. */
static void
send_line(struct relay *r, struct reader const *in, bool is_first)
{
	stralloc head = STRALLOC_ZERO;
	struct lex_text tag = {0};
	struct lex l;

	if (r == NULL || !r->is_open)
		return;
	lex_init(&l, in->s, in->len, NULL);
	if (is_first && in->line > 0 &&
		relay_line_command(&head, in->s, in->line))
		relay_write(r, head.s, head.len);
	else if (is_first && lex_tag(&l, &tag))
		relay_puts(r, RELAY_TAG);
	relay_write(
		r, in->s + in->line + tag.len, in->len - in->line - tag.len);
	relay_puts(r, "\r\n");
	stralloc_free(&head);
}

/* Does it want the literal that the client would wait with? */
static enum step
ask(struct session *s, struct relay *r)
{
	do
		if (!relay_read(s, r, true) ||
			(r->parsed.kind != RELAY_MORE &&
				r->parsed.kind != RELAY_DONE &&
				!relay_hear(s, r, NULL, NULL))) {
			relay_failed(s);
			return ANSWERED;
		}
	while (r->parsed.kind != RELAY_MORE && r->parsed.kind != RELAY_DONE);
	if (r->parsed.kind == RELAY_DONE) {
		relay_answer(s, r);
		return ANSWERED;
	}
	session_puts(s, "+ Go ahead\r\n");
	return GO_ON;
}

static enum step
move(struct session *s, struct relay *r, uint64_t size)
{
	struct stream *const in = s->stream;

	while (size > 0) {
		size_t n = stream_pending(in);

		if (n == 0) {
			if (stream_fill(in) <= 0)
				return LOST;
			continue;
		}
		if (n > size)
			n = (size_t)size;
		/* One that is gone does not stop the client's octets. */
		if (r != NULL && r->is_open)
			relay_write(r, in->in + in->in_start, n);
		in->in_start += n;
		size -= n;
	}
	return GO_ON;
}

/* The next line of the command takes the place of the one before. */
static enum step
next_line(struct session *s, struct relay *r, size_t keep)
{
	struct reader *const in = &s->reader;

	in->len = keep;
	in->literals = 0;
	if (reader_line(in) <= 0)
		return LOST;
	if (in->too_long && r != NULL)
		relay_close(s, r);
	return GO_ON;
}

static enum step
run(struct session *s, struct relay *r)
{
	struct reader *const in = &s->reader;
	size_t const keep = s->command.lex.pos;
	bool synchronizing = false;
	enum step step = GO_ON;
	uint64_t size;

	for (bool is_first = true; step == GO_ON; is_first = false) {
		bool const has_literal = lex_literal(in->s + in->line,
			in->len - in->line, &size, &synchronizing);

		send_line(r, in, is_first);
		if (!has_literal)
			break;
		if (size == UINT64_MAX)
			return LOST;
		if (synchronizing && (r == NULL || !r->is_open)) {
			relay_failed(s);
			return ANSWERED;
		}
		if (synchronizing)
			step = ask(s, r);
		if (step == GO_ON)
			step = move(s, r, size);
		if (step == GO_ON)
			step = next_line(s, r, keep);
	}
	return step;
}

void
shared_append(struct session *s, struct relay *r)
{
	switch (run(s, r)) {
	case ANSWERED:
		return;
	case LOST:
		session_reply(s, "BAD", "The command was not ended");
		s->ended = true;
		return;
	case GO_ON:
		break;
	}
	if (s->reader.too_long)
		session_reply(s, "BAD", "[TOOBIG] Command too long");
	else if (r != NULL && r->is_open && relay_finish(s, r, NULL, NULL))
		relay_answer(s, r);
	else
		relay_failed(s);
}
