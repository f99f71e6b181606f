/* The lines of an envelope that may be missing. */
#include "common/queuefile_reader.h"

/* 1 taken, 2 another line, 0 read more, -1 malformed. */

static int
get_marks(struct queuefile_reader *r, struct queuefile *q)
{
	int got = queuefile_reader_next_of(r, "marks ");

	if (got != 1)
		return got;
	if (!(q->flags & QUEUEFILE_OWN) || r->line_len != 2 ||
		(r->line[0] != 'h' && r->line[0] != '-') ||
		(r->line[1] != 'w' && r->line[1] != '-'))
		return -1;
	q->held = r->line[0] == 'h';
	q->warned = r->line[1] == 'w';
	q->marks_offset = (size_t)(r->line - r->s);
	return 1;
}

static int
get_dropper(struct queuefile_reader *r, struct queuefile *q)
{
	int got = queuefile_reader_next_of(r, "dropper ");
	uint64_t uid;

	if (got != 1)
		return got;
	if (!queuefile_reader_digits(r, &uid) || r->line_len != 0 ||
		uid > UINT32_MAX)
		return -1;
	q->has_dropper = true;
	q->dropper = (uint32_t)uid;
	return 1;
}

static int
get_priority(struct queuefile_reader *r, struct queuefile *q)
{
	int got = queuefile_reader_next_of(r, "priority ");
	bool negative;

	if (got != 1)
		return got;
	negative = queuefile_reader_skip(r, "-");
	if (r->line_len != 1 || *r->line < '1' || *r->line > '9')
		return -1;
	q->priority = negative ? '0' - *r->line : *r->line - '0';
	return 1;
}

static int
get_by(struct queuefile_reader *r, struct queuefile *q)
{
	int got = queuefile_reader_next_of(r, "by ");

	if (got != 1)
		return got;
	if (!queuefile_reader_digits(r, &q->deliver_by) || q->deliver_by == 0 ||
		!queuefile_reader_skip(r, " ") || r->line_len < 1 ||
		r->line_len > 2 || (*r->line != 'R' && *r->line != 'N') ||
		(r->line_len == 2 && r->line[1] != 'T'))
		return -1;
	q->by_mode = *r->line;
	q->by_trace = r->line_len == 2;
	return 1;
}

static int
get_ret(struct queuefile_reader *r, struct queuefile *q)
{
	int got = queuefile_reader_next_of(r, "ret ");

	if (got != 1)
		return got;
	if (r->line_len != 1 || (*r->line != 'F' && *r->line != 'H'))
		return -1;
	q->ret = *r->line;
	return 1;
}

static int
get_command(struct queuefile_reader *r, struct queuefile *q)
{
	int got = queuefile_reader_next_of(r, "command ");

	if (got != 1)
		return got;
	if (!queuefile_is_clean(r->line, r->line_len, QUEUEFILE_COMMAND_MAX))
		return -1;
	q->command = r->line;
	q->command_len = r->line_len;
	return 1;
}

static int
get_unsubscribe(struct queuefile_reader *r, struct queuefile *q)
{
	int got = queuefile_reader_next_of(r, "unsubscribe ");

	if (got != 1)
		return got;
	if (!queuefile_is_url(r->line, r->line_len))
		return -1;
	q->unsubscribe = r->line;
	q->unsubscribe_len = r->line_len;
	return 1;
}

int
queuefile_reader_options(struct queuefile_reader *r, struct queuefile *q)
{
	int got;

	if ((got = get_marks(r, q)) <= 0 || (got = get_dropper(r, q)) <= 0 ||
		(got = get_priority(r, q)) <= 0 || (got = get_by(r, q)) <= 0 ||
		(got = get_ret(r, q)) <= 0 ||
		(got = queuefile_reader_word(r, "envid ", QUEUEFILE_ENVID_MAX,
			 &q->envid, &q->envid_len)) <= 0 ||
		(got = get_unsubscribe(r, q)) <= 0)
		return got;
	return get_command(r, q);
}
