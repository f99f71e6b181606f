/* Writing the envelope of a queue file. */
#include "common/queuefile_form.h"

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
put_names(stralloc *sa, char const *key, struct queuefile_name const *names,
	unsigned bits)
{
	if (!stralloc_cats(sa, key))
		return false;
	for (; names->name != NULL; names++)
		if ((bits & names->bit) &&
			(!stralloc_append(sa, ' ') ||
				!stralloc_cats(sa, names->name)))
			return false;
	return stralloc_append(sa, '\n');
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
		(!queuefile_is_word(
			 q->envid, q->envid_len, QUEUEFILE_ENVID_MAX) ||
			!put_text(sa, "envid", q->envid, q->envid_len)))
		return false;
	if (q->unsubscribe != NULL &&
		(!queuefile_is_url(q->unsubscribe, q->unsubscribe_len) ||
			!put_text(sa, "unsubscribe", q->unsubscribe,
				q->unsubscribe_len)))
		return false;
	return q->command == NULL ||
	       (queuefile_is_clean(
			q->command, q->command_len, QUEUEFILE_COMMAND_MAX) &&
		       put_text(sa, "command", q->command, q->command_len));
}

static bool
put_wishes(stralloc *sa, struct queuefile_recipient const *r,
	struct queuefile const *q)
{
	if (r->notify != 0 &&
		(!queuefile_is_notify(r->notify) ||
			!put_names(sa, "notify", queuefile_notify, r->notify)))
		return false;
	if (r->orcpt != NULL &&
		(!queuefile_is_word(
			 r->orcpt, r->orcpt_len, QUEUEFILE_ORCPT_MAX) ||
			!put_text(sa, "orcpt", r->orcpt, r->orcpt_len)))
		return false;
	return r->token == NULL ||
	       (q->unsubscribe != NULL &&
		       queuefile_is_token(r->token, r->token_len) &&
		       put_text(sa, "token", r->token, r->token_len));
}

static bool
put_recipient(stralloc *sa, struct queuefile_recipient const *r,
	struct queuefile const *q)
{
	char why[QUEUEFILE_WHY_WIDTH];

	if (r->address_len == 0 ||
		!queuefile_is_clean(
			r->address, r->address_len, QUEUEFILE_ADDRESS_MAX))
		return false;
	if (!stralloc_cats(sa, "to ") || !stralloc_append(sa, (char)r->state) ||
		!stralloc_cats(sa, " <") ||
		!stralloc_catb(sa, r->address, r->address_len) ||
		!stralloc_cats(sa, ">\n") || !put_wishes(sa, r, q))
		return false;
	if (!(q->flags & QUEUEFILE_OWN))
		return true;
	queuefile_why(why, r->why, r->why_len);
	return stralloc_cats(sa, "why ") &&
	       stralloc_catb(sa, why, sizeof why) && stralloc_append(sa, '\n');
}

bool
queuefile_format(stralloc *sa, struct queuefile const *q)
{
	if (!queuefile_is_clean(
		    q->origin, q->origin_len, QUEUEFILE_ORIGIN_MAX) ||
		!queuefile_is_clean(
			q->sender, q->sender_len, QUEUEFILE_ADDRESS_MAX) ||
		!queuefile_is_verp_sound(q))
		return false;
	if (!stralloc_cats(sa, QUEUEFILE_MAGIC "id ") ||
		!stralloc_catb(sa, q->id, ID_LEN) ||
		!stralloc_append(sa, '\n') ||
		!put_number(sa, "size", q->file_size) ||
		!put_span(sa, "message", q->message_offset, q->message_len) ||
		!put_span(sa, "added", q->added_offset, q->added_len) ||
		!put_number(sa, "arrived", q->arrived) ||
		!put_number(sa, "next", q->next) ||
		!put_number(sa, "expires", q->expires) ||
		!put_number(sa, "attempts", q->attempts) ||
		!put_names(sa, "flags", queuefile_flags, q->flags) ||
		!put_options(sa, q) ||
		!put_text(sa, "origin", q->origin, q->origin_len) ||
		!stralloc_cats(sa, "from <") ||
		!stralloc_catb(sa, q->sender, q->sender_len) ||
		!stralloc_cats(sa, ">\n"))
		return false;
	for (size_t i = 0; i < q->recipient_count; i++)
		if (!put_recipient(sa, &q->recipients[i], q))
			return false;
	return stralloc_append(sa, '\n');
}
