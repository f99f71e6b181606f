/*
 * Decrypts and verifies; see unlock.h.
 *
 * A message is written anew part by part: what holds nothing to do with keys is
 * copied as it stands, octet by octet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/armor.h"
#include "mime/body.h"
#include "mime/charset.h"
#include "mime/engine.h"
#include "mime/entity.h"
#include "mime/layer.h"
#include "mime/section.h"
#include "mime/signer.h"
#include "mime/terminal.h"
#include "mime/unlock.h"

/* Where something is being written. */
struct target {
	stralloc header, body;
};

#define TARGET_ZERO                                                            \
	{                                                                      \
		.header = STRALLOC_ZERO, .body = STRALLOC_ZERO                 \
	}

static bool rewrite(struct unlock *u, struct layer const *l, uint32_t i,
	bool whole, struct target *to);

static bool
put_part(struct target *to, struct structure_part const *part, char const *s)
{
	size_t len = part->header_len;
	char const *const header = s + part->header_offset;

	/* Without its empty line. */
	if (len > 0 && header[len - 1] == '\n') {
		size_t const cr = len > 1 && header[len - 2] == '\r';
		size_t const before = len - 1 - cr;

		if (before == 0 || header[before - 1] == '\n')
			len = before;
	}
	return stralloc_catb(&to->header, header, len);
}

static bool
copy(struct layer const *l, uint32_t i, struct target *to)
{
	struct structure_part const *part = &l->m.parts[i];

	return put_part(to, part, l->m.text.s) &&
	       stralloc_catb(&to->body, l->m.text.s + part->body_offset,
		       part->body_len);
}

/* The octets from the end of one part to the start of another as they are, the
 * parts anew. The first is whole if the container is. */
static bool
rewrite_children(struct unlock *u, struct layer const *l, uint32_t i,
	bool whole, struct target *to)
{
	struct structure_part const *part = &l->m.parts[i];
	char const *const s = l->m.text.s;
	size_t pos = part->body_offset;

	if (!put_part(to, part, s))
		return false;
	for (uint32_t c = part->child; c != STRUCTURE_NONE;
		c = l->m.parts[c].next) {
		struct structure_part const *const inner = &l->m.parts[c];
		struct target t = TARGET_ZERO;
		bool ok = stralloc_catb(
			&to->body, s + pos, inner->header_offset - pos);

		if (l->kinds[c] == LAYER_OTHER)
			ok = ok &&
			     stralloc_catb(&to->body, s + inner->header_offset,
				     inner->header_len + inner->body_len);
		else
			ok = ok && rewrite(u, l, c, whole, &t) &&
			     stralloc_catb(
				     &to->body, t.header.s, t.header.len) &&
			     stralloc_append(&to->body, '\n') &&
			     stralloc_catb(&to->body, t.body.s, t.body.len);
		stralloc_free(&t.header);
		stralloc_free(&t.body);
		if (!ok)
			return false;
		pos = inner->body_offset + inner->body_len;
		whole = false;
	}
	return stralloc_catb(
		&to->body, s + pos, part->body_offset + part->body_len - pos);
}

/* A message in the message has a sender and a date of its own. */
static bool
rewrite_message(
	struct unlock *u, struct layer const *l, uint32_t i, struct target *to)
{
	struct structure_part const *inner = &l->m.parts[l->m.parts[i].child];
	stralloc const from = u->from;
	int64_t const date = u->date;
	bool const known = u->date_known;
	bool ok;

	u->from = (stralloc)STRALLOC_ZERO;
	ok = signer_claimed(u, l->m.text.s + inner->header_offset,
		     inner->header_len) &&
	     rewrite_children(u, l, i, false, to);
	stralloc_free(&u->from);
	u->from = from;
	u->date = date;
	u->date_known = known;
	return ok;
}

static bool
may_ask(struct unlock *u)
{
	return u->questions++ < UNLOCK_QUESTIONS_MAX;
}

