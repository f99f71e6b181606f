/* Signs and encrypts; see lock.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/autocrypt.h"
#include "mime/body.h"
#include "mime/encode.h"
#include "mime/entity.h"
#include "mime/lock.h"
#include "mime/message.h"
#include "mime/section.h"
#include "mime/sevenbit.h"

/* What is being made of the message. */
struct work {
	struct lock const *k;
	struct message m;
	stralloc content; /* the entity: fields, empty line, body */
	char *why;
};

static bool
no_memory(struct work *w)
{
	w->why[0] = '\0';
	return false;
}

/* The engine's words, if it failed. */
static bool
passed(struct work *w, bool ok, struct engine_result const *r)
{
	if (!ok)
		memcpy(w->why, r->error, sizeof r->error);
	return ok;
}

/*
 * RFC 8551, 3.2.2: what is only signed or compressed can be read by everybody,
 * and has the same type. 1, 0; -1: memory is out.
 */
static int
is_enveloped(struct message const *m)
{
	struct structure_part const *root = &m->parts[0];
	stralloc type = STRALLOC_ZERO;
	int r = structure_is(m->text.s, root, "application/pkcs7-mime") ||
		structure_is(m->text.s, root, "application/x-pkcs7-mime");

	if (r > 0)
		r = body_parameter(m, root, "smime-type", &type);
	if (r > 0 && !stralloc_0(&type))
		r = -1;
	if (r > 0)
		r = strcasecmp(type.s, "enveloped-data") == 0 ||
		    strcasecmp(type.s, "authEnveloped-data") == 0;
	stralloc_free(&type);
	return r;
}

static int
is_encrypted(struct message const *m)
{
	return structure_is(m->text.s, &m->parts[0], "multipart/encrypted")
		       ? 1
		       : is_enveloped(m);
}

static bool
cat_all(stralloc *out, char const *const *words)
{
	for (; *words; words++)
		if (!stralloc_cats(out, *words))
			return false;
	return true;
}

/* The Content-* fields, with the mark that there are protected ones. */
static bool
put_marked(stralloc const *fields, stralloc *content)
{
	static char const mark[] = "; protected-headers=\"v1\"";
	struct header_field f;
	size_t pos = 0;
	bool typed = false;

	while (header_next(fields->s ? fields->s : "", fields->len, &pos, &f) >
		0) {
		bool const type = header_is(&f, "content-type") && !typed;
		size_t const end = (size_t)(f.value - f.line) + f.value_len;

		if (!stralloc_catb(content, f.line, end) ||
			(type && !stralloc_cats(content, mark)) ||
			!stralloc_append(content, '\n'))
			return false;
		typed = typed || type;
	}
	return typed || (stralloc_cats(content, "Content-Type: text/plain") &&
				stralloc_cats(content, mark) &&
				stralloc_append(content, '\n'));
}

/* The header and the body of the whole, fit to be signed or as they are. */
static bool
take_whole(struct work *w, bool fit, stralloc *fields, stralloc *body)
{
	struct structure_part const *root = &w->m.parts[0];

	if (fit)
		return sevenbit_part(&w->m, 0, fields, body);
	return stralloc_catb(fields, w->m.text.s + root->header_offset,
		       root->header_len) &&
	       stralloc_catb(
		       body, w->m.text.s + root->body_offset, root->body_len);
}

/* Takes the content out of the message. */
static bool
take_content(struct work *w, bool fit)
{
	struct structure_part const *root = &w->m.parts[0];
	char const *const header = w->m.text.s + root->header_offset;
	stralloc fields = STRALLOC_ZERO, body = STRALLOC_ZERO,
		 content = STRALLOC_ZERO;
	bool ok = take_whole(w, fit, &fields, &body) &&
		  entity_fields(&content, fields.s ? fields.s : "", fields.len,
			  ENTITY_CONTENT) &&
		  put_marked(&content, &w->content) &&
		  entity_fields(&w->content, header, root->header_len,
			  ENTITY_PROTECTED) &&
		  stralloc_append(&w->content, '\n') &&
		  stralloc_catb(&w->content, body.s ? body.s : "", body.len);

	stralloc_free(&fields);
	stralloc_free(&body);
	stralloc_free(&content);
	return ok || no_memory(w);
}

