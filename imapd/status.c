/* The state of a mailbox; see status.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "imapd/body.h"
#include "imapd/commands.h"
#include "imapd/naming.h"
#include "imapd/objectid.h"
#include "imapd/permit.h"
#include "common/quota.h"
#include "imapd/status.h"

enum item {
	MESSAGES,
	RECENT,
	UIDNEXT,
	UIDVALIDITY,
	UNSEEN,
	DELETED,
	SIZE,
	DELETED_STORAGE,
	APPENDLIMIT,
	HIGHESTMODSEQ,
	MAILBOXID,
	ITEMS
};

static char const *const items[ITEMS] = {
	[MESSAGES] = "MESSAGES",
	[RECENT] = "RECENT",
	[UIDNEXT] = "UIDNEXT",
	[UIDVALIDITY] = "UIDVALIDITY",
	[UNSEEN] = "UNSEEN",
	[DELETED] = "DELETED",
	[SIZE] = "SIZE",
	[DELETED_STORAGE] = "DELETED-STORAGE",
	[APPENDLIMIT] = "APPENDLIMIT",
	[HIGHESTMODSEQ] = "HIGHESTMODSEQ",
	[MAILBOXID] = "MAILBOXID",
};

bool
status_lex(struct lex *l, unsigned *wanted_r)
{
	struct lex_text word;

	*wanted_r = 0;
	if (!lex_char(l, '('))
		return false;
	do {
		size_t i = 0;

		if (!lex_atom(l, &word))
			return false;
		while (i < ITEMS && !lex_is(&word, items[i]))
			i++;
		if (i == ITEMS)
			return false;
		*wanted_r |= 1u << i;
	} while (lex_char(l, ' '));
	return lex_char(l, ')');
}

void
status_text(unsigned wanted, char *text_r)
{
	char const *blank = " (";

	*text_r = '\0';
	for (size_t i = 0; i < ITEMS; i++)
		if (wanted >> i & 1) {
			strcat(text_r, blank);
			strcat(text_r, items[i]);
			blank = " ";
		}
	strcat(text_r, ")");
}

/* All messages as they are sent; what a name does not tell is counted. */
static bool
sizes(struct mailbox *m, uint64_t *sum_r)
{
	struct content content = CONTENT_ZERO;
	bool ok = true;

	for (size_t i = 0; ok && i < m->view.count; i++) {
		uint64_t size = m->view.v[i].size;

		if (size == MESSAGE_SIZE_UNKNOWN) {
			int const r = content_open(&content, m, i);

			size = 0;
			ok = r >= 0 && (r == 0 || body_size(&content, &size));
		}
		*sum_r += size;
	}
	content_free(&content);
	return ok;
}

static void
count(struct mailbox const *m, uint64_t values[ITEMS])
{
	for (size_t i = 0; i < m->view.count; i++) {
		struct message const *const v = &m->view.v[i];

		values[RECENT] += v->state & MESSAGE_RECENT;
		values[UNSEEN] += !(v->system & FLAG_SEEN);
		if (!(v->system & FLAG_DELETED))
			continue;
		values[DELETED]++;
		values[DELETED_STORAGE] +=
			quota_size(msgtable_name(&m->view, i));
	}
}

static bool
text(struct session *s, struct mailbox *m, char const *name, unsigned wanted)
{
	uint64_t values[ITEMS] = {[MESSAGES] = m->view.count,
		[UIDNEXT] = m->next_uid,
		[UIDVALIDITY] = m->validity,
		[HIGHESTMODSEQ] = mailbox_highest(m),
		[APPENDLIMIT] = s->append_max};
	char id[OBJECTID_MAX + 1];
	stralloc *const out = &s->out;
	char number[OBJECTID_MAX + 48];
	bool ok;

	objectid_mailbox(m, id);
	count(m, values);
	/* In the unit of the resource STORAGE. */
	values[DELETED_STORAGE] = (values[DELETED_STORAGE] + 1023) / 1024;
	if (wanted >> SIZE & 1 && !sizes(m, &values[SIZE]))
		return false;
	out->len = 0;
	ok = stralloc_cats(out, "* STATUS ") &&
	     naming_out(s->utf8, out, name) && stralloc_cats(out, " (");
	for (size_t i = 0; ok && i < ITEMS; i++) {
		if (!(wanted >> i & 1))
			continue;
		(void)snprintf(number, sizeof number, "%s %llu ", items[i],
			(unsigned long long)values[i]);
		if (i == MAILBOXID)
			(void)snprintf(number, sizeof number, "%s (%s) ",
				items[i], id);
		ok = stralloc_cats(out, number);
	}
	if (ok && out->s[out->len - 1] == ' ')
		out->len--;
	return ok && stralloc_cats(out, ")\r\n");
}

bool
status_tell(struct session *s, char const *name, unsigned wanted)
{
	char dir[BOXNAME_MAX + 2];
	struct mailbox m;
	bool ok;

	if (wanted >> HIGHESTMODSEQ & 1)
		session_condstore(s);
	boxname_dir(name, dir);
	if (!mailbox_open(&m, s->root_fd, dir, true, false))
		return false;
	ok = text(s, &m, name, wanted);
	if (ok)
		session_send(s);

	int const error = errno;

	mailbox_close(&m);
	errno = error;
	return ok;
}

void
cmd_status(struct session *s)
{
	char name[BOXNAME_MAX + 1];
	unsigned wanted;

	if (!session_mailbox_name(s, name))
		return;
	if (!lex_space(&s->command.lex) ||
		!status_lex(&s->command.lex, &wanted) ||
		!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	if (!permit(s, name, RIGHT_READ))
		return;
	if (status_tell(s, name, wanted))
		session_reply(s, "OK", "STATUS completed");
	else
		session_reply_errno(s, "STATUS");
}
