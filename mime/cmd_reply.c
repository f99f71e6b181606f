/*
 * mime reply and forward: drafts (draft.h) on standard output.
 *
 * What comes from the message is made harmless and put on one line of its
 * own: it can add no field to the draft, an Attach least of all.
 */
#include <string.h>
#include <strings.h>

#include "mime/address.h"
#include "mime/body.h"
#include "mime/charset.h"
#include "mime/command.h"
#include "mime/encode.h"
#include "mime/rfc2047.h"
#include "mime/terminal.h"
#include "mime/uufiles.h"

struct drafting {
	struct message const *m;
	stralloc *out;
	stralloc text, key;
	stralloc seen; /* addresses that are in the draft, NUL-ended */
};

/* Foreign octets as one harmless line. */
static bool
put_line(stralloc *out, char const *s, size_t len)
{
	stralloc utf8 = STRALLOC_ZERO;
	bool const ok = charset_to_utf8("", 0, s, len, &utf8) &&
			terminal_line(out, utf8.s, utf8.len);

	stralloc_free(&utf8);
	return ok;
}

static bool
is_seen(struct drafting *d, char const *key)
{
	for (size_t i = 0; i < d->seen.len; i += strlen(d->seen.s + i) + 1)
		if (strcasecmp(d->seen.s + i, key) == 0)
			return true;
	return false;
}

static bool
put_name(struct drafting *d, struct address const *a)
{
	stralloc line = STRALLOC_ZERO, quoted = STRALLOC_ZERO;
	bool ok = true;

	d->text.len = 0;
	if (a->name.len > 0)
		ok = rfc2047_decode(&d->text, a->name.s, a->name.len) &&
		     terminal_line(&line, d->text.s, d->text.len) &&
		     encode_quoted_string(&quoted, line.s, line.len) &&
		     stralloc_catb(d->out, quoted.s, quoted.len) &&
		     stralloc_cats(d->out, " ");
	stralloc_free(&line);
	stralloc_free(&quoted);
	return ok;
}

static bool
needs_quotes(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(" \"(),:;<>[]\\@", s[i]))
			return true;
	return s[0] == '.' || s[len - 1] == '.';
}

/* `"name" <local@host>`, once each; what is no address is left out. */
static bool
put_address(struct drafting *d, struct address const *a, bool *first)
{
	if (a->kind != ADDRESS_MAILBOX || a->local.len == 0 || a->host.len == 0)
		return true;
	d->key.len = 0;
	if (!put_line(&d->key, a->local.s, a->local.len) ||
		!stralloc_cats(&d->key, "@") ||
		!put_line(&d->key, a->host.s, a->host.len) ||
		!stralloc_0(&d->key))
		return false;
	if (is_seen(d, d->key.s))
		return true;
	if (!stralloc_catb(&d->seen, d->key.s, d->key.len) ||
		(!*first && !stralloc_cats(d->out, ", ")))
		return false;
	*first = false;
	if (!put_name(d, a) || !stralloc_cats(d->out, "<"))
		return false;
	d->text.len = 0;
	if (!put_line(&d->text, a->local.s, a->local.len))
		return false;
	if (needs_quotes(d->text.s, d->text.len)
			? !encode_quoted_string(d->out, d->text.s, d->text.len)
			: !stralloc_catb(d->out, d->text.s, d->text.len))
		return false;
	return stralloc_cats(d->out, "@") &&
	       put_line(d->out, a->host.s, a->host.len) &&
	       stralloc_cats(d->out, ">");
}

static bool
put_addresses(struct drafting *d, char const *field_name, bool *first)
{
	struct header_field f;
	struct address_cursor c;
	struct address a;
	stralloc buf = STRALLOC_ZERO;
	bool ok = true;

	if (!message_field(d->m, &d->m->parts[0], field_name, &f))
		return true;
	if (!stralloc_ready(&buf, ADDRESS_BUF(f.value_len)))
		return false;
	address_init(&c, f.value, f.value_len, buf.s);
	while (ok && address_next(&c, &a) > 0)
		ok = put_address(d, &a, first);
	stralloc_free(&buf);
	return ok;
}

