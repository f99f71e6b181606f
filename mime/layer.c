/* Finds what has to do with keys; see layer.h. */
#include <string.h>
#include <strings.h>

#include "mime/armor.h"
#include "mime/body.h"
#include "mime/layer.h"

bool
layer_is(struct layer const *l, uint32_t i, char const *type)
{
	return i < l->m.count &&
	       structure_is(l->m.text.s, &l->m.parts[i], type);
}

uint32_t
layer_child(struct layer const *l, uint32_t i, unsigned n)
{
	uint32_t at = l->m.parts[i].child;

	while (at != STRUCTURE_NONE && n > 0) {
		at = l->m.parts[at].next;
		n--;
	}
	return at != STRUCTURE_NONE && l->m.parts[at].made_up ? STRUCTURE_NONE
							      : at;
}

int
layer_parameter_is(
	struct layer const *l, uint32_t i, char const *name, char const *value)
{
	stralloc s = STRALLOC_ZERO;
	int r = body_parameter(&l->m, &l->m.parts[i], name, &s);

	if (r >= 0)
		r = stralloc_0(&s) ? strcasecmp(s.s, value) == 0 : -1;
	stralloc_free(&s);
	return r;
}

/* Exchange makes of multipart/encrypted a multipart/mixed with an empty text in
 * front. */
uint32_t
layer_encrypted_part(struct layer const *l, uint32_t i)
{
	uint32_t version = layer_child(l, i, 0);
	uint32_t data;

	if (layer_is(l, i, "multipart/mixed")) {
		if (!layer_is(l, version, "text/plain") ||
			!armor_is_blank(
				l->m.text.s + l->m.parts[version].body_offset,
				l->m.parts[version].body_len))
			return STRUCTURE_NONE;
		version = layer_child(l, i, 1);
		data = layer_child(l, i, 2);
	} else if (layer_is(l, i, "multipart/encrypted")) {
		data = layer_child(l, i, 1);
	} else {
		return STRUCTURE_NONE;
	}
	if (!layer_is(l, version, "application/pgp-encrypted") ||
		!layer_is(l, data, "application/octet-stream") ||
		l->m.parts[data].next != STRUCTURE_NONE)
		return STRUCTURE_NONE;
	return data;
}

/* The blocks of a text that is shown: what kind it thus is. */
static int
armor_kind_of(struct layer const *l, uint32_t i)
{
	struct structure_part const *part = &l->m.parts[i];
	bool const html = layer_is(l, i, "text/html");
	stralloc text = STRALLOC_ZERO, plain = STRALLOC_ZERO;
	struct armor armor;
	int r = LAYER_OTHER;

	if (part->kind != STRUCTURE_LEAF || part->opaque ||
		(!html && !layer_is(l, i, "text/plain")) ||
		message_is_attachment(&l->m, part))
		return r;
	if (!body_octets(&l->m, part, body_append, &text))
		r = -1;
	else if (!html && armor_find(text.s, text.len, 0, &armor))
		r = LAYER_ARMOR;
	else if (html && !armor_from_html(text.s, text.len, &plain))
		r = -1;
	else if (plain.len > 0)
		r = LAYER_HTML;
	stralloc_free(&text);
	stralloc_free(&plain);
	return r;
}

static int
own_kind(struct layer const *l, uint32_t i)
{
	if (layer_is(l, i, "multipart/signed"))
		return LAYER_SIGNED;
	if (layer_encrypted_part(l, i) != STRUCTURE_NONE)
		return LAYER_ENCRYPTED;
	if (l->m.parts[i].kind == STRUCTURE_LEAF &&
		(layer_is(l, i, "application/pkcs7-mime") ||
			layer_is(l, i, "application/x-pkcs7-mime")))
		return LAYER_CMS;
	return armor_kind_of(l, i);
}

bool
layer_parse(struct layer *l)
{
	/* There must be octets to point at. */
	if (!stralloc_readyplus(&l->m.text, 1))
		return false;
	l->m.count = structure_parse(
		l->m.text.s, l->m.text.len, l->m.parts, STRUCTURE_PARTS_MAX);
	for (uint32_t i = 0; i < l->m.count; i++) {
		int const kind = own_kind(l, i);

		if (kind < 0)
			return false;
		l->kinds[i] = (uint8_t)kind;
		l->html = l->html ||
			  body_is_shown(&l->m, &l->m.parts[i], "text/html");
		if (kind == LAYER_OTHER)
			continue;
		for (uint32_t up = l->m.parts[i].parent; up != STRUCTURE_NONE;
			up = l->m.parts[up].parent)
			if (l->kinds[up] == LAYER_OTHER)
				l->kinds[up] = LAYER_WITHIN;
	}
	return true;
}

bool
layer_name(struct layer const *l, uint32_t i, bool whole, stralloc *name,
	char const **part_r)
{
	*part_r = NULL;
	if (whole)
		return true;
	if (!stralloc_cats(name, l->inside) || !message_number(&l->m, i, name))
		return false;
	/* What is all of a message is its part 1. */
	if ((name->len == strlen(l->inside) && !stralloc_cats(name, "1")) ||
		!stralloc_0(name))
		return false;
	*part_r = name->s;
	return true;
}

int
layer_breaks_out(struct layer const *l, uint32_t i, stralloc const *text)
{
	stralloc boundary = STRALLOC_ZERO;
	int r = 0;

	for (uint32_t up = l->m.parts[i].parent; r == 0 && up != STRUCTURE_NONE;
		up = l->m.parts[up].parent) {
		boundary.len = 0;
		if (!stralloc_cats(&boundary, "--") ||
			body_parameter(&l->m, &l->m.parts[up], "boundary",
				&boundary) < 0)
			r = -1;
		else if (boundary.len > 2 && text->len > 0 &&
			 memmem(text->s, text->len, boundary.s, boundary.len))
			r = 1;
	}
	stralloc_free(&boundary);
	return r;
}