/* Takes over the fields that a content has protected. */
static bool
protect(struct unlock *u, char const *header, size_t len, bool whole)
{
	if (!whole || !entity_is_protected(header, len))
		return true;
	u->use_protected = true;
	return stralloc_copyb(&u->protected, header, len);
}

static bool
check(struct unlock *u, struct layer const *l, uint32_t i,
	enum engine_protocol p, char const *part, bool *good_r)
{
	struct structure_part const *signed_part =
		&l->m.parts[layer_child(l, i, 0)];
	stralloc text = STRALLOC_ZERO, signature = STRALLOC_ZERO;
	struct engine_result r = {0};
	bool ok;

	/* What is signed are lines with CRLF (RFC 3156, 5; RFC 8551, 3.1.1). */
	ok = section_crlf(&text, l->m.text.s + signed_part->header_offset,
		     signed_part->header_len + signed_part->body_len, false) &&
	     body_octets(&l->m, &l->m.parts[layer_child(l, i, 1)], body_append,
		     &signature);
	if (ok && !engine_verify(p, signature.s ? signature.s : "",
			  signature.len, text.s ? text.s : "", text.len, &r))
		ok = signer_bad(u, r.error, part);
	else if (ok && r.count == 0)
		ok = signer_bad(u, "there is no signature in it", part);
	else if (ok)
		ok = signer_judge(u, &r, part, good_r);
	stralloc_free(&text);
	stralloc_free(&signature);
	engine_clear(&r);
	return ok;
}

static bool
rewrite_signed(struct unlock *u, struct layer const *l, uint32_t i, bool whole,
	struct target *to)
{
	uint32_t const text = layer_child(l, i, 0),
		       signature = layer_child(l, i, 1);
	bool const cms =
		layer_is(l, signature, "application/pkcs7-signature") ||
		layer_is(l, signature, "application/x-pkcs7-signature");
	stralloc name = STRALLOC_ZERO;
	char const *part;
	bool ok = layer_name(l, i, whole, &name, &part), good = false;

	if (!ok)
		goto done;
	/* RFC 1847, 2.1: two parts; what more there is nobody signed. */
	if (signature == STRUCTURE_NONE ||
		l->m.parts[signature].next != STRUCTURE_NONE ||
		(!cms && !layer_is(l, signature, "application/pgp-signature")))
		ok = signer_bad(u, "there is not a text and a signature", part);
	else if (!may_ask(u))
		ok = signer_bad(u, "there is too much to check", part);
	else
		ok = check(u, l, i, cms ? ENGINE_CMS : ENGINE_OPENPGP, part,
			&good);
	if (ok && good)
		ok = protect(u, l->m.text.s + l->m.parts[text].header_offset,
			l->m.parts[text].header_len, whole);
	ok = ok && rewrite_children(u, l, i, whole, to);
done:
	stralloc_free(&name);
	return ok;
}

static bool
put_encrypted(
	struct unlock *u, char const *part, char const *what, char const *why)
{
	stralloc *const out = &u->report;
	stralloc utf8 = STRALLOC_ZERO;
	bool ok = charset_to_utf8("utf-8", 5, why, strlen(why), &utf8) &&
		  stralloc_cats(out, "Encrypted");

	if (ok && part)
		ok = stralloc_cats(out, ", part ") &&
		     stralloc_cats(out, part) && stralloc_cats(out, " only");
	ok = ok && stralloc_cats(out, ": ") && stralloc_cats(out, what) &&
	     terminal_line(out, utf8.s, utf8.len) && stralloc_cats(out, "\n");
	stralloc_free(&utf8);
	return ok;
}

/* Its octets stay. */
static bool
leave(struct unlock *u, struct layer const *l, uint32_t i, char const *part,
	char const *why, struct target *to)
{
	u->locked++;
	return put_encrypted(u, part, "not decrypted: ", why) && copy(l, i, to);
}

