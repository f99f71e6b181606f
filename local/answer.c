/* Automatic answers: whether, and what; see answer.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/addr.h"
#include "common/datetime.h"
#include "common/id.h"
#include "local/answer.h"
#include "mime/address.h"
#include "mime/encode.h"
#include "mime/header.h"
#include "mime/rfc2047.h"

/* Octets of References that are kept. */
#define REFERENCES_MAX 2000
/* Octets of a header that goes back with a rejection. */
#define RETURNED_MAX 16384

static bool
is(char const *s, size_t len, char const *word)
{
	return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

/* The key of an address without its detail; 0: it is none. */
static size_t
key_of(char const *s, size_t len, char key[ADDR_KEY_MAX])
{
	enum addr_error error;
	struct addr a;
	size_t n, base;

	if (!addr_parse(s, len, ADDR_ALLOW_UTF8 | ADDR_ALLOW_LONG, &a, &error))
		return 0;
	n = addr_key(&a, key, ADDR_KEY_MAX);
	base = n > 0 ? addr_key_base(key, n) : 0;
	return base > 0 ? base : n;
}

static bool
same(char const *a, size_t a_len, char const *b, size_t b_len)
{
	char x[ADDR_KEY_MAX], y[ADDR_KEY_MAX];
	size_t const n = key_of(a, a_len, x);

	return n > 0 && n == key_of(b, b_len, y) && memcmp(x, y, n) == 0;
}

static bool
is_own(struct answer_facts const *f, char const *addresses, char const *s,
	size_t len)
{
	if (same(f->recipient, f->recipient_len, s, len))
		return true;
	while (addresses != NULL && *addresses != '\0') {
		size_t const n = strcspn(addresses, " ");

		if (same(addresses, n, s, len))
			return true;
		addresses += n + strspn(addresses + n, " ");
	}
	return false;
}

/* Senders that are programs, by the names that they have (RFC 3834, 2). */
static bool
is_program(char const *s, size_t len)
{
	static char const *const names[] = {"mailer-daemon", "listserv",
		"majordomo", "mailman", "noreply", "no-reply", "donotreply",
		"do-not-reply", "bounce", "bounces", "root"};
	static char const *const ends[] = {
		"-request", "-owner", "-bounces", "-bounce", "-noreply"};
	char const *const at = memrchr(s, '@', len);
	size_t const n = at != NULL ? (size_t)(at - s) : len;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (is(s, n, names[i]))
			return true;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n > strlen(ends[i]) &&
			is(s + n - strlen(ends[i]), strlen(ends[i]), ends[i]))
			return true;
	return n > 6 && strncasecmp(s, "owner-", 6) == 0;
}

/* The first word of a value. */
static bool
says(struct header_field const *f, char const *word)
{
	size_t start = 0, n = 0;

	while (start < f->value_len && strchr(" \t\r\n", f->value[start]))
		start++;
	while (start + n < f->value_len &&
		strchr(" \t\r\n;,(", f->value[start + n]) == NULL)
		n++;
	return is(f->value + start, n, word);
}

static char const *
refusal_by(struct header_field const *f)
{
	static char const *const lists[] = {"list-id", "list-help",
		"list-subscribe", "list-unsubscribe", "list-post", "list-owner",
		"list-archive", "mailing-list", "x-mailing-list"};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (header_is(f, lists[i]))
			return "it came through a list";
	if (header_is(f, "auto-submitted") && !says(f, "no"))
		return "a program has sent it";
	if (header_is(f, "precedence") &&
		(says(f, "bulk") || says(f, "list") || says(f, "junk")))
		return "it is bulk mail";
	if (header_is(f, "x-auto-response-suppress") && !says(f, "none"))
		return "its sender wants no answers";
	if (header_is(f, "content-type") && says(f, "multipart/report"))
		return "it is a report";
	return NULL;
}