static bool
has(struct drafting const *d, char const *name)
{
	struct header_field f;

	return message_field(d->m, &d->m->parts[0], name, &f);
}

/* From: who replies, as -m says; not written to, then. */
static bool
put_from(struct drafting *d, struct request const *r)
{
	char const *const me = options_value(r->options, 'm', "");
	char const *const open = strrchr(me, '<');
	char const *const start = open ? open + 1 : me;

	return stralloc_cats(d->out, "From: ") && stralloc_cats(d->out, me) &&
	       stralloc_cats(d->out, "\n") &&
	       stralloc_catb(&d->seen, start, strcspn(start, ">")) &&
	       stralloc_0(&d->seen);
}

/* prefix "Re: " stands once, whatever the case. */
static bool
put_subject(struct drafting *d, char const *prefix)
{
	struct header_field f;
	size_t const word = strlen(prefix) - 1;
	size_t skip = 0;

	d->text.len = 0;
	if (message_field(d->m, &d->m->parts[0], "subject", &f) &&
		!mime_headers_decode(&f, &d->text))
		return false;
	while (d->text.len - skip >= word &&
		strncasecmp(d->text.s + skip, prefix, word) == 0) {
		skip += word;
		while (skip < d->text.len && d->text.s[skip] == ' ')
			skip++;
	}
	return stralloc_cats(d->out, "Subject: ") &&
	       stralloc_cats(d->out, prefix) &&
	       terminal_line(d->out, d->text.s + skip, d->text.len - skip) &&
	       stralloc_cats(d->out, "\n");
}

/* The ids in a field, "<...>" each, one blank between them. */
static bool
put_ids(struct drafting *d, char const *name)
{
	struct header_field f;
	char const *s, *end, *stop;

	if (!message_field(d->m, &d->m->parts[0], name, &f))
		return true;
	stop = f.value + f.value_len;
	for (s = f.value; (s = memchr(s, '<', (size_t)(stop - s))); s = end) {
		bool plain = true;

		end = memchr(s, '>', (size_t)(stop - s));
		if (!end)
			return true;
		end++;
		for (char const *p = s; p < end; p++)
			plain = plain && *p > ' ' && *p < 0x7f;
		if (plain && end - s < ENCODE_LINE_MAX / 2 &&
			(!stralloc_cats(d->out, " ") ||
				!stralloc_catb(d->out, s, (size_t)(end - s))))
			return false;
	}
	return true;
}

/* RFC 5322, 3.6.4 */
static bool
put_references(struct drafting *d)
{
	return stralloc_cats(d->out, "In-Reply-To:") &&
	       put_ids(d, "message-id") &&
	       stralloc_cats(d->out, "\nReferences:") &&
	       put_ids(d,
		       has(d, "references") ? "references" : "in-reply-to") &&
	       put_ids(d, "message-id") && stralloc_cats(d->out, "\n");
}

struct quote {
	struct terminal terminal;
	stralloc text;
};

static bool
push_text(void *arg, char const *s, size_t len)
{
	struct quote *const q = arg;

	return terminal_push(&q->terminal, s, len, &q->text);
}

static bool
put_quoted(struct drafting *d, struct quote const *q, char const *mark)
{
	size_t pos = 0;

	while (pos < q->text.len) {
		size_t content;
		size_t const end =
			header_line(q->text.s, q->text.len, pos, &content);
		/* ">> " for what is "> " already. */
		char const *const s = q->text.s + pos;
		bool const tight = content == 0 || s[0] == '>';

		if (!stralloc_cats(d->out, mark) ||
			(!tight && mark[0] != '\0' &&
				!stralloc_cats(d->out, " ")) ||
			!stralloc_catb(d->out, s, content) ||
			!stralloc_cats(d->out, "\n") ||
			!command_flush(d->out, false))
			return false;
		pos = end;
	}
	return true;
}

