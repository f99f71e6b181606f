/* A posting: whether it is one, and what is done with it; see list.h. */
#include <errno.h>
#include <string.h>
#include "common/drop.h"
#include "common/log.h"
#include "common/queuebody.h"
#include "common/quota.h"
#include "local/deliver.h"
#include "local/list/list.h"
#include "local/list/listbody.h"
#include "local/seen.h"
#include "mime/header.h"

#define SEEN_SECONDS (UINT64_C(14) * LIST_DAY)

/* Whether the first Received field, which the host has added itself, says that
 * the sender has logged in here. */
static bool
has_logged_in(struct list_mail const *mail)
{
	static char const *const words[] = {" with ESMTPA", " with ESMTPSA",
		" with UTF8SMTPA", " with UTF8SMTPSA"};
	struct header_field f;

	if (!header_find(mail->header.s, mail->added_here, "received", &f))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		char const *const at = memmem(
			f.value, f.value_len, words[i], strlen(words[i]));
		size_t const n = strlen(words[i]);

		if (at != NULL && at + n < f.value + f.value_len &&
			strchr(" \t\r\n;", at[n]) != NULL)
			return true;
	}
	return false;
}

static bool
is_moderator(struct list const *l, stralloc const *who)
{
	return listset_has(
		       l->set.owners, l->set.owner_count, who->s, who->len) ||
	       listset_has(l->set.moderators, l->set.moderator_count, who->s,
		       who->len);
}

static bool
seen_hash_of(struct list_mail const *mail, char hash[SEEN_HASH_SIZE])
{
	struct header_field f;
	char const *s;
	size_t len;

	if (!header_find(mail->header.s, mail->header.len, "message-id", &f))
		return false;
	for (s = f.value, len = f.value_len;
		len > 0 && strchr(" \t\r\n", *s) != NULL; len--)
		s++;
	while (len > 0 && strchr(" \t\r\n", s[len - 1]) != NULL)
		len--;
	if (len == 0)
		return false;
	seen_hash(hash, SEEN_MESSAGE, "list", 4, s, len);
	return true;
}

bool
list_was_posted(struct list *l, struct list_mail const *mail)
{
	char hash[SEEN_HASH_SIZE];

	return seen_hash_of(mail, hash) && seen_has(l->root_fd, hash, l->now);
}

void
list_note_posted(struct list *l, struct list_mail const *mail)
{
	char hash[SEEN_HASH_SIZE];

	if (seen_hash_of(mail, hash) &&
		!seen_note(l->root_fd, hash, l->now + SEEN_SECONDS, l->now))
		log_error("list-seen", mail->id, (char *)0);
}

static enum list_verdict
not_without_asking(struct list const *l, char const *why, char const **why_r)
{
	*why_r = why;
	return l->set.others == LISTSET_REFUSE ? LIST_REFUSE
	       : l->set.others == LISTSET_DROP ? LIST_DROP
					       : LIST_HOLD;
}

/* By who the author is: as far as one knows that it is the author. */
static enum list_verdict
judge_author(struct list *l, struct list_mail *mail, char const **why_r)
{
	struct listhead_auth const auth =
		listhead_auth(l->hostname, mail->header.s, mail->added_here);
	bool const is_sure = auth.has_passed || has_logged_in(mail);

	if (l->set.post == LISTSET_ANYONE)
		return LIST_POST;
	if (auth.has_failed) {
		*why_r = "it may be forged (DMARC)";
		return l->set.others == LISTSET_DROP ? LIST_DROP : LIST_HOLD;
	}
	if (l->set.post == LISTSET_MEMBERS &&
		members_find(&l->members, mail->author.s, mail->author.len) !=
			NULL)
		return LIST_POST;
	if (is_moderator(l, &mail->author)) {
		*why_r = "one can't be sure that it is the moderator's";
		return is_sure ? LIST_POST : LIST_HOLD;
	}
	return not_without_asking(l,
		l->set.post == LISTSET_MODERATORS
			? "only moderators post here at once"
			: "its author is not a member",
		why_r);
}

enum list_verdict
list_judge(struct list *l, struct list_mail *mail, char const **why_r)
{
	*why_r = "it has no sender";
	if (mail->sender_len == 0)
		return LIST_DROP;
	*why_r = listhead_automatic(mail->header.s, mail->header.len);
	if (*why_r == NULL)
		*why_r = listhead_loop(
			&l->set, mail->header.s, mail->header.len);
	if (*why_r != NULL)
		return LIST_DROP;
	*why_r = "its Message-ID has been posted before";
	if (list_was_posted(l, mail))
		return LIST_DROP;
	*why_r = "it is larger than this list allows";
	if (l->set.size_max > 0 && mail->message_len > l->set.size_max)
		return LIST_REFUSE;
	*why_r = "it has no author in its From field";
	if (mail->author.len == 0)
		return LIST_REFUSE;
	*why_r = "it looks like spam";
	if (mail->flags & QUEUEFILE_JUNK)
		return l->set.others == LISTSET_DROP ? LIST_DROP : LIST_HOLD;
	return judge_author(l, mail, why_r);
}

/* A posting as it is sent. */
struct going {
	struct list *l;
	struct list_mail *mail;
	stralloc head, footer, before, behind;
	enum listbody_way way;
	char boundary[ID_SECRET_LEN + 8];
};

static bool
is_ascii(stralloc const *s)
{
	for (size_t i = 0; i < s->len; i++)
		if ((unsigned char)s->s[i] > 127)
			return false;
	return true;
}

