/* What a session tells of its mailbox (RFC 3501, 7.3 and 7.4): session.h's
 * session_set, session_flags and session_sync. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "imapd/commands.h"
#include "imapd/context.h"
#include "imapd/meta.h"
#include "imapd/need.h"
#include "imapd/notify.h"
#include "imapd/permit.h"
#include "imapd/session.h"
#include "imapd/set.h"
#include "imapd/vanished.h"

static void
set_bits(unsigned char *bits, size_t first, size_t end)
{
	for (; first < end && first % 8 != 0; first++)
		bits[first / 8] |= (unsigned char)(1u << first % 8);
	if (end - first >= 8) {
		memset(bits + first / 8, 0xff, (end - first) / 8);
		first += (end - first) / 8 * 8;
	}
	for (; first < end; first++)
		bits[first / 8] |= (unsigned char)(1u << first % 8);
}

bool
session_set(struct session *s, struct lex_text const *set, bool uid)
{
	struct mailbox const *const m = &s->mailbox;
	size_t const count = s->told_exists, bytes = count / 8 + 1;
	uint32_t star = (uint32_t)count, first, last;
	size_t pos = 0;

	if (!need_set(s, set, uid) && !mailbox_ready(&s->mailbox)) {
		session_reply_errno(s, "mailbox");
		return false;
	}
	if (uid && count > 0)
		star = m->view.v[count - 1].uid;
	s->bits.len = 0;
	if (!stralloc_ready(&s->bits, bytes)) {
		session_reply_errno(s, "memory");
		return false;
	}
	memset(s->bits.s, 0, bytes);
	if (SAVED_IS(set))
		saved_bits(&s->saved, m, count, (unsigned char *)s->bits.s);
	while (set_range(set, &pos, star, &first, &last)) {
		size_t from = first > 0 ? first - 1 : 0, end = last;

		if (uid) {
			from = mailbox_find_uid(m, first);
			end = last == UINT32_MAX
				      ? count
				      : mailbox_find_uid(m, last + 1);
		} else if (from >= count && first > 0) {
			session_reply(s, "BAD", "No such message");
			return false;
		}
		if (end > count)
			end = count;
		if (from < end)
			set_bits((unsigned char *)s->bits.s, from, end);
	}
	return true;
}

/* Of a whole mailbox these are most of what is written. Returns the end. */
static char *
put_number(char *at, uint64_t n)
{
	char digits[20];
	size_t start = sizeof digits;

	do
		digits[--start] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	memcpy(at, digits + start, sizeof digits - start);
	return at + sizeof digits - start;
}

bool
session_fetch(struct session const *s, size_t i, stralloc *out)
{
	char *at;

	if (!stralloc_readyplus(out, 48))
		return false;
	at = stpcpy(out->s + out->len, "* ");
	at = put_number(at, s->uid_only ? s->mailbox.view.v[i].uid : i + 1);
	at = stpcpy(at, s->uid_only ? " UIDFETCH (" : " FETCH (");
	out->len = (size_t)(at - out->s);
	return true;
}

bool
session_flags(struct session const *s, size_t i, stralloc *out)
{
	struct message const *const v = &s->mailbox.view.v[i];
	bool ok = stralloc_readyplus(out, 64);
	size_t start;
	char *at;

	if (!ok)
		return false;
	/* All five and \Recent have room. */
	at = stpcpy(out->s + out->len, "(");
	start = out->len + 1;
	for (unsigned k = 0; k < FLAG_COUNT; k++)
		if (v->system >> k & 1)
			at = stpcpy(stpcpy(at, flag_names[k]), " ");
	if (v->state & MESSAGE_RECENT && !s->rev2)
		at = stpcpy(at, "\\Recent ");
	out->len = (size_t)(at - out->s);
	for (unsigned k = 0; ok && v->keywords >> k != 0; k++) {
		char const *const name = s->mailbox.keywords.names[k];

		if (v->keywords >> k & 1 && *name != '\0')
			ok = stralloc_cats(out, name) &&
			     stralloc_catb(out, " ", 1);
	}
	if (ok && out->len > start)
		out->len--;
	return ok && stralloc_catb(out, ")", 1);
}

void
session_condstore(struct session *s)
{
	if (s->condstore)
		return;
	s->condstore = true;
	if (!s->selected)
		return;
	s->mailbox.tells_modseq = true;
	session_printf(s,
		"* OK [HIGHESTMODSEQ %llu] Mod-sequences are told\r\n",
		(unsigned long long)mailbox_highest(&s->mailbox));
}

bool
session_modseq(struct session const *s, size_t i, bool uid, stralloc *out)
{
	struct message const *const v = &s->mailbox.view.v[i];
	char *at;

	if (!stralloc_readyplus(out, 64))
		return false;
	at = out->s + out->len;
	if ((uid || s->condstore) && !s->uid_only) {
		at = stpcpy(at, "UID ");
		at = put_number(at, v->uid);
		*at++ = ' ';
	}
	if (s->condstore) {
		at = stpcpy(at, "MODSEQ (");
		at = put_number(at, v->modseq);
		at = stpcpy(at, ") ");
	}
	out->len = (size_t)(at - out->s);
	return true;
}

