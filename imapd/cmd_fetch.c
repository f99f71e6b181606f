/* FETCH (RFC 3501, 6.4.5 and 7.4.2). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <skalibs/uint64.h>

#include "common/log.h"
#include "imapd/binary.h"
#include "imapd/body.h"
#include "imapd/commands.h"
#include "imapd/content.h"
#include "imapd/fetch_args.h"
#include "imapd/notify_args.h"
#include "imapd/meta.h"
#include "imapd/need.h"
#include "imapd/objectid.h"
#include "imapd/preview.h"
#include "imapd/rights.h"
#include "imapd/set.h"
#include "imapd/vanished.h"
#include "mime/imap.h"

struct fetch {
	struct fetch_args args;
	bool needs_seen, has_flags, has_modseq;
	bool needs_text;     /* something that is not kept */
	unsigned wants;	     /* META_* of all messages */
	bool wants_savedate; /* may have to be the internal date */
	struct meta_entry entry;
	struct content content;
	size_t gone, failed, not_decoded;
};

static bool
is_body(enum fetch_kind kind)
{
	return kind >= FETCH_RFC822;
}

static bool
add_number(stralloc *out, char const *label, uint64_t n)
{
	char text[UINT64_FMT];

	return stralloc_cats(out, label) && stralloc_catb(out, " ", 1) &&
	       stralloc_catb(out, text, uint64_fmt(text, n));
}

/* Seconds as `INTERNALDATE " 1-Feb-1994 21:52:25 +0000"` */
static bool
add_date(stralloc *out, char const *label, int64_t seconds)
{
	static char const months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t const t = seconds;
	char text[64];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099)
		return false;
	(void)snprintf(text, sizeof text,
		"%s \"%2d-%s-%04d %02d:%02d:%02d +0000\"", label, tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tm.tm_sec);
	return stralloc_cats(out, text);
}

static bool
size_of(struct session *s, struct fetch *f, size_t i, uint64_t *size_r)
{
	struct message *const v = &s->mailbox.view.v[i];

	*size_r = v->size;
	if (v->size != MESSAGE_SIZE_UNKNOWN)
		return true;
	*size_r = f->entry.size;
	if (!(f->entry.present & META_SIZE) && !body_size(&f->content, size_r))
		return false;
	if (*size_r < MESSAGE_SIZE_UNKNOWN)
		v->size = (uint32_t)*size_r;
	return true;
}

static int64_t
date_of(struct fetch const *f)
{
	return f->entry.present & META_DATE ? f->entry.date
					    : f->content.st.st_mtim.tv_sec;
}

static bool
add_kept(stralloc *out, char const *label, char const *s, size_t len)
{
	return stralloc_cats(out, label) && stralloc_catb(out, s, len);
}

static bool
add_envelope(struct fetch *f, stralloc *out)
{
	struct content *const c = &f->content;

	if (f->entry.present & META_ENVELOPE)
		return add_kept(out, "ENVELOPE ", f->entry.envelope,
			f->entry.envelope_len);
	return content_header(c) && stralloc_cats(out, "ENVELOPE ") &&
	       imap_envelope(out, c->s, c->header_len);
}

static bool
add_structure(struct fetch *f, stralloc *out, bool extended)
{
	struct content *const c = &f->content;
	char const *const label = extended ? "BODYSTRUCTURE " : "BODY ";

	if (f->entry.present & META_STRUCTURE)
		return add_kept(out, label,
			extended ? f->entry.structure : f->entry.body,
			extended ? f->entry.structure_len : f->entry.body_len);
	return content_parts(c) && stralloc_cats(out, label) &&
	       imap_bodystructure(
		       out, c->s, c->parts, c->parts_count, extended);
}

static bool
add_emailid(struct fetch *f, stralloc *out)
{
	char id[OBJECTID_MAX + 1];

	objectid_email(f->entry.digest, id);
	return stralloc_cats(out, "EMAILID (") && stralloc_cats(out, id) &&
	       stralloc_catb(out, ")", 1);
}

