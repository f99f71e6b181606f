/* A message of a local program, into the queue; see handin.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/types.h>
#include "common/datetime.h"
#include "common/drop.h"
#include "queue/handin.h"

/* RFC 5321 4.4, as far as it fits what came without SMTP. */
static bool
put_received(stralloc *out, struct handin const *h, char const *id,
	char const *uid, char const *date)
{
	return stralloc_cats(out, "Received: by ") &&
	       stralloc_cats(out, h->hostname) &&
	       stralloc_cats(out, " (sendmail, uid ") &&
	       stralloc_cats(out, uid) && stralloc_cats(out, ") id ") &&
	       stralloc_cats(out, id) && stralloc_cats(out, ";\r\n\t") &&
	       stralloc_cats(out, date) && stralloc_cats(out, "\r\n");
}

static void
fill_recipients(struct queuefile_recipient *recipients, struct compose const *c,
	unsigned notify)
{
	char const *s = c->to.s;

	for (size_t i = 0; i < c->to_count; i++) {
		recipients[i] = (struct queuefile_recipient){.address = s,
			.address_len = strlen(s),
			.state = QUEUEFILE_TODO,
			.notify = notify};
		s += strlen(s) + 1;
	}
}

bool
handin_submit(struct handin *h, struct compose const *c, stralloc const *text,
	struct handin_wish const *wish)
{
	static struct drop drop;
	struct queuefile_recipient *recipients =
		calloc(c->to_count, sizeof *recipients);
	char uid[UINT_FMT], origin[sizeof "sendmail uid " + UINT_FMT];
	char date[DATETIME_MAX];
	struct drop_envelope e = {.origin = origin,
		.sender = wish->sender,
		.sender_len = strlen(wish->sender),
		.recipients = recipients,
		.recipient_count = c->to_count,
		.flags = wish->is_8bit ? QUEUEFILE_8BIT : 0,
		.ret = wish->ret,
		.envid = wish->envid,
		.envid_len = wish->envid != NULL ? strlen(wish->envid) : 0};
	struct compose_missing missing = {.name = h->name,
		.address = wish->sender[0] != '\0' ? wish->sender : h->login,
		.date = date,
		.id = drop.q.id};
	stralloc added = STRALLOC_ZERO;
	bool ok = recipients != NULL;

	if (!ok)
		return false;
	fill_recipients(recipients, c, wish->notify);
	uid[uint_fmt(uid, getuid())] = '\0';
	strcpy(origin, "sendmail uid ");
	strcat(origin, uid);
	e.origin_len = strlen(origin);
	ok = drop_begin(&drop, h->tmp_fd, h->new_fd, DROP_SYNC_FILE, &e);
	if (ok) {
		drop_message(&drop, c->header.s, c->header.len);
		drop_message(&drop, text->s + c->body, text->len - c->body);
		datetime_format(date, drop.q.arrived / 1000000);
		ok = put_received(&added, h, drop.q.id, uid, date) &&
		     compose_missing(c, &added, &missing);
		if (ok)
			drop_added(&drop, added.s, added.len);
		else
			errno = ENOMEM;
		ok = ok && drop_commit(&drop);
		if (!ok) {
			int const error = errno;

			drop_abort(&drop);
			errno = error;
		}
	}
	stralloc_free(&added);
	free(recipients);
	return ok;
}