/* RFC 3156, 2 and 5: what is signed has seven bits, so that nobody on the way
 * has a reason to change it. */
static bool
is_sevenbit(struct work *w)
{
	for (size_t i = 0; i < w->content.len; i++)
		if ((unsigned char)w->content.s[i] >= 0x80) {
			(void)snprintf(w->why, 256,
				"a message in it, or its header, is not "
				"ASCII: it cannot be signed");
			return false;
		}
	return true;
}

/* As RFC 8551, 3.5.3.2 and RFC 3156, 5 call it: sha-256, pgp-sha256. */
static bool
put_digest(struct lock const *k, char const *digest, stralloc *out)
{
	bool const cms = k->protocol == ENGINE_CMS;
	bool const dashed = cms && strncmp(digest, "sha", 3) == 0 &&
			    strcmp(digest, "sha1") != 0;

	if (dashed)
		return stralloc_cats(out, "sha-") &&
		       stralloc_cats(out, digest + 3);
	return stralloc_cats(out, cms ? "" : "pgp-") &&
	       stralloc_cats(out, digest);
}

static bool
put_signed(struct lock const *k, stralloc const *content,
	struct engine_result const *r, stralloc *out)
{
	static char const cms[] = "Content-Type: application/pkcs7-signature; "
				  "name=\"smime.p7s\"\n"
				  "Content-Transfer-Encoding: base64\n"
				  "Content-Disposition: attachment; "
				  "filename=\"smime.p7s\"\n\n";
	static char const openpgp[] =
		"Content-Type: application/pgp-signature; "
		"name=\"signature.asc\"\n"
		"Content-Description: OpenPGP digital signature\n\n";
	bool const is_cms = k->protocol == ENGINE_CMS;
	char const *const protocol =
		is_cms ? "pkcs7-signature" : "pgp-signature";

	return stralloc_cats(out, "Content-Type: multipart/signed; micalg=") &&
	       put_digest(k, r->digest, out) &&
	       cat_all(out, (char const *const[]){";\n protocol=\"application/",
				    protocol, "\";\n boundary=\"s", k->boundary,
				    "\"\n\n--s", k->boundary, "\n", NULL}) &&
	       stralloc_catb(out, content->s, content->len) &&
	       cat_all(out, (char const *const[]){"\n--s", k->boundary, "\n",
				    is_cms ? cms : openpgp, NULL}) &&
	       (is_cms ? encode_base64(out, r->out.s, r->out.len)
		       : entity_lf(out, r->out.s, r->out.len)) &&
	       cat_all(out, (char const *const[]){
				    "\n--s", k->boundary, "--\n", NULL});
}

/* The content becomes a multipart/signed. */
static bool
sign(struct work *w)
{
	struct engine_result r = {0};
	stralloc crlf = STRALLOC_ZERO, out = STRALLOC_ZERO;
	bool ok = is_sevenbit(w) &&
		  (section_crlf(&crlf, w->content.s, w->content.len, false) ||
			  no_memory(w)) &&
		  passed(w,
			  engine_sign(w->k->protocol, w->k->signer, crlf.s,
				  crlf.len, &r),
			  &r) &&
		  (put_signed(w->k, &w->content, &r, &out) || no_memory(w));

	if (ok) {
		stralloc_free(&w->content);
		w->content = out;
	} else {
		stralloc_free(&out);
	}
	engine_clear(&r);
	stralloc_free(&crlf);
	return ok;
}

static bool
put_encrypted(
	struct lock const *k, struct engine_result const *r, stralloc *out)
{
	static char const cms[] =
		"Content-Type: application/pkcs7-mime; "
		"smime-type=enveloped-data;\n name=\"smime.p7m\"\n"
		"Content-Transfer-Encoding: base64\n"
		"Content-Disposition: attachment; filename=\"smime.p7m\"\n\n";