static bool
add_modseq(struct session *s, size_t i)
{
	char text[48];

	(void)snprintf(text, sizeof text, "MODSEQ (%llu)",
		(unsigned long long)s->mailbox.view.v[i].modseq);
	return stralloc_cats(&s->out, text);
}

static bool
add_savedate(struct session *s, struct fetch *f, size_t i)
{
	int64_t seconds;

	if (!objectid_savedate(msgtable_name(&s->mailbox.view, i), &seconds))
		seconds = date_of(f);
	return add_date(&s->out, "SAVEDATE", seconds);
}

/* Header fields of the message, all of which are kept? */
static bool
is_kept(struct fetch_args const *args, struct fetch_item const *item)
{
	if (item->kind != FETCH_SECTION || item->section.path_len > 0 ||
		item->section.kind != SECTION_FIELDS)
		return false;
	for (size_t k = 0; k < item->names_count; k++) {
		struct section_name const *const name =
			&args->names[item->names_start + k];

		if (!meta_has_field(name->s, name->len))
			return false;
	}
	return true;
}

static bool
add_preview(struct content *c, stralloc *out)
{
	stralloc text = STRALLOC_ZERO;
	bool const ok = content_parts(c) &&
			preview_make(&text, c->s, c->parts, c->parts_count) &&
			stralloc_cats(out, "PREVIEW ") &&
			imap_string(out, text.len > 0 ? text.s : "", text.len);

	stralloc_free(&text);
	return ok;
}

/* Items whose text is short enough to be put together first. */
static bool
add_item(struct session *s, struct fetch *f, struct fetch_item const *item,
	size_t i)
{
	struct content *const c = &f->content;
	stralloc *const out = &s->out;
	uint64_t size;

	switch (item->kind) {
	case FETCH_FLAGS:
		return stralloc_cats(out, "FLAGS ") && session_flags(s, i, out);
	case FETCH_UID:
		return add_number(out, "UID", s->mailbox.view.v[i].uid);
	case FETCH_INTERNALDATE:
		return add_date(out, "INTERNALDATE", date_of(f));
	case FETCH_MODSEQ:
		return add_modseq(s, i);
	case FETCH_EMAILID:
		return add_emailid(f, out);
	case FETCH_THREADID:
		return stralloc_cats(out, "THREADID NIL");
	case FETCH_SAVEDATE:
		return add_savedate(s, f, i);
	case FETCH_RFC822_SIZE:
		return size_of(s, f, i, &size) &&
		       add_number(out, "RFC822.SIZE", size);
	case FETCH_ENVELOPE:
		return add_envelope(f, out);
	case FETCH_BODY:
	case FETCH_BODYSTRUCTURE:
		return add_structure(f, out, item->kind == FETCH_BODYSTRUCTURE);
	case FETCH_PREVIEW:
		return add_preview(c, out);
	case FETCH_BINARY_SIZE:
		return binary_size(out, c, item);
	case FETCH_BINARY:
		return binary_send(s, c, item);
	case FETCH_RFC822:
	case FETCH_RFC822_HEADER:
	case FETCH_RFC822_TEXT:
	case FETCH_SECTION:
		if (f->entry.present & META_HEADER && is_kept(&f->args, item))
			return body_send_fields(s, f->entry.header,
				f->entry.header_len, &f->args, item);
		return body_send(s, c, &f->args, item);
	}
	return false;
}

/* Have what the items need, from what is kept or from the file. As
 * mailbox_open_file. */
