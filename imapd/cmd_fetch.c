/* FETCH (RFC 3501, 6.4.5 and 7.4.2). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/log.h"
#include "imapd/binary.h"
#include "imapd/body.h"
#include "imapd/commands.h"
#include "imapd/content.h"
#include "imapd/fetch_args.h"
#include "imapd/preview.h"
#include "imapd/set.h"
#include "mime/imap.h"

struct fetch {
	struct fetch_args args;
	bool needs_seen, has_flags;
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
	char text[48];

	(void)snprintf(
		text, sizeof text, "%s %llu", label, (unsigned long long)n);
	return stralloc_cats(out, text);
}

/* Seconds as " 1-Feb-1994 21:52:25 +0000" */
static bool
add_date(stralloc *out, int64_t seconds)
{
	static char const months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t const t = seconds;
	char text[64];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099)
		return false;
	(void)snprintf(text, sizeof text,
		"INTERNALDATE \"%2d-%s-%04d %02d:%02d:%02d +0000\"", tm.tm_mday,
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
	if (!body_size(&f->content, size_r))
		return false;
	if (*size_r < MESSAGE_SIZE_UNKNOWN)
		v->size = (uint32_t)*size_r;
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
		return add_date(out, c->st.st_mtim.tv_sec);
	case FETCH_RFC822_SIZE:
		return size_of(s, f, i, &size) &&
		       add_number(out, "RFC822.SIZE", size);
	case FETCH_ENVELOPE:
		return content_header(c) && stralloc_cats(out, "ENVELOPE ") &&
		       imap_envelope(out, c->s, c->header_len);
	case FETCH_BODY:
	case FETCH_BODYSTRUCTURE:
		return content_parts(c) &&
		       stralloc_cats(out, item->kind == FETCH_BODY
						  ? "BODY "
						  : "BODYSTRUCTURE ") &&
		       imap_bodystructure(out, c->s, c->parts, c->parts_count,
			       item->kind == FETCH_BODYSTRUCTURE);
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
		return body_send(s, c, &f->args, item);
	}
	return false;
}

enum need { NOTHING, DATE, TEXT };

/* How much of the file is needed. */
static enum need
needed(struct session const *s, struct fetch_args const *args, size_t i)
{
	bool const has_size = s->mailbox.view.v[i].size != MESSAGE_SIZE_UNKNOWN;
	enum need need = NOTHING;

	for (size_t k = 0; k < args->items_count; k++) {
		enum fetch_kind const kind = args->items[k].kind;

		if (kind > FETCH_RFC822_SIZE ||
			(kind == FETCH_RFC822_SIZE && !has_size))
			return TEXT;
		if (kind == FETCH_INTERNALDATE)
			need = DATE;
	}
	return need;
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

	enum need const need = needed(s, &f->args, i);

	if (need != NOTHING) {
		int const r = need == TEXT ? content_open(&f->content, m, i)
					   : content_stat(&f->content, m, i);

		if (r <= 0) {
			f->gone += r == 0;
			f->failed += r < 0;
			return true;
		}
	}
	if (f->needs_seen && !m->read_only &&
		!(m->view.v[i].system & FLAG_SEEN))
		flags_changed =
			mailbox_store(m, i, FLAG_STORE_ADD, FLAG_SEEN, 0) == 1;
	/* FLAGS tell it all, here or among the items. */
	if (flags_changed || f->has_flags)
		m->view.v[i].state &= (uint8_t)~MESSAGE_CHANGED;
	return send_items(s, f, i, flags_changed && !f->has_flags);
}

static bool
arguments(struct session *s, struct fetch *f, struct lex_text *set)
{
	struct lex *const l = &s->command.lex;
	bool has_uid = false;

	if (!lex_space(l) || !set_lex(l, set) || !lex_space(l) ||
		!fetch_args_lex(l, &f->args) || !lex_end(l))
		return false;
	f->needs_seen = f->has_flags = false;
	for (size_t k = 0; k < f->args.items_count; k++) {
		struct fetch_item const *const item = &f->args.items[k];

		f->needs_seen |= is_body(item->kind) && item->sets_seen;
		f->has_flags |= item->kind == FETCH_FLAGS;
		has_uid |= item->kind == FETCH_UID;
	}
	/* RFC 3501, 6.4.8: UID FETCH tells UIDs, asked for or not. */
	if (s->command.uid && !has_uid) {
		if (f->args.items_count == FETCH_ITEMS_MAX)
			return false;
		memmove(f->args.items + 1, f->args.items,
			f->args.items_count * sizeof *f->args.items);
		f->args.items_count++;
		f->args.items[0] = (struct fetch_item){.kind = FETCH_UID};
	}
	return true;
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
	if (!session_set(s, &set, s->command.uid))
		return;
	f.content = (struct content)CONTENT_ZERO;
	f.gone = f.failed = f.not_decoded = 0;
	for (size_t i = 0; i < s->told_exists && s->stream->error == 0; i++)
		if (session_has(s, i) && !fetch_message(s, &f, i)) {
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