	if (k->protocol == ENGINE_CMS)
		return stralloc_cats(out, cms) &&
		       encode_base64(out, r->out.s, r->out.len);
	return cat_all(out,
		       (char const *const[]){
			       "Content-Type: multipart/encrypted;\n "
			       "protocol=\"application/pgp-encrypted\";\n "
			       "boundary=\"e",
			       k->boundary, "\"\n\n--e", k->boundary,
			       "\nContent-Type: application/pgp-encrypted\n"
			       "Content-Description: PGP/MIME version "
			       "identification\n\nVersion: 1\n\n--e",
			       k->boundary,
			       "\nContent-Type: application/octet-stream; "
			       "name=\"encrypted.asc\"\n"
			       "Content-Description: OpenPGP encrypted "
			       "message\n"
			       "Content-Disposition: inline; "
			       "filename=\"encrypted.asc\"\n\n",
			       NULL}) &&
	       entity_lf(out, r->out.s, r->out.len) &&
	       cat_all(out, (char const *const[]){
				    "\n--e", k->boundary, "--\n", NULL});
}

static bool
encrypt(struct work *w)
{
	/* OpenPGP signs inside (RFC 3156, 6.2); S/MIME has signed before. */
	char const *const signer =
		w->k->protocol == ENGINE_OPENPGP ? w->k->signer : NULL;
	struct engine_result r = {0};
	stralloc crlf = STRALLOC_ZERO, out = STRALLOC_ZERO;
	bool ok = (section_crlf(&crlf, w->content.s, w->content.len, false) ||
			  no_memory(w)) &&
		  passed(w,
			  engine_encrypt(w->k->protocol, w->k->names,
				  w->k->file, signer, crlf.s, crlf.len, &r),
			  &r) &&
		  (put_encrypted(w->k, &r, &out) || no_memory(w));

	if (ok) {
		stralloc_free(&w->content);
		w->content = out;
	} else {
		stralloc_free(&out);
	}
	engine_clear(&r);
	stralloc_free(&crlf);
	return ok;
}

/* The message's own fields; hide: of Subject the name alone. */
static bool
put_outside(struct work *w, bool hide, stralloc *out)
{
	struct structure_part const *root = &w->m.parts[0];
	char const *const header = w->m.text.s + root->header_offset;
	struct header_field f;
	size_t pos = 0;

	while (header_next(header, root->header_len, &pos, &f) > 0)
		if (hide && header_is(&f, "subject")
				? !stralloc_cats(out, "Subject: ...\n")
				: !entity_fields(
					  out, f.line, f.line_len, ENTITY_REST))
			return no_memory(w);
	return true;
}

static bool
put_key(struct work *w, stralloc *out)
{
	struct engine_result r = {0};
	bool ok = !w->k->autocrypt ||
		  (passed(w, engine_export(w->k->autocrypt, &r), &r) &&
			  (autocrypt_write(
				   out, w->k->autocrypt, r.out.s, r.out.len) ||
				  no_memory(w)));

	engine_clear(&r);
	return ok;
}

static bool
lock(struct work *w, stralloc *out)
{
	struct lock const *const k = w->k;
	bool const encrypts = k->file || (k->names && k->names[0]);
	bool const signs =
		k->signer && (!encrypts || k->protocol == ENGINE_CMS);

	return put_outside(w, encrypts && !k->clear_subject, out) &&
	       put_key(w, out) && take_content(w, signs) &&
	       (!signs || sign(w)) && (!encrypts || encrypt(w)) &&
	       ((stralloc_cats(out, "MIME-Version: 1.0\n") &&
			stralloc_catb(out, w->content.s, w->content.len)) ||
		       no_memory(w));
}

bool
lock_message(struct lock const *k, char const *s, size_t len, stralloc *out,
	char why[256])
{
	struct work *const w = calloc(1, sizeof *w);
	bool ok = w && entity_lf(&w->m.text, s, len) && stralloc_0(&w->m.text);
	int encrypted;

	why[0] = '\0';
	if (ok) {
		w->k = k;
		w->why = why;
		w->m.text.len--;
		w->m.count = structure_parse(w->m.text.s, w->m.text.len,
			w->m.parts, STRUCTURE_PARTS_MAX);
		encrypted = is_encrypted(&w->m);
		ok = encrypted >= 0 &&
		     (encrypted ? stralloc_catb(out, s, len) : lock(w, out));
	}
	if (w) {
		stralloc_free(&w->m.text);
		stralloc_free(&w->content);
	}
	free(w);
	return ok;
}