static int
get_ready(struct session *s, struct fetch *f, size_t i)
{
	struct mailbox *const m = &s->mailbox;
	struct content *const c = &f->content;
	unsigned want = f->wants;
	int64_t seconds;
	int r = 1;

	content_close(c);
	f->entry.present = 0;
	if (m->view.v[i].size != MESSAGE_SIZE_UNKNOWN)
		want &= ~META_SIZE;
	if (f->wants_savedate &&
		!objectid_savedate(msgtable_name(&m->view, i), &seconds))
		want |= META_DATE;
	if (f->needs_text)
		r = content_open(c, m, i);
	if (r <= 0 || want == 0)
		return r;
	/* A date alone is not worth a record. */
	if (want == META_DATE && !f->needs_text)
		return meta_get(m, i, want, &f->entry) ? 1
						       : content_stat(c, m, i);
	r = meta_need(m, i, want, c, &f->entry);
	/* What is too large to be kept is in c. */
	if (r < 0 && errno == EFBIG && c->fd >= 0)
		return 1;
	return r;
}

/* After an error in the middle of a response it is ended in a form that can be
 * read: the items sent so far. */
static bool
send_items(struct session *s, struct fetch *f, size_t i, bool flags_changed)
{
	bool first = true;

	s->out.len = 0;
	if (!session_fetch(s, i, &s->out))
		return false;
	for (size_t k = 0; k < f->args.items_count; k++) {
		size_t const before = s->out.len;

		/* It stands in front of them all. */
		if (s->uid_only && f->args.items[k].kind == FETCH_UID)
			continue;
		if (!first && !stralloc_catb(&s->out, " ", 1))
			return false;
		if (!add_item(s, f, &f->args.items[k], i)) {
			if (s->stream->error != 0)
				return false;
			/* Nothing of this item has gone out. */
			if (s->out.len >= before)
				s->out.len = before;
			if (errno == ENOTSUP) {
				f->not_decoded++;
				continue;
			}
			f->failed++;
			log_error("fetch-failed", NULL, "file",
				msgtable_name(&s->mailbox.view, i), (char *)0);
			continue;
		}
		first = false;
	}
	/* A response has something in it. */
	if (first && !flags_changed && s->uid_only && f->args.items_count == 1)
		flags_changed = true;
	if (first && !flags_changed) {
		s->out.len = 0;
		return true;
	}
	if (flags_changed && (!stralloc_cats(&s->out, first ? "" : " ") ||
				     !stralloc_cats(&s->out, "FLAGS ") ||
				     !session_flags(s, i, &s->out)))
		return false;
	if (!stralloc_cats(&s->out, ")\r\n"))
		return false;
	session_send(s);
	return true;
}

static bool
fetch_message(struct session *s, struct fetch *f, size_t i)
{
	struct mailbox *const m = &s->mailbox;
	bool flags_changed = false;
	int const r = get_ready(s, f, i);

	if (r <= 0) {
		f->gone += r == 0;
		f->failed += r < 0;
		return true;
	}
	if (f->needs_seen && !m->read_only && s->rights & RIGHT_SEEN &&
		!(m->view.v[i].system & FLAG_SEEN))
		flags_changed =
			mailbox_store(m, i, FLAG_STORE_ADD, FLAG_SEEN, 0) == 1;
	/* With their MODSEQ, which they have not got yet, flags are told at
	 * the end. Else FLAGS tell it all, here or among the items. */
	if (s->condstore && (flags_changed || !f->has_modseq))
		return send_items(s, f, i, false);
	if (flags_changed || f->has_flags)
		msgtable_unmark(&m->view, i, MESSAGE_CHANGED);
	return send_items(s, f, i, flags_changed && !f->has_flags);
}

static bool
add_first(struct fetch_args *args, enum fetch_kind kind)
{
	if (args->items_count == FETCH_ITEMS_MAX)
		return false;
	memmove(args->items + 1, args->items,
		args->items_count * sizeof *args->items);
	args->items_count++;
	args->items[0] = (struct fetch_item){.kind = kind};
	return true;
}