/* Whether one of the owner's addresses is in a field of addressees. */
static int
names_owner(struct answer_facts const *f, struct header_field const *field,
	char const *addresses)
{
	static char const *const names[] = {
		"to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"};
	stralloc buf = STRALLOC_ZERO;
	struct address_cursor c;
	struct address a;
	bool wanted = false, found = false;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		wanted = wanted || header_is(field, names[i]);
	if (!wanted || !stralloc_ready(&buf, ADDRESS_BUF(field->value_len)))
		return false;
	address_init(&c, field->value, field->value_len, buf.s);
	while (!found && address_next(&c, &a) > 0) {
		char address[ADDR_KEY_MAX];

		if (a.kind != ADDRESS_MAILBOX || a.local.s == NULL ||
			a.host.s == NULL ||
			a.local.len + 1 + a.host.len > sizeof address)
			continue;
		memcpy(address, a.local.s, a.local.len);
		address[a.local.len] = '@';
		memcpy(address + a.local.len + 1, a.host.s, a.host.len);
		found = is_own(
			f, addresses, address, a.local.len + 1 + a.host.len);
	}
	stralloc_free(&buf);
	return found;
}

char const *
answer_refusal(struct answer_facts const *f, char const *addresses)
{
	struct header_field field;
	bool is_named = false;
	size_t pos = 0;

	if (f->sender_len == 0)
		return "it has no sender";
	if (f->is_junk)
		return "it is junk";
	if (is_program(f->sender, f->sender_len))
		return "its sender is a program";
	if (is_own(f, addresses, f->sender, f->sender_len))
		return "its sender is its owner";
	while (header_next(f->header, f->header_len, &pos, &field) > 0) {
		char const *const why = refusal_by(&field);

		if (why != NULL)
			return why;
		is_named = is_named || names_owner(f, &field, addresses);
	}
	return is_named ? NULL : "it was not addressed to its owner";
}

static bool
put(stralloc *out, char const *s)
{
	return stralloc_cats(out, s);
}

/* A value on one line. */
static bool
put_value(stralloc *out, char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char const c =
			(unsigned char)s[i] < ' ' || s[i] == 127 ? ' ' : s[i];

		if (!stralloc_append(out, c))
			return false;
	}
	return true;
}

/* "Name: value", encoded where need be. */
static bool
put_text(stralloc *out, char const *name, char const *s, size_t len)
{
	stralloc flat = STRALLOC_ZERO;
	size_t column = strlen(name) + 2;
	bool const ok = put_value(&flat, s, len) && put(out, name) &&
			put(out, ": ") &&
			encode_words(out, flat.s != NULL ? flat.s : "",
				flat.len, &column) &&
			put(out, "\n");

	stralloc_free(&flat);
	return ok;
}

static bool
put_address(stralloc *out, char const *name, char const *s, size_t len)
{
	return put(out, name) && put(out, ": <") && put_value(out, s, len) &&
	       put(out, ">\n");
}

/* The display name of each address encoded, the rest as it is. */
static bool
put_from(stralloc *out, char const *s)
{
	size_t const len = strlen(s);
	size_t column = 6;
	stralloc buf = STRALLOC_ZERO;
	struct address_cursor c;
	struct address a;
	bool ok = stralloc_ready(&buf, ADDRESS_BUF(len)) && put(out, "From:");
	bool is_first = true;

	if (ok)
		address_init(&c, s, len, buf.s);
	while (ok && address_next(&c, &a) > 0) {
		if (a.kind != ADDRESS_MAILBOX || a.local.s == NULL)
			continue;
		ok = put(out, is_first ? " " : ",\n ");
		is_first = false;
		if (ok && a.name.len > 0)
			ok = encode_phrase(
				     out, a.name.s, a.name.len, &column) &&
			     put(out, " ");
		ok = ok && put(out, "<") &&
		     put_value(out, a.local.s, a.local.len) && put(out, "@") &&
		     put_value(out, a.host.s != NULL ? a.host.s : "",
			     a.host.len) &&
		     put(out, ">");
	}
	stralloc_free(&buf);
	return ok && put(out, "\n");
}

