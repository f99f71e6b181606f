/* The form of a queue file. */
#include <string.h>
#include "common/queuefile.h"

#define MAGIC "kereru-queue 1\n"

static struct {
	unsigned flag;
	char const *name;
} const flag_names[] = {
	{QUEUEFILE_8BIT, "8bit"},
	{QUEUEFILE_UTF8, "utf8"},
	{QUEUEFILE_EXPANDED, "expanded"},
	{QUEUEFILE_OWN, "own"},
	{QUEUEFILE_BINARY, "binary"},
	{QUEUEFILE_REQUIRETLS, "requiretls"},
	{QUEUEFILE_JUNK, "junk"},
	{QUEUEFILE_COMMAND, "command"},
	{QUEUEFILE_DOUBLE, "double"},
	{QUEUEFILE_FORWARDED, "forwarded"},
};
#define FLAG_COUNT (sizeof flag_names / sizeof *flag_names)

static struct {
	unsigned notify;
	char const *name;
} const notify_names[] = {
	{QUEUEFILE_NOTIFY_NEVER, "never"},
	{QUEUEFILE_NOTIFY_SUCCESS, "success"},
	{QUEUEFILE_NOTIFY_FAILURE, "failure"},
	{QUEUEFILE_NOTIFY_DELAY, "delay"},
};
#define NOTIFY_COUNT (sizeof notify_names / sizeof *notify_names)

static char const states[] = {QUEUEFILE_TODO, QUEUEFILE_DONE,
	QUEUEFILE_DELIVERED, QUEUEFILE_RELAYED, QUEUEFILE_EXPANDED_TO,
	QUEUEFILE_FAILED, QUEUEFILE_TOLD};

void
queuefile_digits(char out[QUEUEFILE_DIGITS], uint64_t n)
{
	for (size_t i = QUEUEFILE_DIGITS; i-- > 0; n /= 10)
		out[i] = (char)('0' + n % 10);
}

void
queuefile_why(char out[QUEUEFILE_WHY_WIDTH], char const *s, size_t len)
{
	if (len > QUEUEFILE_WHY_WIDTH)
		len = QUEUEFILE_WHY_WIDTH;
	for (size_t i = 0; i < len; i++)
		out[i] = s[i] >= ' ' && s[i] < 127 ? s[i] : '?';
	memset(out + len, ' ', QUEUEFILE_WHY_WIDTH - len);
}

