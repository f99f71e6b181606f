/* The header of what a list gets, and of what it sends; see listhead.h. */
#include "local/list/listhead.h"
#include <string.h>
#include <strings.h>
#include "common/addr.h"
#include "local/list/listrole.h"
#include "mime/address.h"
#include "mime/encode.h"
#include "mime/header.h"
#include "mime/rfc2047.h"

static bool
is_in(struct header_field const *f, char const *const *names)
{
	for (; *names != NULL; names++)
		if (header_is(f, *names))
			return true;
	return false;
}

/* A list's own word on a message is the last (RFC 2369, 4). */
static char const *const replaced[] = {"list-id", "list-help", "list-subscribe",
	"list-unsubscribe", "list-unsubscribe-post", "list-post", "list-owner",
	"list-archive", "precedence", "return-path", NULL};

static bool
put(stralloc *out, char const *s)
{
	return stralloc_cats(out, s);
}

/* A field as it came, its line end a CRLF. */
static bool
put_raw(stralloc *out, struct header_field const *f)
{
	size_t n = f->line_len;

	while (n > 0 && (f->line[n - 1] == '\n' || f->line[n - 1] == '\r'))
		n--;
	return stralloc_catb(out, f->line, n) && put(out, "\r\n");
}

static bool
put_mailto(stralloc *out, struct listset const *set, char const *name,
	enum listrole role)
{
	return put(out, name) && put(out, ": <mailto:") &&
	       listrole_address(out, set, role, "") && put(out, ">\r\n");
}

static bool
put_display_name(stralloc *out, char const *s, size_t len, size_t *column)
{
	return encode_phrase(out, s, len, column);
}

bool
listhead_fields(
	stralloc *out, struct listset const *set, bool leaves_unsubscribe)
{
	size_t column = 9;

	return put(out, "List-Id: ") &&
	       put_display_name(out, set->name.s, set->name.len, &column) &&
	       put(out, " <") && listrole_id(out, set) && put(out, ">\r\n") &&
	       put_mailto(out, set, "List-Post", LISTROLE_POST) &&
	       put_mailto(out, set, "List-Help", LISTROLE_REQUEST) &&
	       put_mailto(out, set, "List-Subscribe", LISTROLE_SUBSCRIBE) &&
	       (leaves_unsubscribe || put_mailto(out, set, "List-Unsubscribe",
					      LISTROLE_UNSUBSCRIBE)) &&
	       put_mailto(out, set, "List-Owner", LISTROLE_OWNER) &&
	       put(out, "Precedence: list\r\n");
}

/* The decoded display name of the first author, or its local part. */
static bool
author_name(stralloc *out, struct header_field const *f)
{
	stralloc buf = STRALLOC_ZERO;
	struct address_cursor c;
	struct address a;
	bool ok = stralloc_ready(&buf, ADDRESS_BUF(f->value_len));

	if (ok)
		address_init(&c, f->value, f->value_len, buf.s);
	while (ok && address_next(&c, &a) > 0) {
		if (a.kind != ADDRESS_MAILBOX)
			continue;
		if (a.name.s != NULL && a.name.len > 0)
			ok = rfc2047_decode(out, a.name.s, a.name.len);
		else if (a.local.s != NULL)
			ok = stralloc_catb(out, a.local.s, a.local.len);
		break;
	}
	stralloc_free(&buf);
	return ok;
}

static bool
put_value(stralloc *out, char const *name, struct header_field const *f)
{
	size_t n = f->value_len, start = 0;

	while (n > 0 && strchr(" \t\r\n", f->value[n - 1]) != NULL)
		n--;
	while (start < n && (f->value[start] == ' ' || f->value[start] == '\t'))
		start++;
	return put(out, name) && put(out, ": ") &&
	       stralloc_catb(out, f->value + start, n - start) &&
	       put(out, "\r\n");
}

/* `Ann via list <list@example.org>` */
static bool
put_from(stralloc *out, struct listset const *set, struct header_field const *f)
{
	stralloc name = STRALLOC_ZERO;
	size_t column = 6;
	bool const ok = author_name(&name, f) && put(&name, " via ") &&
			stralloc_catb(&name, set->name.s, set->name.len) &&
			put(out, "From: ") &&
			encode_phrase(out, name.s, name.len, &column) &&
			put(out, "\r\n <") &&
			listrole_address(out, set, LISTROLE_POST, "") &&
			put(out, ">\r\n") &&
			put_value(out, "X-Original-From", f);

	stralloc_free(&name);
	return ok;
}

/* Whether s holds the word, without regard to case. */
static bool
contains(stralloc const *s, struct listset_text const *word)
{
	for (size_t i = 0; i + word->len <= s->len; i++)
		if (strncasecmp(s->s + i, word->s, word->len) == 0)
			return true;
	return false;
}

static bool
put_subject(
	stralloc *out, struct listset const *set, struct header_field const *f)
{
	size_t column = 9, start = 0;
	size_t n = f->value_len;

	while (n > 0 && strchr(" \t\r\n", f->value[n - 1]) != NULL)
		n--;
	while (start < n && (f->value[start] == ' ' || f->value[start] == '\t'))
		start++;
	return put(out, "Subject: ") &&
	       encode_words(out, set->tag.s, set->tag.len, &column) &&
	       put(out, " ") &&
	       stralloc_catb(out, f->value + start, n - start) &&
	       put(out, "\r\n");
}

