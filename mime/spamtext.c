/* What a classifier of spam reads of a message; see spamtext.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mime/body.h"
#include "mime/header.h"
#include "mime/rfc2047.h"
#include "mime/spamtext.h"

/* Nobody can know it beforehand and close a part early; what would happen then
 * is that a part ends early for the classifier. */
#define BOUNDARY "=_kereru-spamtext_7d1f0c5e93b24a68"

/* Octets of one field's value; the rest says nothing new. */
#define FIELD_MAX 4096

/*
 * What filters add: a classifier learns the mail, and not what others thought
 * of it. And what is written anew here.
 */
static bool
is_left_out(struct header_field const *field)
{
	static char const *const names[] = {"authentication-results",
		"x-bogosity", "x-spam", "x-spamd-result",
		"content-transfer-encoding", "mime-version"};

	if (field->name_len > 7 && strncasecmp(field->name, "x-spam-", 7) == 0)
		return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (header_is(field, names[i]))
			return true;
	return false;
}

/* `Name: value`, decoded, on one line. */
static bool
add_field(struct header_field const *field, stralloc *out)
{
	size_t len =
		field->value_len < FIELD_MAX ? field->value_len : FIELD_MAX;
	char value[FIELD_MAX];
	size_t n = header_unfold(field->value, len, value), start;

	if (!stralloc_catb(out, field->name, field->name_len) ||
		!stralloc_catb(out, ": ", 2))
		return false;
	start = out->len;
	if (!rfc2047_decode(out, value, n))
		return false;
	for (size_t i = start; i < out->len; i++)
		if (out->s[i] == '\n' || out->s[i] == '\r' || out->s[i] == '\0')
			out->s[i] = ' ';
	return stralloc_append(out, '\n');
}

/* Fields of a header; its type under its own name too, behind which ours comes
 * later: what it was says much. A line that is no field (`From ` of an mbox) is
 * what a sender said as well. */
static bool
add_header(struct message const *m, struct structure_part const *part,
	stralloc *out)
{
	struct header_field field;
	size_t pos = 0;

	while (header_next(m->text.s + part->header_offset, part->header_len,
		       &pos, &field) > 0) {
		if (out->len > SPAMTEXT_MAX)
			return true;
		if (is_left_out(&field))
			continue;
		if (field.name_len == 0 ? !stralloc_catb(out, field.line,
						  field.line_len)
					: !add_field(&field, out))
			return false;
	}
	return true;
}

struct part_text {
	stralloc sa;
	bool is_full;
};

static bool
take(void *arg, char const *s, size_t len)
{
	struct part_text *t = arg;
	size_t left = SPAMTEXT_PART_MAX - t->sa.len;

	if (len > left) {
		len = left;
		t->is_full = true;
	}
	return stralloc_catb(&t->sa, s, len) && !t->is_full;
}

/* The header of a part as it was, then what it has become. */
static bool
begin_part(struct message const *m, struct structure_part const *part,
	bool is_html, stralloc *out)
{
	return (part == m->parts || (stralloc_cats(out, "\n--" BOUNDARY "\n") &&
					    add_header(m, part, out))) &&
	       stralloc_cats(out, is_html ? "Content-Type: text/html"
					  : "Content-Type: text/plain") &&
	       stralloc_cats(out, "; charset=utf-8\n"
				  "Content-Transfer-Encoding: 8bit\n\n");
}

static bool
add_text(struct message const *m, struct structure_part const *part,
	struct part_text *t, stralloc *out, spamtext_each *each, void *arg)
{
	bool is_html = structure_is(m->text.s, part, "text/html");

	t->sa.len = 0;
	t->is_full = false;
	if (!body_text(m, part, take, t) && !t->is_full)
		return false;
	if (out->len + t->sa.len < SPAMTEXT_MAX &&
		(!begin_part(m, part, is_html, out) ||
			!stralloc_catb(out, t->sa.s, t->sa.len)))
		return false;
	return each == NULL || each(arg, is_html, t->sa.s, t->sa.len);
}