/* What all messages need, of what is kept and beside it. */
static void
find_wants(struct fetch *f)
{
	static unsigned const wants[] = {
		[FETCH_INTERNALDATE] = META_DATE,
		[FETCH_RFC822_SIZE] = META_SIZE,
		[FETCH_ENVELOPE] = META_ENVELOPE,
		[FETCH_BODY] = META_STRUCTURE,
		[FETCH_BODYSTRUCTURE] = META_STRUCTURE,
		[FETCH_EMAILID] = META_DIGEST,
		[FETCH_SAVEDATE] = 0,
	};

	f->wants = 0;
	f->needs_text = f->wants_savedate = false;
	for (size_t k = 0; k < f->args.items_count; k++) {
		struct fetch_item const *const item = &f->args.items[k];

		if (is_kept(&f->args, item))
			f->wants |= META_HEADER;
		else if (item->kind > FETCH_SAVEDATE)
			f->needs_text = true;
		else
			f->wants |= wants[item->kind];
		f->wants_savedate |= item->kind == FETCH_SAVEDATE;
	}
}

/* What the items ask for all together. Returns whether UID is among them. */
static bool
look_at_items(struct fetch *f)
{
	bool has_uid = false;

	f->needs_seen = f->has_flags = f->has_modseq = false;
	for (size_t k = 0; k < f->args.items_count; k++) {
		struct fetch_item const *const item = &f->args.items[k];

		f->needs_seen |= is_body(item->kind) && item->sets_seen;
		f->has_flags |= item->kind == FETCH_FLAGS;
		f->has_modseq |= item->kind == FETCH_MODSEQ;
		has_uid |= item->kind == FETCH_UID;
	}
	return has_uid;
}

static bool
arguments(struct session *s, struct fetch *f, struct lex_text *set)
{
	struct lex *const l = &s->command.lex;
	bool has_uid;

	if (!lex_space(l) || !set_lex(l, set) || !lex_space(l) ||
		!fetch_args_lex(l, &f->args) ||
		!fetch_args_modifiers(l, &f->args) || !lex_end(l))
		return false;
	if ((f->args.vanished && (!s->command.uid || !s->qresync)) ||
		(f->args.window.partial && !s->command.uid))
		return false;
	has_uid = look_at_items(f);
	/* RFC 3501, 6.4.8: UID FETCH tells UIDs, asked for or not; RFC 7162,
	 * 3.1.4.1: CHANGEDSINCE asks for MODSEQ. */
	if ((s->command.uid && !has_uid && !add_first(&f->args, FETCH_UID)) ||
		(f->args.conditional && !f->has_modseq &&
			!add_first(&f->args, FETCH_MODSEQ)))
		return false;
	f->has_modseq |= f->args.conditional;
	find_wants(f);
	return true;
}

/* What has vanished is told before all else (RFC 7162, 3.2.6). */
static bool
tell_earlier(
	struct session *s, struct fetch const *f, struct lex_text const *set)
{
	s->out.len = 0;
	if (!vanished_earlier(
		    &s->out, &s->mailbox, set, f->args.changed_since, 0)) {
		session_reply_errno(s, "memory");
		return false;
	}
	session_send(s);
	return true;
}

static bool
is_wanted(struct session const *s, struct fetch const *f, size_t i)
{
	return session_has(s, i) &&
	       (!f->args.conditional ||
		       s->mailbox.view.v[i].modseq > f->args.changed_since);
}

bool
cmd_fetch_changed(
	struct session *s, struct lex_text const *uids, uint64_t modseq)
{
	struct msgtable const *const t = &s->mailbox.view;

	/* It knows of a later log than ours. */
	if (modseq > mailbox_highest(&s->mailbox))
		modseq = 0;
	if (uids->len > 0 && !session_set(s, uids, true))
		return false;
	for (size_t i = 0; i < s->told_exists; i++) {
		if (t->v[i].modseq <= modseq ||
			(uids->len > 0 && !session_has(s, i)))
			continue;
		s->out.len = 0;
		if (session_fetch(s, i, &s->out) &&
			session_modseq(s, i, true, &s->out) &&
			stralloc_cats(&s->out, "FLAGS ") &&
			session_flags(s, i, &s->out) &&
			stralloc_cats(&s->out, ")\r\n"))
			session_send(s);
	}
	return true;
}

