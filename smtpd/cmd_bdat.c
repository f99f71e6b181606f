/* BDAT (RFC 3030 2): a message in chunks of known size. */
#include <string.h>
#include <skalibs/types.h>
#include "smtpd/cmd.h"

/* `86 LAST` */
static bool
parse(char const *s, size_t len, uint64_t *size_r, bool *is_last_r)
{
	size_t digits = 0, i;

	while (digits < len && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	i = digits;
	while (i < len && (s[i] == ' ' || s[i] == '\t'))
		i++;
	*is_last_r = i < len;
	return smtp_number(s, digits, size_r) &&
	       (i == len || (i > digits && len - i == 4 &&
				    smtp_word(s + i, 4, "LAST")));
}

/* Eat the chunk, for the message or for nothing. False: the client is gone. */
static bool
receive(struct smtp_session *s, uint64_t left, bool is_wanted)
{
	struct stream *stream = &s->front->stream;
	int const volatile *stop = stream->stop;
	int r = 1;

	/* What has begun is finished also when we are to stop. */
	if (is_wanted)
		stream->stop = NULL;
	while (left > 0) {
		char const *span;
		size_t n = stream_pending(stream);

		if (n == 0) {
			smtp_session_limit(s, is_wanted ? s->intake.size : 0);
			r = stream_fill(stream);
			if (r <= 0)
				break;
			continue;
		}
		if (n > left)
			n = (size_t)left;
		span = stream->in + stream->in_start;
		stream->in_start += n;
		left -= n;
		if (!is_wanted)
			continue;
		smtp_data_chunk(&s->intake.data, span, n);
		smtp_intake_take(s, span, n);
	}
	stream->stop = stop;
	if (r <= 0)
		smtp_session_broken(s, r);
	return r > 0;
}

/* Whether there is a transaction whose message the chunk may be part of. */
static bool
has_place(struct smtp_session const *s)
{
	return s->is_extended && s->mail.to_count > 0 &&
	       (s->state == SMTP_AT_RCPT || s->state == SMTP_AT_BDAT);
}

/* The message is lost, and with it the transaction: what a client that does not
 * wait sends behind has no place (RFC 3030 2: 5xx for those too). */
static void
give_up(struct smtp_session *s, enum smtp_reply verdict)
{
	smtp_intake_refuse(s, verdict);
	smtp_session_reset(s);
}

void
smtp_cmd_bdat(struct smtp_session *s, char const *argument, size_t len)
{
	uint64_t size;
	bool is_last, is_wanted;
	char text[UINT64_FMT];
	enum smtp_reply verdict;

	/* What follows may be a message: it must not be read as commands. */
	if (!parse(argument, len, &size, &is_last)) {
		smtp_session_reply(s, SMTP_R_SYNTAX, "BDAT size [LAST]");
		smtp_session_end(s, SMTP_R_LOST_CHUNK, "lost-chunk");
		return;
	}
	is_wanted = has_place(s);
	if (is_wanted && s->state == SMTP_AT_RCPT &&
		!smtp_intake_begin(s, true)) {
		(void)receive(s, size, false);
		smtp_session_reset(s);
		return;
	}
	if (!receive(s, size, is_wanted))
		return;
	if (!is_wanted) {
		smtp_session_reply(s,
			s->mail.refused_count > 0 ? SMTP_R_NO_RECIPIENTS
						  : SMTP_R_NO_CHUNKS,
			"");
		return;
	}
	s->state = SMTP_AT_BDAT;
	verdict = smtp_intake_judge(s);
	if (is_last) {
		smtp_intake_finish(s);
		smtp_session_reset(s);
	} else if (verdict != SMTP_R_QUEUED) {
		give_up(s, verdict);
	} else {
		text[uint64_fmt(text, size)] = '\0';
		smtp_session_reply(s, SMTP_R_CHUNK, text);
	}
}