static bool
find(struct answer_facts const *f, char const *name, stralloc *value)
{
	struct header_field field;

	value->len = 0;
	if (!header_find(f->header, f->header_len, name, &field) ||
		!stralloc_ready(value, field.value_len + 1))
		return false;
	value->len = header_unfold(field.value, field.value_len, value->s);
	while (value->len > 0 && strchr(" \t", value->s[value->len - 1]))
		value->len--;
	return value->len > 0;
}

/* Date, Message-ID, and what stops other programs from answering. */
static bool
put_common(stralloc *out, struct answer_facts const *f, char const *kind)
{
	char date[DATETIME_MAX], id[ID_LEN + 1];

	datetime_format(date, f->now);
	id_make(id);
	return put(out, "Date: ") && put(out, date) &&
	       put(out, "\nMessage-ID: <") && put(out, id) && put(out, "@") &&
	       put(out, f->hostname) && put(out, ">\nAuto-Submitted: ") &&
	       put(out, kind) && put(out, "\n");
}

static bool
put_thread(stralloc *out, struct answer_facts const *f)
{
	stralloc id = STRALLOC_ZERO, old = STRALLOC_ZERO;
	bool ok = true;

	if (find(f, "message-id", &id)) {
		if (!find(f, "references", &old))
			(void)find(f, "in-reply-to", &old);
		if (old.len > REFERENCES_MAX)
			old.len = 0;
		ok = put(out, "In-Reply-To: ") &&
		     put_value(out, id.s, id.len) &&
		     put(out, "\nReferences:") &&
		     (old.len == 0 || (put(out, " ") && put_value(out, old.s,
								old.len))) &&
		     put(out, "\n ") && put_value(out, id.s, id.len) &&
		     put(out, "\n");
	}
	stralloc_free(&id);
	stralloc_free(&old);
	return ok;
}

/* Text as a body, with its fields in front. */
static bool
put_body(stralloc *out, char const *s, size_t len)
{
	stralloc text = STRALLOC_ZERO;
	enum encode_text e;
	bool ok = true;

	for (size_t i = 0; ok && i < len; i++)
		if (s[i] != '\r')
			ok = stralloc_append(&text, s[i]);
	ok = ok && stralloc_ready(&text, 1);
	e = ok ? encode_choose(text.s, text.len) : ENCODE_7BIT;
	ok = ok &&
	     put(out, "Content-Type: text/plain; charset=utf-8\n"
		      "Content-Transfer-Encoding: ") &&
	     put(out, encode_name(e)) && put(out, "\n\n") &&
	     encode_text(out, e, text.s, text.len);
	stralloc_free(&text);
	return ok;
}

static bool
put_subject(stralloc *out, struct answer_facts const *f, char const *subject)
{
	stralloc raw = STRALLOC_ZERO, text = STRALLOC_ZERO;
	bool ok;

	if (subject != NULL)
		return put_text(out, "Subject", subject, strlen(subject));
	ok = stralloc_copys(&text, "Auto: ");
	if (ok && find(f, "subject", &raw))
		ok = rfc2047_decode(&text, raw.s, raw.len);
	else if (ok)
		ok = stralloc_copys(&text, "Automated reply");
	ok = ok && put_text(out, "Subject", text.s, text.len);
	stralloc_free(&raw);
	stralloc_free(&text);
	return ok;
}

bool
answer_vacation(stralloc *out, struct answer_facts const *f,
	struct sieve_action const *a)
{
	bool ok = a->from != NULL ? put_from(out, a->from)
				  : put_address(out, "From", f->recipient,
					    f->recipient_len);

