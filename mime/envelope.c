/* Writes ENVELOPE; see envelope.h. */
#include "mime/address.h"
#include "mime/envelope.h"
#include "mime/header.h"
#include "mime/imap.h"

struct writer {
	stralloc *sa;
	stralloc *buf;
	size_t *addresses_left;
};

static bool
put(stralloc *sa, char const *s)
{
	return stralloc_cats(sa, s);
}

static bool
put_nstring(stralloc *sa, struct address_text const *text)
{
	return text->s ? imap_string(sa, text->s, text->len) : put(sa, "NIL");
}

/* Room for `len` octets at sa's start; its text is given up. */
static char *
scratch(stralloc *sa, size_t len)
{
	return stralloc_ready(sa, len + 1) ? sa->s : NULL;
}

enum envelope_field {
	ENVELOPE_DATE,
	ENVELOPE_SUBJECT,
	ENVELOPE_FROM,
	ENVELOPE_SENDER,
	ENVELOPE_REPLY_TO,
	ENVELOPE_TO,
	ENVELOPE_CC,
	ENVELOPE_BCC,
	ENVELOPE_IN_REPLY_TO,
	ENVELOPE_MESSAGE_ID,
	ENVELOPE_FIELDS
};

static char const *const envelope_names[ENVELOPE_FIELDS] = {"date", "subject",
	"from", "sender", "reply-to", "to", "cc", "bcc", "in-reply-to",
	"message-id"};

/*
 * A mailbox whose local part or host is missing gets a word in its place: NIL
 * there would mean a group (RFC 3501, 7.4.2).
 */
static bool
put_address(stralloc *sa, struct address const *a)
{
	static struct address_text const none = {0};
	static struct address_text const no_local = {"MISSING_MAILBOX", 15};
	static struct address_text const no_host = {"MISSING_DOMAIN", 14};
	struct address_text const *name = &none, *local = &none, *host = &none;

	switch (a->kind) {
	case ADDRESS_MAILBOX:
		name = &a->name;
		local = a->local.len > 0 ? &a->local : &no_local;
		host = a->host.len > 0 ? &a->host : &no_host;
		break;
	case ADDRESS_GROUP_START:
		local = &a->name;
		break;
	case ADDRESS_GROUP_END:
		break;
	}
	return put(sa, "(") && put_nstring(sa, name) && put(sa, " ") &&
	       put_nstring(sa, &a->route) && put(sa, " ") &&
	       put_nstring(sa, local) && put(sa, " ") &&
	       put_nstring(sa, host) && put(sa, ")");
}

/*
 * A run of blanks becomes one, those at the ends vanish: what a fold leaves
 * behind (often a tab) is not meant to be seen.
 */
static size_t
squeeze(char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool const blank = s[i] == ' ' || s[i] == '\t';

		if (blank && (n == 0 || s[n - 1] == ' '))
			continue;
		s[n++] = blank ? ' ' : s[i];
	}
	return n > 0 && s[n - 1] == ' ' ? n - 1 : n;
}

static bool
put_addresses(struct writer *w, struct header_field const *field)
{
	struct address_cursor c;
	struct address a;
	size_t const start = w->sa->len;
	char *space = scratch(w->buf, ADDRESS_BUF(field->value_len));

	if (!space || !put(w->sa, "("))
		return false;
	address_init(&c, field->value, field->value_len, space);
	while (*w->addresses_left > 0 && address_next(&c, &a) > 0) {
		--*w->addresses_left;
		if (a.name.s)
			a.name.len =
				squeeze(space + (a.name.s - space), a.name.len);
		if (!put_address(w->sa, &a))
			return false;
	}
	if (w->sa->len > start + 1)
		return put(w->sa, ")");
	w->sa->len = start;
	return put(w->sa, "NIL");
}

/* RFC 3501, 7.4.2: Sender and Reply-To, absent or empty, are as From. */
static bool
put_addresses_or_from(struct writer *w, struct header_field const *field,
	struct header_field const *from)
{
	size_t const start = w->sa->len;

	if (field->name) {
		if (!put_addresses(w, field))
			return false;
		if (w->sa->s[start] == '(')
			return true;
		w->sa->len = start;
	}
	return from->name ? put_addresses(w, from) : put(w->sa, "NIL");
}

static bool
put_text(struct writer *w, struct header_field const *field, bool squeezed)
{
	char *space = scratch(w->buf, field->value_len);
	size_t n;

	if (!space)
		return false;
	n = header_unfold(field->value, field->value_len, space);
	return imap_string(w->sa, space, squeezed ? squeeze(space, n) : n);
}

static bool
put_field(struct writer *w, struct header_field const *fields,
	enum envelope_field which)
{
	struct header_field const *field = &fields[which];

	if (which == ENVELOPE_SENDER || which == ENVELOPE_REPLY_TO)
		return put_addresses_or_from(w, field, &fields[ENVELOPE_FROM]);
	if (!field->name)
		return put(w->sa, "NIL");
	if (which >= ENVELOPE_FROM && which <= ENVELOPE_BCC)
		return put_addresses(w, field);
	return put_text(w, field, which == ENVELOPE_SUBJECT);
}

bool
envelope_write(stralloc *sa, stralloc *buf, char const *header, size_t len,
	size_t *addresses_left)
{
	struct writer w = {sa, buf, addresses_left};
	struct header_field fields[ENVELOPE_FIELDS] = {0};
	struct header_field field;
	size_t pos = 0;

	/* A field that must be there once is believed the first time. */
	while (header_next(header, len, &pos, &field) > 0)
		for (int i = 0; i < ENVELOPE_FIELDS; i++)
			if (!fields[i].name &&
				header_is(&field, envelope_names[i]))
				fields[i] = field;
	if (!put(sa, "("))
		return false;
	for (int i = 0; i < ENVELOPE_FIELDS; i++)
		if ((i > 0 && !put(sa, " ")) ||
			!put_field(&w, fields, (enum envelope_field)i))
			return false;
	return put(sa, ")");
}