static bool
rewrites_from(struct list *l, struct list_mail const *mail, bool breaks)
{
	struct listhead_auth auth;

	if (l->set.from != LISTSET_FROM_AUTO)
		return l->set.from == LISTSET_FROM_ALWAYS;
	auth = listhead_auth(l->hostname, mail->header.s, mail->added_here);
	/* What passed by SPF alone passes nowhere else. */
	return auth.asks && (breaks || !auth.has_dkim);
}

static bool
prepare(struct going *g)
{
	struct list *const l = g->l;
	char const *const own = g->mail->header.s + g->mail->added_here;
	size_t const len = g->mail->own_len;
	struct listhead h = {
		.set = &l->set, .leaves_unsubscribe = l->set.url.len > 0};
	bool breaks;

	if (l->set.has_footer &&
		!list_read(l, LIST_FOOTER, LIST_TEXT_MAX, &g->footer))
		return false;
	if (g->footer.len > 0)
		g->way = listbody_way(own, len, is_ascii(&g->footer));
	if (g->way == LISTBODY_WRAP) {
		memcpy(g->boundary, "=_list_", 7);
		id_secret(g->boundary + 7);
		h.boundary = g->boundary;
	}
	breaks = g->way != LISTBODY_NOT || listhead_breaks(&l->set, own, len);
	h.rewrites_from = rewrites_from(l, g->mail, breaks);
	return listhead_make(&g->head, &h, own, len) &&
	       stralloc_cats(&g->head, "\r\n") &&
	       listbody_before(&g->before, g->way, g->boundary, own, len) &&
	       listbody_behind(&g->behind, g->way, g->boundary, g->footer.s,
		       g->footer.len);
}

static void
put(void *data, char const *s, size_t len)
{
	drop_message(data, s, len);
}

static void
put_added(void *data, char const *s, size_t len)
{
	drop_added(data, s, len);
}

static bool
body_ok(enum queuebody_result r)
{
	if (r == QUEUEBODY_SHORT)
		errno = EIO;
	return r == QUEUEBODY_OK;
}

static bool
write_posting(struct drop *d, void *data)
{
	struct going *const g = data;
	struct list_mail const *const m = g->mail;

	drop_message(d, g->head.s, g->head.len);
	drop_message(d, g->before.s, g->before.len);
	if (!body_ok(queuebody_copy(m->fd, m->message_offset + m->own_len,
		    m->message_len - m->own_len, put, d)))
		return false;
	drop_message(d, g->behind.s, g->behind.len);
	drop_added(d, "Delivered-To: ", 14);
	drop_added(d, g->l->set.address.s, g->l->set.address.len);
	drop_added(d, "\r\n", 2);
	return body_ok(queuebody_copy(
		m->fd, m->added_offset, m->added_len, put_added, d));
}

/* The archive's copy, as it came; false: errno, or *full_r. */
static bool
archive(struct list *l, struct list_mail const *mail, struct maildir_writer *w,
	bool *full_r)
{
	static struct job job;
	struct delivery_place place = {.hostname = l->hostname,
		.channel_fd = -1,
		.locker_fd = -1,
		.note = ""};
	struct delivery_result result;
	struct quota q;

	*full_r = quota_read(l->root_fd, &q) > 0 &&
		  !quota_allows(&q, mail->message_len, 1);
	if (*full_r)
		return false;
	job = (struct job){.message_offset = mail->message_offset,
		.message_len = mail->message_len,
		.added_offset = mail->added_offset,
		.added_len = mail->added_len,
		.flags = mail->flags,
		.sender = mail->sender,
		.sender_len = mail->sender_len,
		.recipient_count = 1};
	memcpy(job.id, mail->id, sizeof job.id);
	job.recipients[0] = (struct job_recipient){
		.address = l->set.address.s, .address_len = l->set.address.len};
	errno = EIO;
	return deliver_write(
		w, &place, l->root_fd, false, &job, mail->fd, NULL, &result);
}

static bool
keep_archive(struct list *l, struct maildir_writer *w)
{
	maildir_harden(w);
	if (!maildir_commit(w, NULL) || !maildir_sync(l->root_fd, "new"))
		return false;
	quota_note(l->root_fd, (int64_t)quota_size(w->name), 1);
	return true;
}

/*
 * The archive's file is written first, for it may not fit, and gets its name
 * when the posting is in the queue. That it was posted is noted last: what is
 * cut off in between is done again, rather than not at all.
 */
bool
list_post(struct list *l, struct list_mail *mail, bool *full_r, size_t *count_r)
{
	static struct maildir_writer w;
	struct going g = {.l = l, .mail = mail, .way = LISTBODY_NOT};
	unsigned const flags =
		mail->flags & (QUEUEFILE_8BIT | QUEUEFILE_UTF8 |
				      QUEUEFILE_BINARY | QUEUEFILE_REQUIRETLS);
	bool ok, is_written = false;

	*full_r = false;
	ok = prepare(&g);
	if (ok && l->set.has_archive)
		ok = is_written = archive(l, mail, &w, full_r);
	ok = ok && list_send(l, MEMBER_MAIL, flags, write_posting, &g, count_r);
	if (is_written && ok)
		ok = keep_archive(l, &w);
	else if (is_written)
		maildir_abort(&w);
	ok = ok && list_digest_add(l, mail);
	if (ok)
		list_note_posted(l, mail);
	stralloc_free(&g.head);
	stralloc_free(&g.footer);
	stralloc_free(&g.before);
	stralloc_free(&g.behind);
	return ok;
}