/* In place of EXPUNGE: where numbers are not used. */
static void
tell_vanished(struct session *s)
{
	static char const label[] = "* VANISHED ";
	struct msgtable const *const v = &s->mailbox.view;
	size_t const start = sizeof label - 1;
	uint32_t first = 0, last = 0;
	size_t told = 0;
	bool ok;

	s->out.len = 0;
	ok = stralloc_cats(&s->out, label);
	for (size_t i = 0; ok && i < s->told_exists; i++) {
		if (!(v->v[i].state & MESSAGE_GONE))
			continue;
		told++;
		if (first != 0 && v->v[i].uid != last + 1) {
			ok = vanished_add_range(&s->out, start, first, last);
			first = 0;
		}
		last = v->v[i].uid;
		if (first == 0)
			first = last;
	}
	if (told > 0 && ok && vanished_add_range(&s->out, start, first, last) &&
		stralloc_cats(&s->out, "\r\n"))
		session_send(s);
	s->out.len = 0;
	s->told_exists -= told;
	mailbox_settle(&s->mailbox);
}

static void
tell_expunged(struct session *s)
{
	struct msgtable const *const v = &s->mailbox.view;
	size_t number = 0, told = 0;

	for (size_t i = 0; i < v->count; i++) {
		number++;
		if (!(v->v[i].state & MESSAGE_GONE))
			continue;
		/* What the client was never told of goes silently. */
		if (i < s->told_exists) {
			session_printf(s, "* %zu EXPUNGE\r\n", number);
			told++;
		}
		number--;
	}
	s->told_exists -= told;
	mailbox_settle(&s->mailbox);
}

static void
tell_flags(struct session *s)
{
	for (size_t i = 0; i < s->told_exists; i++) {
		struct message *const v = &s->mailbox.view.v[i];

		if (!(v->state & MESSAGE_CHANGED) || v->state & MESSAGE_GONE)
			continue;
		v->state &= (uint8_t)~MESSAGE_CHANGED;
		s->out.len = 0;
		if (session_fetch(s, i, &s->out) &&
			session_modseq(s, i, s->notify != NULL, &s->out) &&
			stralloc_cats(&s->out, "FLAGS ") &&
			session_flags(s, i, &s->out) &&
			stralloc_cats(&s->out, ")\r\n"))
			session_send(s);
	}
}

/* RFC 7162, 3.2: a client that has been told of later changes must not believe
 * that it knows of those messages which it cannot be told yet. */
static void
tell_delayed(struct session *s)
{
	struct msgtable const *const v = &s->mailbox.view;
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < s->told_exists; i++)
		if (v->v[i].state & MESSAGE_GONE && v->v[i].modseq > 0 &&
			v->v[i].modseq < lowest)
			lowest = v->v[i].modseq;
	if (lowest != UINT64_MAX)
		session_printf(s, "* OK [HIGHESTMODSEQ %llu] Some are gone\r\n",
			(unsigned long long)(lowest - 1));
}

static void
tell_counts(struct session *s)
{
	struct mailbox const *const m = &s->mailbox;

	size_t const before = s->told_exists;

	if (m->view.count != s->told_exists) {
		session_printf(s, "* %zu EXISTS\r\n", m->view.count);
		for (size_t i = s->told_exists; i < m->view.count; i++)
			m->view.v[i].state &= (uint8_t)~MESSAGE_CHANGED;
	}
	s->told_exists = m->view.count;
	if (m->recent != s->told_recent && !s->rev2)
		session_printf(s, "* %zu RECENT\r\n", m->recent);
	s->told_recent = m->recent;
	if (m->view.count > before)
		notify_new(s, before);
}

void
session_sync(struct session *s, bool may_expunge)
{
	struct keywords const before = s->mailbox.keywords;
	unsigned const wanted = notify_selected(s);

	if (!s->selected || s->ended)
		return;
	/* Who has lost the right to read is told nothing more. */
	if (s->asker != NULL && !(permit_rights(s, s->name) & RIGHT_READ))
		return;
	meta_flush(&s->mailbox);
	if (!mailbox_sync(&s->mailbox)) {
		if (errno == ENOENT || errno == ESTALE) {
			session_puts(s, "* BYE The mailbox was deleted or "
					"replaced\r\n");
			s->ended = true;
		} else {
			log_error("sync-failed", NULL, "mailbox", s->name,
				(char *)0);
		}
		return;
	}
	if (memcmp(&before, &s->mailbox.keywords, sizeof before) != 0)
		cmd_select_flags(s);
	may_expunge = may_expunge && wanted & NOTIFY_EXPUNGE;
	if (may_expunge && s->mailbox.view.states & MESSAGE_GONE)
		context_tell_gone(s);
	/* Only where there is something to tell are all looked at. */
	if (may_expunge && s->mailbox.view.states & MESSAGE_GONE) {
		if (s->uid_only || s->qresync)
			tell_vanished(s);
		else
			tell_expunged(s);
	}
	if (s->mailbox.view.states & MESSAGE_CHANGED && wanted & NOTIFY_FLAGS) {
		tell_flags(s);
		s->mailbox.view.states &= ~MESSAGE_CHANGED;
	}
	if (!may_expunge && s->condstore &&
		s->mailbox.view.states & MESSAGE_GONE)
		tell_delayed(s);
	if (wanted & NOTIFY_NEW)
		tell_counts(s);
	context_tell(s);
}
