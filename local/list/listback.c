/* What comes back to a list; see list.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/dsn_read.h"
#include "common/log.h"
#include "common/queuebody.h"
#include "common/verp.h"
#include "local/list/list.h"
#include "local/list/listtext.h"
#include "mime/header.h"

#define PROBE "probe."
/* Octets of a report that are read. */
#define REPORT_MAX (256u * 1024)
#define REPORT_RECIPIENTS 16

enum report { REPORT_NONE, REPORT_FAILED, REPORT_OTHER };

static void
append(void *data, char const *s, size_t len)
{
	(void)stralloc_catb(data, s, len);
}

/* What a report says: of one that is about several, whether any failed. */
static enum report
read_report(struct list_mail const *mail)
{
	struct dsn_recipient list[REPORT_RECIPIENTS];
	stralloc text = STRALLOC_ZERO;
	uint64_t const len =
		mail->message_len < REPORT_MAX ? mail->message_len : REPORT_MAX;
	enum report r = REPORT_NONE;
	size_t count = 0;

	if (stralloc_ready(&text, (size_t)len + 1) &&
		queuebody_copy(mail->fd, mail->message_offset, len, append,
			&text) == QUEUEBODY_OK)
		count = dsn_read(text.s, text.len, list, REPORT_RECIPIENTS);
	for (size_t i = 0; i < count; i++) {
		if (list[i].action_len == 6 &&
			strncasecmp(list[i].action, "failed", 6) == 0)
			r = REPORT_FAILED;
		else if (r == REPORT_NONE)
			r = REPORT_OTHER;
	}
	stralloc_free(&text);
	return r;
}

/* Bounces of hosts that know no reports: by whom they are from. */
static bool
is_from_host(struct list_mail const *mail)
{
	static char const *const names[] = {
		"mailer-daemon@", "postmaster@", "mail-daemon@"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (mail->author.len > strlen(names[i]) &&
			strncasecmp(mail->author.s, names[i],
				strlen(names[i])) == 0)
			return true;
	return false;
}

static bool
save(struct list *l, stralloc const *old, struct listbounce const *b)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok = listbounce_update(&text, old->s, old->len,
				l->now / LIST_DAY, b) &&
			list_replace(l, LIST_BOUNCES, text.s, text.len);

	stralloc_free(&text);
	return ok;
}

static bool
send_probe(struct list *l, char const *address, size_t len)
{
	static char const text[] =
		"Mail of this list to your address has come back to us on "
		"several days.\n"
		"This message is a test: if it comes back, too, you will be "
		"removed from\n"
		"the list. If you can read it, there is nothing for you to "
		"do.\n";
	char detail[sizeof PROBE + LISTTOKEN_LEN] = PROBE;
	struct listtext const t = {.set = &l->set,
		.hostname = l->hostname,
		.now = l->now,
		.to = address,
		.to_len = len,
		.subject = "Mail to you has come back: a test"};
	stralloc sender = STRALLOC_ZERO, message = STRALLOC_ZERO;
	bool ok;

	listtoken_make(detail + sizeof PROBE - 1, l->key, LISTTOKEN_PROBE, 0,
		address, len);
	ok = listrole_address(&sender, &l->set, LISTROLE_BOUNCES, detail) &&
	     stralloc_append(&sender, '\0') &&
	     listtext_make(&message, &t, text, sizeof text - 1) &&
	     list_tell(l, sender.s, address, len, &message);
	stralloc_free(&sender);
	stralloc_free(&message);
	return ok;
}