/* What is passed on is so with the files in it; an answer needs none. */
static bool
put_text(struct drafting *d, char const *mark)
{
	bool const is_answer = mark[0] != '\0';
	char const *const type = body_type_shown(d->m);
	struct quote q = {.text = STRALLOC_ZERO};
	bool ok = true;

	for (size_t i = 0; ok && i < d->m->count; i++)
		if (body_is_shown(d->m, &d->m->parts[i], type))
			ok = (is_answer ? uufiles_text : body_text)(
				d->m, &d->m->parts[i], push_text, &q);
	ok = ok && put_quoted(d, &q, mark);
	stralloc_free(&q.text);
	return ok;
}

static bool
put_field(struct drafting *d, char const *name, char const *before,
	char const *after)
{
	struct header_field f;

	return !message_field(d->m, &d->m->parts[0], name, &f) ||
	       (stralloc_cats(d->out, before) &&
		       mime_headers_value(&f, d->out) &&
		       stralloc_cats(d->out, after));
}

static bool
finish(struct drafting *d, bool ok)
{
	stralloc_free(&d->text);
	stralloc_free(&d->key);
	stralloc_free(&d->seen);
	return ok;
}

static bool
reply(struct drafting *d, struct request const *r)
{
	bool first = true, to_first;
	char const *const to = has(d, "reply-to") ? "reply-to" : "from";

	if (!put_from(d, r) || !stralloc_cats(d->out, "To: ") ||
		!put_addresses(d, to, &first) || !stralloc_cats(d->out, "\n"))
		return false;
	to_first = true;
	if (options_has(r->options, 'a') &&
		(!stralloc_cats(d->out, "Cc: ") ||
			!put_addresses(d, "to", &to_first) ||
			!put_addresses(d, "cc", &to_first) ||
			!stralloc_cats(d->out, "\n")))
		return false;
	return put_subject(d, "Re: ") && put_references(d) &&
	       stralloc_cats(d->out, "\n") &&
	       put_field(d, "date", "On ", ", ") &&
	       put_field(d, "from", "", " wrote:\n") && put_text(d, ">");
}

bool
mime_reply(struct message const *m, struct request *r, stralloc *out)
{
	struct drafting d = {.m = m, .out = out};

	return finish(&d, reply(&d, r));
}

/* The whole message goes with the draft, if it has a name that a line of the
 * draft can hold; else its text alone. */
static bool
forward(struct drafting *d, struct request const *r)
{
	char const *const file = r->file;
	bool const attach = strcmp(file, "-") != 0 && !strpbrk(file, "\r\n") &&
			    file[0] != ' ' && file[0] != '\0' &&
			    file[strlen(file) - 1] != ' ';

	if (!put_from(d, r) || !stralloc_cats(d->out, "To: ") ||
		!stralloc_cats(d->out, options_value(r->options, 't', "")) ||
		!stralloc_cats(d->out, "\n") || !put_subject(d, "Fwd: "))
		return false;
	if (attach)
		return stralloc_cats(d->out, "Attach-Message: ") &&
		       stralloc_cats(d->out, file) &&
		       stralloc_cats(d->out, "\n\n");
	return stralloc_cats(
		       d->out, "\n-------- Forwarded message --------\n") &&
	       put_field(d, "from", "From: ", "\n") &&
	       put_field(d, "date", "Date: ", "\n") &&
	       put_field(d, "to", "To: ", "\n") &&
	       put_field(d, "cc", "Cc: ", "\n") &&
	       put_field(d, "subject", "Subject: ", "\n") &&
	       stralloc_cats(d->out, "\n") && put_text(d, "");
}

bool
mime_forward(struct message const *m, struct request *r, stralloc *out)
{
	struct drafting d = {.m = m, .out = out};

	return finish(&d, forward(&d, r));
}