/* PARTIAL: of the messages of the set, the first ones or the last ones. */
static void
keep_window(struct session *s, struct search_return const *window)
{
	size_t count = 0, from, to, n = 0;

	for (size_t i = 0; i < s->told_exists; i++)
		count += session_has(s, i);
	search_return_window(window, count, &from, &to);
	for (size_t i = 0; i < s->told_exists; i++)
		if (session_has(s, i) && (n++ < from || n > to))
			s->bits.s[i / 8] =
				(char)((unsigned char)s->bits.s[i / 8] &
					~(1u << i % 8));
}

/* Does it ask for what all messages have to be looked at for? */
static bool
wants_all(struct fetch const *f, struct lex_text const *set)
{
	return SAVED_IS(set) || f->needs_seen || f->args.conditional ||
	       f->args.vanished || f->args.window.partial;
}

/* What is remembered of the messages in the set is read. False: answered. */
static bool
get_messages(
	struct session *s, struct fetch const *f, struct lex_text const *set)
{
	bool const all = wants_all(f, set);
	bool const names = f->needs_text || f->wants_savedate || f->wants != 0;

	if (all && !mailbox_ready(&s->mailbox)) {
		session_reply_errno(s, "mailbox");
		return false;
	}
	if (!session_set(s, set, s->command.uid))
		return false;
	if (all || need_messages(s, names) || mailbox_ready(&s->mailbox))
		return true;
	session_reply_errno(s, "mailbox");
	return false;
}

void
cmd_fetch(struct session *s)
{
	static struct fetch f;
	struct lex_text set;

	if (!arguments(s, &f, &set)) {
		session_reply_syntax(s);
		return;
	}
	if (f.has_modseq)
		session_condstore(s);
	if (!get_messages(s, &f, &set) ||
		(f.args.vanished && !tell_earlier(s, &f, &set)))
		return;
	if (f.args.window.partial)
		keep_window(s, &f.args.window);
	f.content = (struct content)CONTENT_ZERO;
	f.gone = f.failed = f.not_decoded = 0;
	for (size_t i = 0; i < s->told_exists && s->stream->error == 0; i++)
		if (is_wanted(s, &f, i) && !fetch_message(s, &f, i)) {
			f.failed++;
			break;
		}
	content_free(&f.content);
	if (f.failed > 0)
		session_reply(s, "NO",
			"[UNAVAILABLE] Some of the messages "
			"could not be read");
	else if (f.not_decoded > 0)
		session_reply(
			s, "NO", "[UNKNOWN-CTE] Some parts cannot be decoded");
	else if (f.gone > 0 && !s->command.uid)
		session_reply(s, "NO",
			"[EXPUNGEISSUED] Some of the messages are gone");
	else
		session_reply(s, "OK", "FETCH completed");
}

void
cmd_fetch_new(struct session *s, char const *text, size_t len, size_t from)
{
	static struct fetch f;
	static char unquoted[NOTIFY_FETCH_LEN];
	struct lex l;

	if (len > sizeof unquoted)
		return;
	lex_init(&l, text, len, unquoted);
	if (!fetch_args_lex(&l, &f.args))
		return;
	f.args.conditional = f.args.vanished = f.args.window.partial = false;
	(void)look_at_items(&f);
	/* Nobody has read what is told of by itself. */
	f.needs_seen = false;
	find_wants(&f);
	f.content = (struct content)CONTENT_ZERO;
	for (size_t i = from; i < s->told_exists && s->stream->error == 0; i++)
		if (!fetch_message(s, &f, i))
			break;
	content_free(&f.content);
}