	ok = ok && put_address(out, "To", f->sender, f->sender_len) &&
	     put_subject(out, f, a->subject) &&
	     put_common(out, f, "auto-replied (vacation)") &&
	     put_thread(out, f) &&
	     put(out, "Precedence: bulk\nX-Auto-Response-Suppress: All\n"
		      "MIME-Version: 1.0\n");
	/* :mime: the reason has its own Content fields (RFC 5230, 4.4). */
	if (ok && a->is_mime)
		return stralloc_catb(out, a->target, a->target_len);
	return ok && put_body(out, a->target, a->target_len);
}

/* The header that came, as it may go back. */
static size_t
returned_len(struct answer_facts const *f)
{
	size_t len =
		f->header_len < RETURNED_MAX ? f->header_len : RETURNED_MAX;

	while (len > 0 && f->header[len - 1] != '\n')
		len--;
	return len;
}

bool
answer_rejection(stralloc *out, struct answer_facts const *f,
	char const *reason, size_t reason_len)
{
	static char const intro[] =
		"Your message was refused by the filter of its recipient. The "
		"reason given:\n\n";
	stralloc text = STRALLOC_ZERO, id = STRALLOC_ZERO;
	char boundary[ID_LEN + 1];
	bool ok;

	id_make(boundary);
	ok = put_address(out, "From", f->recipient, f->recipient_len) &&
	     put_address(out, "To", f->sender, f->sender_len) &&
	     put(out, "Subject: Your message was refused\n") &&
	     put_common(out, f, "auto-replied (rejected)") &&
	     put_thread(out, f) &&
	     put(out, "MIME-Version: 1.0\nContent-Type: multipart/report; "
		      "report-type=disposition-notification;\n boundary=\"") &&
	     put(out, boundary) && put(out, "\"\n\n--") && put(out, boundary) &&
	     put(out, "\n") && stralloc_copys(&text, intro) &&
	     stralloc_catb(&text, reason, reason_len) &&
	     put_body(out, text.s, text.len) && put(out, "\n--") &&
	     put(out, boundary) &&
	     put(out, "\nContent-Type: message/disposition-notification\n\n"
		      "Reporting-UA: ") &&
	     put(out, f->hostname) &&
	     put(out, "; Kereru\nFinal-Recipient: rfc822; ") &&
	     put_value(out, f->recipient, f->recipient_len) && put(out, "\n");
	if (ok && find(f, "message-id", &id))
		ok = put(out, "Original-Message-ID: ") &&
		     put_value(out, id.s, id.len) && put(out, "\n");
	ok = ok &&
	     put(out, "Disposition: automatic-action/MDN-sent-automatically; "
		      "deleted\n\n--") &&
	     put(out, boundary) &&
	     put(out, "\nContent-Type: text/rfc822-headers\n\n") &&
	     stralloc_catb(out, f->header, returned_len(f)) &&
	     put(out, "\n--") && put(out, boundary) && put(out, "--\n");
	stralloc_free(&text);
	stralloc_free(&id);
	return ok;
}

bool
answer_fault(stralloc *out, struct answer_facts const *f,
	struct sieve_fault const *fault)
{
	char text[700];
	int const n = snprintf(text, sizeof text,
		"The filter of this mailbox has failed, and what it was to "
		"sort is kept\nin INBOX until it is mended:\n\n"
		"    %s%sline %u: %s\n\n"
		"This is told once for each fault.\n",
		fault->script, fault->script[0] != '\0' ? ", " : "",
		fault->line, fault->text);

	return put(out, "From: Kereru <postmaster@") && put(out, f->hostname) &&
	       put(out, ">\n") &&
	       put_address(out, "To", f->recipient, f->recipient_len) &&
	       put(out, "Subject: Your mail filter has a fault\n") &&
	       put_common(out, f, "auto-generated") &&
	       put(out, "MIME-Version: 1.0\n") &&
	       put_body(out, text, n > 0 ? (size_t)n : 0);
}