static bool
is_clean(char const *s, size_t len, size_t max)
{
	if (len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return false;
	return true;
}

static bool
put_number(stralloc *sa, char const *key, uint64_t n)
{
	char digits[QUEUEFILE_DIGITS];

	queuefile_digits(digits, n);
	return stralloc_cats(sa, key) && stralloc_append(sa, ' ') &&
	       stralloc_catb(sa, digits, sizeof digits) &&
	       stralloc_append(sa, '\n');
}

static bool
put_span(stralloc *sa, char const *key, uint64_t offset, uint64_t len)
{
	char digits[QUEUEFILE_DIGITS];

	queuefile_digits(digits, offset);
	return stralloc_cats(sa, key) && stralloc_append(sa, ' ') &&
	       stralloc_catb(sa, digits, sizeof digits) &&
	       put_number(sa, "", len);
}

static bool
put_flags(stralloc *sa, unsigned flags)
{
	if (!stralloc_cats(sa, "flags"))
		return false;
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if ((flags & flag_names[i].flag) &&
			(!stralloc_append(sa, ' ') ||
				!stralloc_cats(sa, flag_names[i].name)))
			return false;
	return stralloc_append(sa, '\n');
}

/* One word without blanks, as ENVID and ORCPT are; never empty. */
static bool
is_word(char const *s, size_t len, size_t max)
{
	return len > 0 && is_clean(s, len, max) && memchr(s, ' ', len) == NULL;
}

static bool
put_text(stralloc *sa, char const *key, char const *s, size_t len)
{
	return stralloc_cats(sa, key) && stralloc_append(sa, ' ') &&
	       stralloc_catb(sa, s, len) && stralloc_append(sa, '\n');
}

static bool
put_priority(stralloc *sa, int priority)
{
	char text[] = "-0";

	if (priority < -9 || priority > 9)
		return false;
	text[1] = (char)('0' + (priority < 0 ? -priority : priority));
	return priority < 0 ? put_text(sa, "priority", text, 2)
			    : put_text(sa, "priority", text + 1, 1);
}

static bool
put_by(stralloc *sa, struct queuefile const *q)
{
	char text[QUEUEFILE_DIGITS + 3];
	size_t len = QUEUEFILE_DIGITS;

	if (q->by_mode != 'R' && q->by_mode != 'N')
		return false;
	queuefile_digits(text, q->deliver_by);
	text[len++] = ' ';
	text[len++] = q->by_mode;
	if (q->by_trace)
		text[len++] = 'T';
	return put_text(sa, "by", text, len);
}

/* What most messages do not have. */
static bool
put_options(stralloc *sa, struct queuefile const *q)
{
	char marks[] = {q->held ? 'h' : '-', q->warned ? 'w' : '-'};

	if ((q->flags & QUEUEFILE_OWN) &&
		!put_text(sa, "marks", marks, sizeof marks))
		return false;
	if (q->has_dropper && !put_number(sa, "dropper", q->dropper))
		return false;
	if (q->priority != 0 && !put_priority(sa, q->priority))
		return false;
	if (q->deliver_by != 0 && !put_by(sa, q))
		return false;
	if (q->ret != '\0' && ((q->ret != 'F' && q->ret != 'H') ||
				      !put_text(sa, "ret", &q->ret, 1)))
		return false;
	if (q->envid != NULL &&
		(!is_word(q->envid, q->envid_len, QUEUEFILE_ENVID_MAX) ||
			!put_text(sa, "envid", q->envid, q->envid_len)))
		return false;
	return q->command == NULL ||
	       (is_clean(q->command, q->command_len, QUEUEFILE_COMMAND_MAX) &&
		       put_text(sa, "command", q->command, q->command_len));
}

/* NEVER stands alone (RFC 3461 4.1). */
static bool
is_notify(unsigned notify)
{
	return notify < 16 && (!(notify & QUEUEFILE_NOTIFY_NEVER) ||
				      notify == QUEUEFILE_NOTIFY_NEVER);
}

static bool
put_notify(stralloc *sa, unsigned notify)
{
	if (!is_notify(notify) || !stralloc_cats(sa, "notify"))
		return false;
	for (size_t i = 0; i < NOTIFY_COUNT; i++)
		if ((notify & notify_names[i].notify) &&
			(!stralloc_append(sa, ' ') ||
				!stralloc_cats(sa, notify_names[i].name)))
			return false;
	return stralloc_append(sa, '\n');
}

static bool
put_wishes(stralloc *sa, struct queuefile_recipient const *r)
{
	if (r->notify != 0 && !put_notify(sa, r->notify))
		return false;
	return r->orcpt == NULL ||
	       (is_word(r->orcpt, r->orcpt_len, QUEUEFILE_ORCPT_MAX) &&
		       put_text(sa, "orcpt", r->orcpt, r->orcpt_len));
}

static bool
put_recipient(stralloc *sa, struct queuefile_recipient const *r, unsigned flags)
{
	char why[QUEUEFILE_WHY_WIDTH];

	if (r->address_len == 0 ||
		!is_clean(r->address, r->address_len, QUEUEFILE_ADDRESS_MAX))
		return false;
	if (!stralloc_cats(sa, "to ") || !stralloc_append(sa, (char)r->state) ||
		!stralloc_cats(sa, " <") ||
		!stralloc_catb(sa, r->address, r->address_len) ||
		!stralloc_cats(sa, ">\n") || !put_wishes(sa, r))
		return false;
	if (!(flags & QUEUEFILE_OWN))
		return true;
	queuefile_why(why, r->why, r->why_len);
	return stralloc_cats(sa, "why ") &&
	       stralloc_catb(sa, why, sizeof why) && stralloc_append(sa, '\n');
}

bool
queuefile_format(stralloc *sa, struct queuefile const *q)
{
	if (!is_clean(q->origin, q->origin_len, QUEUEFILE_ORIGIN_MAX) ||
		!is_clean(q->sender, q->sender_len, QUEUEFILE_ADDRESS_MAX) ||
		q->recipient_count > QUEUEFILE_RECIPIENTS_MAX)
		return false;
	if (!stralloc_cats(sa, MAGIC "id ") ||
		!stralloc_catb(sa, q->id, ID_LEN) ||
		!stralloc_append(sa, '\n') ||
		!put_number(sa, "size", q->file_size) ||
		!put_span(sa, "message", q->message_offset, q->message_len) ||
		!put_span(sa, "added", q->added_offset, q->added_len) ||
		!put_number(sa, "arrived", q->arrived) ||
		!put_number(sa, "next", q->next) ||
		!put_number(sa, "expires", q->expires) ||
		!put_number(sa, "attempts", q->attempts) ||
		!put_flags(sa, q->flags) || !put_options(sa, q) ||
		!put_text(sa, "origin", q->origin, q->origin_len) ||
		!stralloc_cats(sa, "from <") ||
		!stralloc_catb(sa, q->sender, q->sender_len) ||
		!stralloc_cats(sa, ">\n"))
		return false;
	for (size_t i = 0; i < q->recipient_count; i++)
		if (!put_recipient(sa, &q->recipients[i], q->flags))
			return false;
	return stralloc_append(sa, '\n');
}

/* A line of the envelope under the reader's eye. */
struct reader {
	char const *s;
	size_t len, at;
	char const *line;
	size_t line_len;
};

/* 1 got a line, 0 it does not end here, -1 it never will. */
static int
next_line(struct reader *r)
{
	char const *end = memchr(r->s + r->at, '\n', r->len - r->at);

	if (end == NULL)
		return r->len < QUEUEFILE_ENVELOPE_MAX ? 0 : -1;
	r->line = r->s + r->at;
	r->line_len = (size_t)(end - r->line);
	r->at += r->line_len + 1;
	return 1;
}

/* As next_line, but 2 and nothing taken if the line is of another key. */
static int
next_line_of(struct reader *r, char const *key)
{
	size_t before = r->at, n = strlen(key);
	int got = next_line(r);

	if (got != 1)
		return got;
	if (r->line_len >= n && memcmp(r->line, key, n) == 0) {
		r->line += n;
		r->line_len -= n;
		return 1;
	}
	r->at = before;
	return 2;
}

/* Takes `key ` off the line's front. */
static bool
skip_key(struct reader *r, char const *key)
{
	size_t n = strlen(key);

	if (r->line_len < n || memcmp(r->line, key, n) != 0)
		return false;
	r->line += n;
	r->line_len -= n;
	return true;
}

static bool
take_digits(struct reader *r, uint64_t *n_r)
{
	uint64_t n = 0;

	if (r->line_len < QUEUEFILE_DIGITS)
		return false;
	for (size_t i = 0; i < QUEUEFILE_DIGITS; i++) {
		unsigned digit = (unsigned)(unsigned char)r->line[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, digit, &n))
			return false;
	}
	r->line += QUEUEFILE_DIGITS;
	r->line_len -= QUEUEFILE_DIGITS;
	*n_r = n;
	return true;
}