static bool
count(struct list *l, struct list_mail const *mail, char const *address,
	size_t len, char const **text_r)
{
	struct member const *const m = members_find(&l->members, address, len);
	stralloc old = STRALLOC_ZERO;
	struct listbounce b;
	bool ok, is_time;

	*text_r = "a bounce of nobody who is a member";
	if (m == NULL)
		return true;
	ok = list_read(l, LIST_BOUNCES, MEMBERS_TEXT_MAX, &old);
	if (ok) {
		uint64_t before;

		(void)listbounce_find(old.s, old.len, address, len, &b);
		before = b.count;
		is_time = listbounce_count(
			&b, l->now / LIST_DAY, l->set.bounce_days);
		*text_r = is_time ? "a bounce; a probe was sent" : "a bounce";
		ok = (!is_time || send_probe(l, address, len)) &&
		     ((!is_time && b.count == before) || save(l, &old, &b));
		if (ok && is_time)
			log_event("list-probe", mail->id, "list",
				l->set.address.s, (char *)0);
	}
	stralloc_free(&old);
	return ok;
}

/* Whether a word is a member's, of whom a probe was sent. */
static bool
find_probed(struct list *l, stralloc const *bounces, char const *word,
	size_t len, struct listbounce *b_r)
{
	size_t pos = 0;

	while (pos < bounces->len) {
		char const *const s = bounces->s + pos;
		char const *const lf = memchr(s, '\n', bounces->len - pos);
		size_t const n =
			lf != NULL ? (size_t)(lf - s) : bounces->len - pos;

		pos += n + 1;
		if (listbounce_parse(s, n, b_r) && b_r->probed > 0 &&
			listtoken_is(word, len, l->key, LISTTOKEN_PROBE, 0,
				b_r->address, b_r->address_len))
			return true;
	}
	return false;
}

/* A probe has come back. */
static bool
remove_member(struct list *l, char const *word, size_t len, char const **text_r)
{
	stralloc bounces = STRALLOC_ZERO, subject = STRALLOC_ZERO,
		 text = STRALLOC_ZERO;
	struct listbounce b;
	bool ok = list_read(l, LIST_BOUNCES, MEMBERS_TEXT_MAX, &bounces);

	*text_r = "a bounce of a probe that was not sent";
	if (ok && find_probed(l, &bounces, word, len, &b)) {
		*text_r = "a probe came back: the member was removed";
		ok = stralloc_cats(&subject, "Removed: ") &&
		     stralloc_catb(&subject, b.address, b.address_len) &&
		     stralloc_append(&subject, '\0') &&
		     stralloc_cats(&text, "Mail to the member\n\n    ") &&
		     stralloc_catb(&text, b.address, b.address_len) &&
		     stralloc_cats(&text,
			     "\n\nhas come back on several days, and a test "
			     "came back, too. The member\nwas removed from "
			     "the list.\n") &&
		     stralloc_append(&text, '\0') &&
		     list_remove_member(l, b.address, b.address_len) &&
		     list_tell_owners(l, subject.s, text.s, subject.s);
		b.count = 0;
		ok = ok && save(l, &bounces, &b);
	}
	stralloc_free(&bounces);
	stralloc_free(&subject);
	stralloc_free(&text);
	return ok;
}

/* The member of whom the reverse-path was made. */
static bool
count_verp(struct list *l, struct list_mail const *mail,
	struct listset_text const *detail, char const **text_r)
{
	stralloc local = STRALLOC_ZERO;
	char member[VERP_SIZE];
	bool ok = stralloc_cats(&local, "l+") &&
		  stralloc_catb(&local, detail->s, detail->len);
	size_t const len = ok ? verp_read(local.s, local.len, member) : 0;

	stralloc_free(&local);
	*text_r = "a bounce without a member's name";
	if (len > 0)
		ok = count(l, mail, member, len, text_r);
	return ok;
}

bool
list_came_back(struct list *l, struct list_mail *mail,
	struct listset_text const *detail, char const **text_r)
{
	size_t const probe = sizeof PROBE - 1;
	enum report const r = read_report(mail);

	*text_r = "no bounce";
	if (r == REPORT_OTHER ||
		(r == REPORT_NONE &&
			(mail->sender_len > 0 || !is_from_host(mail))))
		return true;
	if (!list_load_members(l))
		return false;
	if (detail->len > probe && strncasecmp(detail->s, PROBE, probe) == 0)
		return remove_member(
			l, detail->s + probe, detail->len - probe, text_r);
	return count_verp(l, mail, detail, text_r);
}
