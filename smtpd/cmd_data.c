/* DATA (RFC 5321 4.1.1.4): the message goes into the queue. */
#include "smtpd/cmd.h"

/* Read to the end of the message. False: the client is gone, or too slow. */
static bool
receive(struct smtp_session *s)
{
	struct stream *stream = &s->front->stream;
	struct smtp_intake *in = &s->intake;
	int const volatile *stop = stream->stop;
	int r = 1;

	/* A message that has begun is finished also when we are to stop. */
	stream->stop = NULL;
	while (in->data.state != SMTP_DATA_END) {
		char const *span;
		size_t span_len;

		if (stream_pending(stream) == 0) {
			smtp_session_limit(s, in->size);
			r = stream_fill(stream);
		}
		if (r <= 0)
			break;
		stream->in_start +=
			smtp_data_push(&in->data, stream->in + stream->in_start,
				stream_pending(stream), &span, &span_len);
		smtp_intake_take(s, span, span_len);
	}
	stream->stop = stop;
	if (r <= 0)
		smtp_session_broken(s, r);
	return r > 0;
}

void
smtp_cmd_data(struct smtp_session *s, char const *argument, size_t len)
{
	(void)argument;
	if (len > 0) {
		smtp_session_reply(s, SMTP_R_SYNTAX, "DATA");
		return;
	}
	if (s->mail.to_count == 0) {
		smtp_session_reply(s,
			s->mail.refused_count > 0 ? SMTP_R_NO_RECIPIENTS
						  : SMTP_R_NEED_RCPT,
			"");
		return;
	}
	/* RFC 3030 3: its lines would be taken apart. */
	if (s->mail.is_binary) {
		smtp_session_reply(s, SMTP_R_NEED_BDAT, "");
		return;
	}
	if (smtp_intake_begin(s, false)) {
		smtp_session_reply(s, SMTP_R_GO_AHEAD, "");
		if (receive(s))
			smtp_intake_finish(s);
	}
	smtp_session_reset(s);
}