/* What came out of part i: a part of its own right. */
static bool
rewrite_content(struct unlock *u, stralloc const *content, bool whole,
	bool was_encrypted, struct target *to)
{
	struct layer *const l = calloc(1, sizeof *l);
	struct structure_part const *root;
	bool ok = l && entity_lf(&l->m.text, content->s ? content->s : "",
			       content->len);

	if (!ok)
		goto done;
	l->inside = "decrypted ";
	ok = layer_parse(l);
	if (!ok)
		goto done;
	u->html = u->html || l->html;
	root = &l->m.parts[0];
	if (was_encrypted)
		ok = protect(u, l->m.text.s + root->header_offset,
			root->header_len, whole);
	if (ok &&
		(l->kinds[0] == LAYER_OTHER || u->layers >= UNLOCK_LAYERS_MAX))
		ok = copy(l, 0, to);
	else if (ok) {
		u->layers++;
		ok = rewrite(u, l, 0, whole, to);
		u->layers--;
	}
done:
	if (l)
		stralloc_free(&l->m.text);
	free(l);
	return ok;
}

static char const breaks_out[] =
	"the text has the boundary of what is around it";

/* HTML beside a secret could send it away when it is shown. */
static char const hidden_by_html[] =
	"there is HTML beside it; take the part out to decrypt it alone";

static bool
decrypt(struct unlock *u, struct layer const *l, uint32_t i, uint32_t data,
	enum engine_protocol p, bool whole, char const *part, struct target *to)
{
	stralloc octets = STRALLOC_ZERO;
	struct engine_result r = {0};
	bool good;
	int breaks = 0;
	bool ok = body_octets(&l->m, &l->m.parts[data], body_append, &octets);

	if (!ok)
		goto done;
	if (!whole && u->html)
		ok = leave(u, l, i, part, hidden_by_html, to);
	else if (!may_ask(u))
		ok = leave(u, l, i, part, "there is too much to decrypt", to);
	else if (!engine_decrypt(p, octets.s ? octets.s : "", octets.len, &r))
		ok = leave(u, l, i, part, r.error, to);
	else if ((breaks = layer_breaks_out(l, i, &r.out)) != 0)
		ok = breaks > 0 && leave(u, l, i, part, breaks_out, to);
	else {
		u->decrypted++;
		ok = put_encrypted(u, part, "decrypted",
			     p == ENGINE_CMS ? " (S/MIME)" : " (OpenPGP)") &&
		     (r.count == 0 || signer_judge(u, &r, part, &good)) &&
		     rewrite_content(u, &r.out, whole, true, to);
	}
done:
	stralloc_free(&octets);
	engine_clear(&r);
	return ok;
}

/* A signature that has its text in it (RFC 8551, 3.5.2). */
static bool
open_signed(struct unlock *u, struct layer const *l, uint32_t i, bool whole,
	char const *part, struct target *to)
{
	stralloc octets = STRALLOC_ZERO;
	struct engine_result r = {0};
	bool good = false;
	int breaks = 0;
	bool ok = body_octets(&l->m, &l->m.parts[i], body_append, &octets);

	if (!ok)
		goto done;
	if (!may_ask(u))
		ok = signer_bad(u, "there is too much to check", part) &&
		     copy(l, i, to);
	else if (!engine_verify(ENGINE_CMS, octets.s ? octets.s : "",
			 octets.len, NULL, 0, &r))
		ok = signer_bad(u, r.error, part) && copy(l, i, to);
	else if (r.count == 0 || (breaks = layer_breaks_out(l, i, &r.out)) != 0)
		ok = breaks >= 0 &&
		     signer_bad(u, "there is no signature in it", part) &&
		     copy(l, i, to);
	else
		ok = signer_judge(u, &r, part, &good) &&
		     rewrite_content(u, &r.out, whole, good, to);
done:
	stralloc_free(&octets);
	engine_clear(&r);
	return ok;
}

static bool
rewrite_cms(struct unlock *u, struct layer const *l, uint32_t i, bool whole,
	struct target *to)
{
	int const is_signed =
		layer_parameter_is(l, i, "smime-type", "signed-data");
	stralloc name = STRALLOC_ZERO;
	char const *part;
	bool ok = is_signed >= 0 && layer_name(l, i, whole, &name, &part);

