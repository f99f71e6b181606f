/* Reading the envelope of a queue file. */
#include <string.h>
#include "common/queuefile_reader.h"

static int
get_flags(struct queuefile_reader *r, unsigned *flags_r)
{
	int got = queuefile_reader_next(r);

	*flags_r = 0;
	if (got <= 0)
		return got;
	if (!queuefile_reader_skip(r, "flags") ||
		!queuefile_reader_names(r, queuefile_flags, flags_r))
		return -1;
	if (*flags_r & QUEUEFILE_VERP)
		queuefile_reader_allow_more(r);
	return 1;
}

static int
get_notify(struct queuefile_reader *r, unsigned *notify)
{
	int got = queuefile_reader_next_of(r, "notify");

	if (got != 1)
		return got;
	return queuefile_reader_names(r, queuefile_notify, notify) &&
			       *notify != 0 && queuefile_is_notify(*notify)
		       ? 1
		       : -1;
}

static int
get_token(struct queuefile_reader *r, struct queuefile const *q,
	struct queuefile_recipient *to)
{
	int got = queuefile_reader_next_of(r, "token ");

	if (got != 1)
		return got;
	if (q->unsubscribe == NULL || !queuefile_is_token(r->line, r->line_len))
		return -1;
	to->token = r->line;
	to->token_len = r->line_len;
	return 1;
}

/* The rest of the line is a path in angle brackets. */
static bool
take_path(struct queuefile_reader *r, char const **s_r, size_t *len_r)
{
	if (r->line_len < 2 || r->line[0] != '<' ||
		r->line[r->line_len - 1] != '>')
		return false;
	*s_r = r->line + 1;
	*len_r = r->line_len - 2;
	return queuefile_is_clean(*s_r, *len_r, QUEUEFILE_ADDRESS_MAX);
}

static int
get_why(struct queuefile_reader *r, struct queuefile_recipient *to)
{
	int got = queuefile_reader_next(r);

	if (got <= 0)
		return got;
	if (!queuefile_reader_skip(r, "why ") ||
		r->line_len != QUEUEFILE_WHY_WIDTH ||
		!queuefile_is_clean(r->line, r->line_len, QUEUEFILE_WHY_WIDTH))
		return -1;
	to->why = r->line;
	to->why_offset = (size_t)(r->line - r->s);
	to->why_len = r->line_len;
	while (to->why_len > 0 && to->why[to->why_len - 1] == ' ')
		to->why_len--;
	return 1;
}

static char const states[] = {QUEUEFILE_TODO, QUEUEFILE_DONE,
	QUEUEFILE_DELIVERED, QUEUEFILE_RELAYED, QUEUEFILE_EXPANDED_TO,
	QUEUEFILE_FAILED, QUEUEFILE_TOLD};

/* 1 a recipient, 2 the empty line at the end, 0 read more, -1 malformed. */
static int
get_recipient(struct queuefile_reader *r, struct queuefile const *q,
	struct queuefile_recipient *to)
{
	int got = queuefile_reader_next(r);
	char state;

	if (got <= 0)
		return got;
	if (r->line_len == 0)
		return 2;
	*to = (struct queuefile_recipient){0};
	if (!queuefile_reader_skip(r, "to ") || r->line_len < 2 ||
		r->line[1] != ' ')
		return -1;
	state = r->line[0];
	if (memchr(states, state, sizeof states) == NULL)
		return -1;
	to->state = (enum queuefile_state)state;
	to->state_offset = (size_t)(r->line - r->s);
	r->line += 2;
	r->line_len -= 2;
	if (!take_path(r, &to->address, &to->address_len) ||
		to->address_len == 0)
		return -1;
	if ((got = get_notify(r, &to->notify)) <= 0 ||
		(got = queuefile_reader_word(r, "orcpt ", QUEUEFILE_ORCPT_MAX,
			 &to->orcpt, &to->orcpt_len)) <= 0 ||
		(got = get_token(r, q, to)) <= 0)
		return got;
	return q->flags & QUEUEFILE_OWN ? get_why(r, to) : 1;
}

static int
get_recipients(struct queuefile_reader *r,
	struct queuefile_recipient *recipients, size_t max, struct queuefile *q)
{
	q->recipients = recipients;
	for (;;) {
		struct queuefile_recipient to;
		int got = get_recipient(r, q, &to);
		if (got == 2)
			return 1;
		if (got != 1)
			return got;
		if (q->recipient_count == max)
			return -1;
		recipients[q->recipient_count++] = to;
	}
}

/* Whether [offset, offset+len) lies between the envelope and the end. */
static bool
lies_inside(struct queuefile const *q, uint64_t offset, uint64_t len)
{
	uint64_t end;

	return offset >= q->envelope_len &&
	       !__builtin_add_overflow(offset, len, &end) &&
	       end <= q->file_size;
}

static int
get_fields(struct queuefile_reader *r, struct queuefile *q)
{
	uint64_t attempts = 0;
	int got;

	if ((got = queuefile_reader_number(r, "size ", &q->file_size, NULL)) <=
			0 ||
		(got = queuefile_reader_span(r, "message ", &q->message_offset,
			 &q->message_len)) <= 0 ||
		(got = queuefile_reader_span(
			 r, "added ", &q->added_offset, &q->added_len)) <= 0 ||
		(got = queuefile_reader_number(
			 r, "arrived ", &q->arrived, NULL)) <= 0 ||
		(got = queuefile_reader_number(
			 r, "next ", &q->next, &q->next_offset)) <= 0 ||
		(got = queuefile_reader_number(
			 r, "expires ", &q->expires, NULL)) <= 0 ||
		(got = queuefile_reader_number(r, "attempts ", &attempts,
			 &q->attempts_offset)) <= 0 ||
		(got = get_flags(r, &q->flags)) <= 0 ||
		(got = queuefile_reader_options(r, q)) <= 0 ||
		(got = queuefile_reader_text(r, "origin ", QUEUEFILE_ORIGIN_MAX,
			 &q->origin, &q->origin_len)) <= 0)
		return got;
	if (attempts > UINT32_MAX)
		return -1;
	q->attempts = (uint32_t)attempts;
	if ((got = queuefile_reader_next(r)) <= 0)
		return got;
	return queuefile_reader_skip(r, "from ") &&
			       take_path(r, &q->sender, &q->sender_len)
		       ? 1
		       : -1;
}

int
queuefile_parse(char const *s, size_t len,
	struct queuefile_recipient *recipients, size_t max,
	struct queuefile *q_r)
{
	struct queuefile_reader r;
	struct queuefile q = {0};
	int got;

	queuefile_reader_start(&r, s, len);
	if ((got = queuefile_reader_next(&r)) <= 0)
		return got;
	if (r.line_len + 1 != strlen(QUEUEFILE_MAGIC) ||
		memcmp(r.line, QUEUEFILE_MAGIC, r.line_len) != 0)
		return -1;
	if ((got = queuefile_reader_next(&r)) <= 0)
		return got;
	if (!queuefile_reader_skip(&r, "id ") || !id_valid(r.line, r.line_len))
		return -1;
	memcpy(q.id, r.line, ID_LEN);
	if ((got = get_fields(&r, &q)) <= 0 ||
		(got = get_recipients(&r, recipients, max, &q)) <= 0)
		return got;
	q.envelope_len = r.at;
	if (!queuefile_is_verp_sound(&q) ||
		!lies_inside(&q, q.message_offset, q.message_len) ||
		!lies_inside(&q, q.added_offset, q.added_len))
		return -1;
	*q_r = q;
	return 1;
}