static bool
is_text(struct message const *m, struct structure_part const *part)
{
	return part->kind == STRUCTURE_LEAF &&
	       structure_is(m->text.s, part, "text/");
}

/* The place of the highest bit: sizes in steps of twice as much. */
static unsigned
magnitude(size_t n)
{
	unsigned bits = 0;

	for (; n > 0; n >>= 1)
		bits++;
	return bits;
}

/* What a subject looks like, in words that no text has. */
static bool
subject_shape(struct message const *m, stralloc *out)
{
	struct header_field field;
	bool has_upper = false, has_lower = false, has_money = false;
	size_t start;

	if (!message_field(m, &m->parts[0], "subject", &field))
		return true;
	start = field.value_len > 0 && *field.value == ' ';
	for (size_t i = 0; i < field.value_len; i++) {
		char c = field.value[i];

		has_upper |= c >= 'A' && c <= 'Z';
		has_lower |= c >= 'a' && c <= 'z';
		has_money |= c == '$' || c == '%';
	}
	return (!has_upper || has_lower || stralloc_cats(out, " subjcaps")) &&
	       (!has_money || stralloc_cats(out, " subjmoney")) &&
	       (memchr(field.value, '!', field.value_len) == NULL ||
		       stralloc_cats(out, " subjbang")) &&
	       (field.value_len - start < 3 ||
		       strncasecmp(field.value + start, "re:", 3) != 0 ||
		       stralloc_cats(out, " subjreply"));
}

/* How the message is built: sizes, links, quotes, types. */
static bool
add_shape(struct message const *m, stralloc const *body, stralloc *out)
{
	struct header_field field;
	size_t links = 0, quoted = 0;
	char text[64], type[STRUCTURE_TYPE_MAX];
	bool ok;

	for (size_t i = 1; i + 2 < body->len; i++) {
		links += body->s[i] == ':' && body->s[i + 1] == '/' &&
			 body->s[i + 2] == '/';
		quoted += body->s[i] == '>' && body->s[i - 1] == '\n';
	}
	snprintf(text, sizeof text, "X-Shape: size%u links%u quoted%u",
		magnitude(body->len), magnitude(links), magnitude(quoted));
	ok = stralloc_cats(out, text) && subject_shape(m, out);
	if (ok && !message_field(m, &m->parts[0], "references", &field) &&
		!message_field(m, &m->parts[0], "in-reply-to", &field))
		ok = stralloc_cats(out, " noreply");
	ok = ok && stralloc_cats(out, " shape");
	for (size_t i = 0; ok && i < m->count && i < 4; i++) {
		structure_type(m->text.s, &m->parts[i], type);
		for (char *c = type; *c != '\0'; c++)
			if (*c == '/')
				*c = '-';
		ok = stralloc_cats(out, "-") && stralloc_cats(out, type);
	}
	return ok && stralloc_append(out, '\n');
}

bool
spamtext_make(
	struct message const *m, stralloc *out, spamtext_each *each, void *arg)
{
	struct part_text t = {.sa = STRALLOC_ZERO};
	stralloc body = STRALLOC_ZERO;
	bool is_one = m->parts[0].kind == STRUCTURE_LEAF;
	bool ok = true;

	for (size_t i = 0; ok && i < m->count; i++) {
		struct structure_part const *part = &m->parts[i];

		if (is_text(m, part))
			ok = add_text(m, part, &t, &body, each, arg);
		else if (part->kind == STRUCTURE_LEAF && i > 0)
			ok = begin_part(m, part, false, &body);
	}
	ok = ok && add_header(m, &m->parts[0], out) &&
	     stralloc_cats(out, "MIME-Version: 1.0\n") &&
	     add_shape(m, &body, out) &&
	     (is_one || stralloc_cats(out, "Content-Type: multipart/mixed; "
					   "boundary=\"" BOUNDARY "\"\n")) &&
	     stralloc_catb(out, body.s, body.len) &&
	     (is_one || stralloc_cats(out, "\n--" BOUNDARY "--\n"));
	stralloc_free(&t.sa);
	stralloc_free(&body);
	return ok;
}