static int
get_number(struct reader *r, char const *key, uint64_t *n_r, size_t *offset_r)
{
	int got = next_line(r);

	if (got <= 0)
		return got;
	if (!skip_key(r, key))
		return -1;
	if (offset_r != NULL)
		*offset_r = (size_t)(r->line - r->s);
	return take_digits(r, n_r) && r->line_len == 0 ? 1 : -1;
}

static int
get_span(struct reader *r, char const *key, uint64_t *offset_r, uint64_t *len_r)
{
	int got = next_line(r);

	if (got <= 0)
		return got;
	return skip_key(r, key) && take_digits(r, offset_r) &&
			       skip_key(r, " ") && take_digits(r, len_r) &&
			       r->line_len == 0
		       ? 1
		       : -1;
}

static bool
take_flag(struct reader *r, unsigned *flags)
{
	for (size_t i = 0; i < FLAG_COUNT; i++) {
		size_t n = strlen(flag_names[i].name);
		bool whole = r->line_len == n ||
			     (r->line_len > n && r->line[n] == ' ');
		if (whole && skip_key(r, flag_names[i].name)) {
			*flags |= flag_names[i].flag;
			return true;
		}
	}
	return false;
}

static int
get_flags(struct reader *r, unsigned *flags_r)
{
	int got = next_line(r);

	*flags_r = 0;
	if (got <= 0)
		return got;
	if (!skip_key(r, "flags"))
		return -1;
	while (r->line_len > 0)
		if (!skip_key(r, " ") || !take_flag(r, flags_r))
			return -1;
	return 1;
}

