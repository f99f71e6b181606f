/* Judges signatures; see signer.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mime/address.h"
#include "mime/charset.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/signer.h"
#include "mime/terminal.h"

/* A signature may be that much older or younger than the Date field: a message
 * can wait to be sent. */
#define APART_MAX (24 * 3600)

static bool
add_lower(stralloc *out, struct address_text const *text)
{
	if (!stralloc_readyplus(out, text->len))
		return false;
	for (size_t i = 0; i < text->len; i++) {
		char const c = text->s[i];

		out->s[out->len++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return true;
}

static bool
add_field(stralloc *out, struct header_field const *f)
{
	struct address_cursor c;
	struct address a;
	stralloc buf = STRALLOC_ZERO;
	bool ok = stralloc_ready(&buf, ADDRESS_BUF(f->value_len));

	if (ok)
		address_init(&c, f->value, f->value_len, buf.s);
	while (ok && address_next(&c, &a) > 0)
		if (a.kind == ADDRESS_MAILBOX)
			ok = add_lower(out, &a.local) &&
			     stralloc_append(out, '@') &&
			     add_lower(out, &a.host) &&
			     stralloc_append(out, '\0');
	stralloc_free(&buf);
	return ok;
}

bool
signer_addresses(
	stralloc *out, char const *header, size_t len, char const *name)
{
	struct header_field f;
	size_t pos = 0;

	while (header_next(header, len, &pos, &f) > 0)
		if (header_is(&f, name) && !add_field(out, &f))
			return false;
	return true;
}

bool
signer_claimed(struct unlock *u, char const *header, size_t len)
{
	struct header_field f;
	struct date date;

	u->from.len = 0;
	u->date_known = header_find(header, len, "date", &f) &&
			date_parse(f.value, f.value_len, &date);
	if (u->date_known)
		u->date = date.seconds;
	/* More than one From is forbidden; a reader may show any. */
	return signer_addresses(&u->from, header, len, "from");
}

/* '+', '-', or '\0': the address is not one of the key's. */
static char
is_of_key(struct engine_signature const *s, char const *address)
{
	char found = '\0';

	for (size_t i = 0; i < s->addresses.len;
		i += strlen(s->addresses.s + i) + 1)
		if (found != '+' &&
			strcasecmp(s->addresses.s + i + 1, address) == 0)
			found = s->addresses.s[i];
	return found;
}

enum claim { CLAIM_CERTIFIED, CLAIM_UNCERTIFIED, CLAIM_OTHER };

static enum claim
claim_of(struct unlock const *u, struct engine_signature const *s)
{
	enum claim claim = CLAIM_CERTIFIED;

	if (u->from.len == 0)
		return CLAIM_OTHER;
	for (size_t i = 0; i < u->from.len; i += strlen(u->from.s + i) + 1) {
		char const found = is_of_key(s, u->from.s + i);

		if (found == '\0')
			return CLAIM_OTHER;
		if (found == '-')
			claim = CLAIM_UNCERTIFIED;
	}
	return claim;
}

static bool
is_far(struct unlock const *u, struct engine_signature const *s)
{
	int64_t apart;

	if (!u->date_known || s->when == 0 ||
		__builtin_sub_overflow(u->date, s->when, &apart))
		return false;
	return apart > APART_MAX || apart < -APART_MAX;
}

static bool
put_start(stralloc *out, char const *part)
{
	if (!stralloc_cats(out, "Signature"))
		return false;
	return (!part || (stralloc_cats(out, " of part ") &&
				 stralloc_cats(out, part) &&
				 stralloc_cats(out, " only"))) &&
	       stralloc_cats(out, ": ");
}

static bool
put_key(stralloc *out, struct engine_signature const *s)
{
	stralloc utf8 = STRALLOC_ZERO;
	time_t const when = (time_t)s->when;
	struct tm tm;
	char text[40] = "";
	bool ok = charset_to_utf8(
		"utf-8", 5, s->name.s ? s->name.s : "", s->name.len, &utf8);

	if (s->when != 0 && gmtime_r(&when, &tm))
		(void)strftime(
			text, sizeof text, ", made %Y-%m-%d %H:%M UTC", &tm);
	ok = ok && stralloc_cats(out, ": key ") && stralloc_cats(out, s->key) &&
	     (utf8.len == 0 || (stralloc_cats(out, " of ") &&
				       terminal_line(out, utf8.s, utf8.len))) &&
	     stralloc_cats(out, text) && stralloc_cats(out, "\n");
	stralloc_free(&utf8);
	return ok;
}

static bool
judge(struct unlock *u, struct engine_signature const *s, char const *part,
	bool *fits_r)
{
	enum claim const claim = claim_of(u, s);
	char const *why = s->why;

	*fits_r = s->verdict == ENGINE_RIGHT;
	if (*fits_r && claim == CLAIM_OTHER) {
		why = "it fits, but the key is not of all who stand in From";
		*fits_r = false;
	} else if (*fits_r && is_far(u, s)) {
		why = "it fits, but was not made when Date says";
		*fits_r = false;
	}
	if (!put_start(&u->report, part))
		return false;
	if (!*fits_r) {
		u->bad++;
		return stralloc_cats(&u->report, "NOT GOOD: ") &&
		       stralloc_cats(&u->report, why) && put_key(&u->report, s);
	}
	if (!part && claim == CLAIM_CERTIFIED)
		u->good++;
	else if (!part)
		u->uncertified++;
	return stralloc_cats(&u->report,
		       claim == CLAIM_CERTIFIED
			       ? "good"
			       : "it fits, but nobody has certified that the "
				 "key is the sender's") &&
	       put_key(&u->report, s);
}

bool
signer_bad(struct unlock *u, char const *why, char const *part)
{
	stralloc utf8 = STRALLOC_ZERO;
	bool ok = charset_to_utf8("utf-8", 5, why, strlen(why), &utf8) &&
		  put_start(&u->report, part) &&
		  stralloc_cats(&u->report, "NOT GOOD: ") &&
		  terminal_line(&u->report, utf8.s, utf8.len) &&
		  stralloc_cats(&u->report, "\n");

	u->bad++;
	stralloc_free(&utf8);
	return ok;
}

bool
signer_judge(struct unlock *u, struct engine_result const *r, char const *part,
	bool *good_r)
{
	*good_r = r->count > 0;
	for (size_t i = 0; i < r->count; i++) {
		bool fits;

		if (!judge(u, &r->signatures[i], part, &fits))
			return false;
		*good_r = *good_r && fits;
	}
	return true;
}
