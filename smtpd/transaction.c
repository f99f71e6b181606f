/* What MAIL and RCPT have said. */
#include <stdlib.h>
#include <string.h>
#include "smtpd/transaction.h"

void
smtp_transaction_reset(struct smtp_transaction *t)
{
	t->sender_len = 0;
	t->flags = 0;
	t->is_binary = false;
	t->ret = 0;
	t->envid_len = 0;
	t->priority = 0;
	t->hold_until = 0;
	t->deliver_by = 0;
	t->by_mode = 0;
	t->by_trace = false;
	t->size = 0;
	t->to.len = 0;
	t->wishes.len = 0;
	t->to_count = 0;
	t->refused_count = 0;
}

static unsigned
flags_of(struct smtp_parameters const *p)
{
	unsigned flags = 0;

	if (p->body != SMTP_BODY_7BIT)
		flags |= QUEUEFILE_8BIT;
	if (p->body == SMTP_BODY_BINARYMIME)
		flags |= QUEUEFILE_BINARY;
	if (p->given & SMTP_PARAMETER_UTF8)
		flags |= QUEUEFILE_UTF8;
	if (p->given & SMTP_PARAMETER_TLS)
		flags |= QUEUEFILE_REQUIRETLS;
	return flags;
}

void
smtp_transaction_mail(
	struct smtp_transaction *t, struct smtp_path const *path, uint64_t now)
{
	struct smtp_parameters const *p = &path->parameters;

	memcpy(t->sender, path->address.whole, path->address.whole_len);
	t->sender_len = path->address.whole_len;
	t->flags = flags_of(p);
	t->is_binary = p->body == SMTP_BODY_BINARYMIME;
	t->size = p->size;
	t->ret = p->ret;
	if (p->envid_len > 0)
		memcpy(t->envid, p->envid, p->envid_len);
	t->envid_len = p->envid_len;
	t->priority = p->priority;
	if (p->given & SMTP_PARAMETER_HOLD)
		t->hold_until =
			p->hold_for > 0 ? now + p->hold_for : p->hold_until;
	if (p->given & SMTP_PARAMETER_BY) {
		t->deliver_by = (uint64_t)((int64_t)now + p->by_seconds);
		t->by_mode = p->by_mode;
		t->by_trace = p->by_trace;
	}
}

bool
smtp_transaction_rcpt(struct smtp_transaction *t, struct addr const *a,
	struct smtp_parameters const *p)
{
	char notify = (char)p->notify;

	if (!stralloc_readyplus(&t->to, a->whole_len + 1) ||
		!stralloc_readyplus(&t->wishes, p->orcpt_len + 2))
		return false;
	(void)(stralloc_catb(&t->to, a->whole, a->whole_len) &&
		stralloc_0(&t->to) && stralloc_append(&t->wishes, notify) &&
		stralloc_catb(
			&t->wishes, p->orcpt ? p->orcpt : "", p->orcpt_len) &&
		stralloc_0(&t->wishes));
	t->to_count++;
	return true;
}

bool
smtp_transaction_envelope(
	struct smtp_transaction const *t, struct drop_envelope *envelope)
{
	struct queuefile_recipient *list = calloc(t->to_count, sizeof *list);
	char const *to = t->to.s, *wish = t->wishes.s;

	if (list == NULL)
		return false;
	for (size_t i = 0; i < t->to_count; i++) {
		struct queuefile_recipient *r = &list[i];

		r->address = to;
		r->address_len = strlen(to);
		r->state = QUEUEFILE_TODO;
		r->notify = (unsigned char)*wish++;
		r->orcpt_len = strlen(wish);
		r->orcpt = r->orcpt_len > 0 ? wish : NULL;
		to += r->address_len + 1;
		wish += r->orcpt_len + 1;
	}
	*envelope = (struct drop_envelope){.sender = t->sender,
		.sender_len = t->sender_len,
		.recipients = list,
		.recipient_count = t->to_count,
		.flags = t->flags,
		.next = t->hold_until,
		.priority = t->priority,
		.deliver_by = t->deliver_by,
		.by_mode = t->by_mode,
		.by_trace = t->by_trace,
		.ret = t->ret,
		.envid = t->envid_len > 0 ? t->envid : NULL,
		.envid_len = t->envid_len};
	return true;
}