/* The lines that may be missing: 1 taken, 2 another line, 0 read more, -1. */

static int
get_marks(struct reader *r, struct queuefile *q)
{
	int got = next_line_of(r, "marks ");

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
get_dropper(struct reader *r, struct queuefile *q)
{
	int got = next_line_of(r, "dropper ");
	uint64_t uid;

	if (got != 1)
		return got;
	if (!take_digits(r, &uid) || r->line_len != 0 || uid > UINT32_MAX)
		return -1;
	q->has_dropper = true;
	q->dropper = (uint32_t)uid;
	return 1;
}

static int
get_priority(struct reader *r, struct queuefile *q)
{
	int got = next_line_of(r, "priority ");
	bool negative;

	if (got != 1)
		return got;
	negative = skip_key(r, "-");
	if (r->line_len != 1 || *r->line < '1' || *r->line > '9')
		return -1;
	q->priority = negative ? '0' - *r->line : *r->line - '0';
	return 1;
}

static int
get_by(struct reader *r, struct queuefile *q)
{
	int got = next_line_of(r, "by ");

	if (got != 1)
		return got;
	if (!take_digits(r, &q->deliver_by) || q->deliver_by == 0 ||
		!skip_key(r, " ") || r->line_len < 1 || r->line_len > 2 ||
		(*r->line != 'R' && *r->line != 'N') ||
		(r->line_len == 2 && r->line[1] != 'T'))
		return -1;
	q->by_mode = *r->line;
	q->by_trace = r->line_len == 2;
	return 1;
}

static int
get_ret(struct reader *r, struct queuefile *q)
{
	int got = next_line_of(r, "ret ");

	if (got != 1)
		return got;
	if (r->line_len != 1 || (*r->line != 'F' && *r->line != 'H'))
		return -1;
	q->ret = *r->line;
	return 1;
}

static int
get_word(struct reader *r, char const *key, size_t max, char const **s_r,
	size_t *len_r)
{
	int got = next_line_of(r, key);

	if (got != 1)
		return got;
	if (!is_word(r->line, r->line_len, max))
		return -1;
	*s_r = r->line;
	*len_r = r->line_len;
	return 1;
}

static int
get_command(struct reader *r, struct queuefile *q)
{
	int got = next_line_of(r, "command ");

	if (got != 1)
		return got;
	if (!is_clean(r->line, r->line_len, QUEUEFILE_COMMAND_MAX))
		return -1;
	q->command = r->line;
	q->command_len = r->line_len;
	return 1;
}

static int
get_options(struct reader *r, struct queuefile *q)
{
	int got;

	if ((got = get_marks(r, q)) <= 0 || (got = get_dropper(r, q)) <= 0 ||
		(got = get_priority(r, q)) <= 0 || (got = get_by(r, q)) <= 0 ||
		(got = get_ret(r, q)) <= 0 ||
		(got = get_word(r, "envid ", QUEUEFILE_ENVID_MAX, &q->envid,
			 &q->envid_len)) <= 0)
		return got;
	return get_command(r, q);
}

static bool
take_notify(struct reader *r, unsigned *notify)
{
	for (size_t i = 0; i < NOTIFY_COUNT; i++) {
		size_t n = strlen(notify_names[i].name);
		bool whole = r->line_len == n ||
			     (r->line_len > n && r->line[n] == ' ');
		if (whole && skip_key(r, notify_names[i].name)) {
			*notify |= notify_names[i].notify;
			return true;
		}
	}
	return false;
}

static int
get_notify(struct reader *r, unsigned *notify)
{
	int got = next_line_of(r, "notify");

	if (got != 1)
		return got;
	while (r->line_len > 0)
		if (!skip_key(r, " ") || !take_notify(r, notify))
			return -1;
	return *notify != 0 && is_notify(*notify) ? 1 : -1;
}

static int
get_text(struct reader *r, char const *key, size_t max, char const **s_r,
	size_t *len_r)
{
	int got = next_line(r);

	if (got <= 0)
		return got;
	if (!skip_key(r, key) || !is_clean(r->line, r->line_len, max))
		return -1;
	*s_r = r->line;
	*len_r = r->line_len;
	return 1;
}

/* The rest of the line is a path in angle brackets. */
static bool
take_path(struct reader *r, char const **s_r, size_t *len_r)
{
	if (r->line_len < 2 || r->line[0] != '<' ||
		r->line[r->line_len - 1] != '>')
		return false;
	*s_r = r->line + 1;
	*len_r = r->line_len - 2;
	return is_clean(*s_r, *len_r, QUEUEFILE_ADDRESS_MAX);
}

static int
get_why(struct reader *r, struct queuefile_recipient *to)
{
	int got = next_line(r);

	if (got <= 0)
		return got;
	if (!skip_key(r, "why ") || r->line_len != QUEUEFILE_WHY_WIDTH ||
		!is_clean(r->line, r->line_len, QUEUEFILE_WHY_WIDTH))
		return -1;
	to->why = r->line;
	to->why_offset = (size_t)(r->line - r->s);
	to->why_len = r->line_len;
	while (to->why_len > 0 && to->why[to->why_len - 1] == ' ')
		to->why_len--;
	return 1;
}

/* 1 a recipient, 2 the empty line at the end, 0 read more, -1 malformed. */
static int
get_recipient(struct reader *r, unsigned flags, struct queuefile_recipient *to)
{
	int got = next_line(r);
	char state;

	if (got <= 0)
		return got;
	if (r->line_len == 0)
		return 2;
	*to = (struct queuefile_recipient){0};
	if (!skip_key(r, "to ") || r->line_len < 2 || r->line[1] != ' ')
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
		(got = get_word(r, "orcpt ", QUEUEFILE_ORCPT_MAX, &to->orcpt,
			 &to->orcpt_len)) <= 0)
		return got;
	return flags & QUEUEFILE_OWN ? get_why(r, to) : 1;
}