	if (ok && is_signed)
		ok = open_signed(u, l, i, whole, part, to);
	else if (ok)
		ok = decrypt(u, l, i, i, ENGINE_CMS, whole, part, to);
	stralloc_free(&name);
	return ok;
}

/* One block of a text: what came out, or the block as it stands. */
static bool
open_block(struct unlock *u, char const *s, struct armor const *a,
	char const *part, stralloc *out)
{
	bool const encrypted = a->kind == ARMOR_MESSAGE;
	size_t const len = a->end - a->start;
	struct engine_result r = {0};
	bool ok, good = false, shown = false;

	if (!may_ask(u)) {
		ok = signer_bad(u, "there is too much to check", part);
	} else if (encrypted ? !engine_decrypt(
				       ENGINE_OPENPGP, s + a->start, len, &r)
			     : !engine_verify(ENGINE_OPENPGP, s + a->start, len,
				       NULL, 0, &r)) {
		u->locked += encrypted;
		ok = encrypted ? put_encrypted(
					 u, part, "not decrypted: ", r.error)
			       : signer_bad(u, r.error, part);
	} else {
		u->decrypted += encrypted;
		ok = (!encrypted || put_encrypted(u, part, "decrypted",
					    " (OpenPGP)")) &&
		     (r.count > 0 || encrypted ||
			     signer_bad(
				     u, "there is no signature in it", part)) &&
		     signer_judge(u, &r, part, &good);
		/* Where there is text beside it, its marks stay: they tell
		 * where what is signed starts and ends. */
		shown = encrypted || (good && !part);
	}
	ok = ok && (shown ? entity_lf(out, r.out.s ? r.out.s : "", r.out.len)
			  : stralloc_catb(out, s + a->start, len));
	engine_clear(&r);
	return ok;
}

static bool
open_blocks(struct unlock *u, stralloc const *text, bool whole,
	char const *part, stralloc *out)
{
	struct armor a;
	size_t pos = 0;

	while (armor_find(text->s, text->len, pos, &a)) {
		bool const all =
			whole && armor_is_blank(text->s, a.start) &&
			armor_is_blank(text->s + a.end, text->len - a.end);

		if (!stralloc_catb(out, text->s + pos, a.start - pos) ||
			!open_block(u, text->s, &a, all ? NULL : part, out))
			return false;
		pos = a.end;
	}
	return stralloc_catb(out, text->s + pos, text->len - pos);
}

/* What comes out is text, of a part of HTML too. */
static bool
put_text_header(struct layer const *l, struct structure_part const *part,
	bool html, stralloc *out)
{
	char const *const header = l->m.text.s + part->header_offset;
	struct header_field f;
	size_t pos = 0;

	while (header_next(header, part->header_len, &pos, &f) > 0)
		if (!header_is(&f, "content-transfer-encoding") &&
			!(html && header_is(&f, "content-type")) &&
			!stralloc_catb(out, f.line, f.line_len))
			return false;
	return (!html || stralloc_cats(out, "Content-Type: text/plain; "
					    "charset=utf-8\n")) &&
	       stralloc_cats(out, "Content-Transfer-Encoding: 8bit\n");
}

/* A text with blocks, or what is a block of a part of HTML. */
static bool
rewrite_armor(struct unlock *u, struct layer const *l, uint32_t i, bool whole,
	struct target *to)
{
	struct structure_part const *part = &l->m.parts[i];
	bool const html = l->kinds[i] == LAYER_HTML;
	stralloc text = STRALLOC_ZERO, name = STRALLOC_ZERO,
		 out = STRALLOC_ZERO, plain = STRALLOC_ZERO;
	char const *number;
	int breaks = 0;
	bool ok = body_octets(&l->m, part, body_append, &text) &&
		  (!html || armor_from_html(text.s, text.len, &plain)) &&
		  layer_name(l, i, false, &name, &number) &&
		  open_blocks(u, html ? &plain : &text, whole && !html, number,
			  &out);