/* 1 it lacks the tag, 0 it has it, or there is none to have, -1 memory. */
static int
wants_tag(struct listset const *set, char const *header, size_t len)
{
	stralloc text = STRALLOC_ZERO;
	int r = 0;

	if (set->tag.len > 0)
		r = !listhead_text(&text, header, len, "subject")
			    ? -1
			    : !contains(&text, &set->tag);
	stralloc_free(&text);
	return r;
}

bool
listhead_breaks(struct listset const *set, char const *header, size_t len)
{
	return set->has_footer || set->reply_to_list ||
	       wants_tag(set, header, len) != 0;
}

static bool
is_content(struct header_field const *f)
{
	return header_is(f, "mime-version") ||
	       (f->name_len > 8 && strncasecmp(f->name, "content-", 8) == 0);
}

static bool
put_reply_to(stralloc *out, struct listhead const *h, char const *header,
	size_t len, bool *drops_r)
{
	struct header_field f;

	*drops_r = h->set->reply_to_list;
	if (h->set->reply_to_list)
		return put(out, "Reply-To: <") &&
		       listrole_address(out, h->set, LISTROLE_POST, "") &&
		       put(out, ">\r\n");
	if (!h->rewrites_from || header_find(header, len, "reply-to", &f) ||
		!header_find(header, len, "from", &f))
		return true;
	return put_value(out, "Reply-To", &f);
}

/* One field of the posting. */
static bool
put_field(stralloc *out, struct listhead const *h, struct header_field const *f,
	bool tags, bool drops_reply_to)
{
	if (is_in(f, replaced) || f->name_len == 0 ||
		(drops_reply_to && header_is(f, "reply-to")) ||
		(h->boundary != NULL && is_content(f)))
		return true;
	if (h->rewrites_from && header_is(f, "from"))
		return put_from(out, h->set, f);
	/* The author's Sender goes with the author's From. */
	if (h->rewrites_from && header_is(f, "sender"))
		return true;
	if (tags && header_is(f, "subject"))
		return put_subject(out, h->set, f);
	return put_raw(out, f);
}

bool
listhead_make(
	stralloc *out, struct listhead const *h, char const *header, size_t len)
{
	int const tags = wants_tag(h->set, header, len);
	struct header_field f;
	bool drops, has_subject = false;
	size_t pos = 0;

	if (tags < 0 || !listhead_fields(out, h->set, h->leaves_unsubscribe) ||
		!put_reply_to(out, h, header, len, &drops))
		return false;
	while (header_next(header, len, &pos, &f) > 0) {
		has_subject = has_subject || header_is(&f, "subject");
		if (!put_field(out, h, &f, tags > 0, drops))
			return false;
	}
	if (tags > 0 && !has_subject) {
		f.value = "";
		f.value_len = 0;
		if (!put_subject(out, h->set, &f))
			return false;
	}
	return h->boundary == NULL ||
	       (put(out, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;"
			 "\r\n boundary=\"") &&
		       put(out, h->boundary) && put(out, "\"\r\n"));
}

bool
listhead_text(stralloc *out, char const *header, size_t len, char const *name)
{
	struct header_field f;
	stralloc flat = STRALLOC_ZERO;
	size_t const before = out->len;
	bool ok;

	if (!header_find(header, len, name, &f))
		return stralloc_ready(out, before + 1);
	ok = stralloc_ready(&flat, f.value_len + 1);
	if (ok) {
		flat.len = header_unfold(f.value, f.value_len, flat.s);
		ok = rfc2047_decode(out, flat.s, flat.len) &&
		     stralloc_readyplus(out, 1);
	}
	for (size_t i = before; ok && i < out->len; i++)
		if ((unsigned char)out->s[i] < ' ' || out->s[i] == 127)
			out->s[i] = ' ';
	while (ok && out->len > before && out->s[out->len - 1] == ' ')
		out->len--;
	stralloc_free(&flat);
	return ok;
}

bool
listhead_author(stralloc *out, char const *header, size_t len)
{
	struct header_field f;
	stralloc buf = STRALLOC_ZERO;
	struct address_cursor c;
	struct address a;
	bool found = false;

	if (!header_find(header, len, "from", &f) ||
		!stralloc_ready(&buf, ADDRESS_BUF(f.value_len)))
		return false;
	address_init(&c, f.value, f.value_len, buf.s);
	while (!found && address_next(&c, &a) > 0) {
		size_t const before = out->len;

		if (a.kind != ADDRESS_MAILBOX || a.local.s == NULL ||
			a.host.s == NULL)
			continue;
		found = stralloc_catb(out, a.local.s, a.local.len) &&
			stralloc_append(out, '@') &&
			stralloc_catb(out, a.host.s, a.host.len);
		if (!found)
			out->len = before;
		break;
	}
	stralloc_free(&buf);
	return found;
}