static int
get_recipients(struct reader *r, struct queuefile_recipient *recipients,
	size_t max, struct queuefile *q)
{
	q->recipients = recipients;
	for (;;) {
		struct queuefile_recipient to;
		int got = get_recipient(r, q->flags, &to);
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
get_fields(struct reader *r, struct queuefile *q)
{
	uint64_t attempts = 0;
	int got;

	if ((got = get_number(r, "size ", &q->file_size, NULL)) <= 0 ||
		(got = get_span(r, "message ", &q->message_offset,
			 &q->message_len)) <= 0 ||
		(got = get_span(
			 r, "added ", &q->added_offset, &q->added_len)) <= 0 ||
		(got = get_number(r, "arrived ", &q->arrived, NULL)) <= 0 ||
		(got = get_number(r, "next ", &q->next, &q->next_offset)) <=
			0 ||
		(got = get_number(r, "expires ", &q->expires, NULL)) <= 0 ||
		(got = get_number(r, "attempts ", &attempts,
			 &q->attempts_offset)) <= 0 ||
		(got = get_flags(r, &q->flags)) <= 0 ||
		(got = get_options(r, q)) <= 0 ||
		(got = get_text(r, "origin ", QUEUEFILE_ORIGIN_MAX, &q->origin,
			 &q->origin_len)) <= 0)
		return got;
	if (attempts > UINT32_MAX)
		return -1;
	q->attempts = (uint32_t)attempts;
	if ((got = next_line(r)) <= 0)
		return got;
	return skip_key(r, "from ") && take_path(r, &q->sender, &q->sender_len)
		       ? 1
		       : -1;
}

int
queuefile_parse(char const *s, size_t len,
	struct queuefile_recipient *recipients, size_t max,
	struct queuefile *q_r)
{
	struct reader r = {.s = s,
		.len = len < QUEUEFILE_ENVELOPE_MAX ? len
						    : QUEUEFILE_ENVELOPE_MAX};
	struct queuefile q = {0};
	int got;

	if ((got = next_line(&r)) <= 0)
		return got;
	if (r.line_len + 1 != strlen(MAGIC) ||
		memcmp(r.line, MAGIC, r.line_len) != 0)
		return -1;
	if ((got = next_line(&r)) <= 0)
		return got;
	if (!skip_key(&r, "id ") || !id_valid(r.line, r.line_len))
		return -1;
	memcpy(q.id, r.line, ID_LEN);
	if ((got = get_fields(&r, &q)) <= 0 ||
		(got = get_recipients(&r, recipients, max, &q)) <= 0)
		return got;
	q.envelope_len = r.at;
	if (!lies_inside(&q, q.message_offset, q.message_len) ||
		!lies_inside(&q, q.added_offset, q.added_len))
		return -1;
	*q_r = q;
	return 1;
}