	if (ok)
		breaks = layer_breaks_out(l, i, &out);
	if (breaks > 0)
		ok = leave(u, l, i, number, breaks_out, to);
	else if (ok && breaks == 0)
		ok = put_text_header(l, part, html, &to->header) &&
		     stralloc_catb(&to->body, out.s ? out.s : "", out.len);
	stralloc_free(&text);
	stralloc_free(&plain);
	stralloc_free(&name);
	stralloc_free(&out);
	return ok && breaks >= 0;
}

static bool
rewrite_encrypted(struct unlock *u, struct layer const *l, uint32_t i,
	bool whole, struct target *to)
{
	stralloc name = STRALLOC_ZERO;
	char const *part;
	bool const ok = layer_name(l, i, whole, &name, &part) &&
			decrypt(u, l, i, layer_encrypted_part(l, i),
				ENGINE_OPENPGP, whole, part, to);

	stralloc_free(&name);
	return ok;
}

static bool
rewrite(struct unlock *u, struct layer const *l, uint32_t i, bool whole,
	struct target *to)
{
	switch ((enum layer_kind)l->kinds[i]) {
	case LAYER_OTHER:
		break;
	case LAYER_WITHIN:
		if (l->m.parts[i].kind == STRUCTURE_MULTIPART)
			return rewrite_children(u, l, i, false, to);
		/* What stands in an encoded message are not its lines. */
		if (l->m.parts[i].kind == STRUCTURE_MESSAGE &&
			l->m.parts[i].encoding == STRUCTURE_IDENTITY)
			return rewrite_message(u, l, i, to);
		break;
	case LAYER_SIGNED:
		return rewrite_signed(u, l, i, whole, to);
	case LAYER_ENCRYPTED:
		return rewrite_encrypted(u, l, i, whole, to);
	case LAYER_CMS:
		return rewrite_cms(u, l, i, whole, to);
	case LAYER_ARMOR:
	case LAYER_HTML:
		return rewrite_armor(u, l, i, whole, to);
	}
	return copy(l, i, to);
}

/* The message's own fields, what was protected in their place; the content. */
static bool
put_message(struct unlock *u, struct message const *m, struct target const *t,
	stralloc *out)
{
	char const *const header = m->text.s + m->parts[0].header_offset;
	size_t const len = m->parts[0].header_len;

	return entity_merge(out, header, len,
		       u->use_protected ? u->protected.s : "",
		       u->use_protected ? u->protected.len : 0) &&
	       stralloc_cats(out, "MIME-Version: 1.0\n") &&
	       entity_fields(out, t->header.s ? t->header.s : "", t->header.len,
		       ENTITY_CONTENT) &&
	       stralloc_cats(out, "\n") &&
	       stralloc_catb(out, t->body.s ? t->body.s : "", t->body.len);
}

bool
unlock_message(struct unlock *u, char const *s, size_t len, stralloc *out)
{
	struct layer *const l = calloc(1, sizeof *l);
	struct target t = TARGET_ZERO;
	bool ok = l && stralloc_copyb(&l->m.text, s, len);

	if (!ok)
		goto done;
	l->inside = "";
	ok = layer_parse(l);
	if (!ok)
		goto done;
	u->html = l->html;
	ok = signer_claimed(u, l->m.text.s + l->m.parts[0].header_offset,
		l->m.parts[0].header_len);
	if (ok && l->kinds[0] == LAYER_OTHER)
		ok = stralloc_catb(out, s, len);
	else if (ok)
		ok = rewrite(u, l, 0, true, &t) &&
		     put_message(u, &l->m, &t, out);
done:
	if (l)
		stralloc_free(&l->m.text);
	free(l);
	stralloc_free(&t.header);
	stralloc_free(&t.body);
	return ok;
}

void
unlock_free(struct unlock *u)
{
	stralloc_free(&u->report);
	stralloc_free(&u->from);
	stralloc_free(&u->protected);
}
