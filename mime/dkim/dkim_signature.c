/* Reading signature fields: see dkim_signature.h. */
#include <string.h>
#include <strings.h>
#include "mime/dkim/arc.h"
#include "common/asciiname.h"
#include "mime/dkim/dkim_signature.h"
#include "mime/dkim/taglist.h"

static bool
fail(struct dkim_signature *sig, enum dkim_code code, char const *why)
{
	sig->code = code;
	sig->why = why;
	return false;
}

static bool
parse_name(
	struct taglist const *tags, char const *name, char out[DNS_NAME_SIZE])
{
	struct tag const *tag = taglist_find(tags, name);
	char text[4 * DNS_NAME_SIZE];

	return tag != NULL && taglist_squeeze(tag, text, sizeof text) &&
	       asciiname(text, strlen(text), out);
}

static bool
parse_algorithm(struct dkim_signature *sig, struct taglist const *tags)
{
	struct tag const *tag = taglist_find(tags, "a");
	char text[32];

	if (tag == NULL || !taglist_squeeze(tag, text, sizeof text))
		return fail(sig, DKIM_NEUTRAL, "no algorithm");
	for (char *s = text; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + ('a' - 'A'));
	sig->is_ed25519 = strcmp(text, "ed25519-sha256") == 0;
	if (sig->is_ed25519 || strcmp(text, "rsa-sha256") == 0) {
		strcpy(sig->algorithm, text);
		return true;
	}
	if (strcmp(text, "rsa-sha1") == 0) {
		strcpy(sig->algorithm, text);
		/* RFC 8301 3.1. */
		return fail(sig, DKIM_PERMERROR, "SHA-1 is not accepted");
	}
	return fail(sig, DKIM_NEUTRAL, "unknown algorithm");
}

static bool
is_form(char const *s, size_t len, bool *is_relaxed)
{
	*is_relaxed = len == 7 && memcmp(s, "relaxed", 7) == 0;
	return *is_relaxed || (len == 6 && memcmp(s, "simple", 6) == 0);
}

static bool
parse_canonicalization(struct dkim_signature *sig, struct taglist const *tags)
{
	struct tag const *tag = taglist_find(tags, "c");
	char const *slash;
	char text[32];
	size_t n;

	/* ARC is always relaxed where nothing is said: sealers that leave c=
	 * out mean that, and its public vectors do. */
	if (tag == NULL && sig->kind == DKIM_KIND_MESSAGE)
		sig->relaxed_header = sig->relaxed_body = true;
	if (tag == NULL)
		return true;
	if (!taglist_squeeze(tag, text, sizeof text))
		return false;
	slash = strchr(text, '/');
	n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	return is_form(text, n, &sig->relaxed_header) &&
	       (slash == NULL || is_form(slash + 1, strlen(slash + 1),
					 &sig->relaxed_body));
}

/* RFC 6376 3.5: i= is below d=; its local part may be quoted and encoded. */
static bool
parse_identity(struct dkim_signature *sig, struct taglist const *tags)
{
	struct tag const *tag = taglist_find(tags, "i");
	char const *at;

	strcpy(sig->identity_domain, sig->domain);
	if (tag == NULL)
		return true;
	if (!taglist_squeeze(tag, sig->identity, sizeof sig->identity)) {
		*sig->identity = '\0';
		return fail(sig, DKIM_NEUTRAL, "i= is too long");
	}
	at = strrchr(sig->identity, '@');
	if (at == NULL ||
		!asciiname(at + 1, strlen(at + 1), sig->identity_domain))
		return fail(sig, DKIM_NEUTRAL, "i= is no identity");
	if (!asciiname_within(sig->identity_domain, sig->domain))
		return fail(sig, DKIM_PERMERROR, "i= does not lie within d=");
	return true;
}

static bool
parse_times(struct dkim_signature *sig, struct taglist const *tags)
{
	struct tag const *t = taglist_find(tags, "t");
	struct tag const *x = taglist_find(tags, "x");
	unsigned long long created = 0, expires = 0;

	if ((t != NULL && !taglist_number(t, &created)) ||
		(x != NULL && !taglist_number(x, &expires)))
		return fail(sig, DKIM_NEUTRAL, "a time is no number");
	sig->created = created;
	sig->expires = x != NULL && expires == 0 ? 1 : expires;
	if (t != NULL && x != NULL && expires < created)
		return fail(sig, DKIM_NEUTRAL, "expires before it was made");
	return true;
}

static bool
parse_query(struct taglist const *tags)
{
	struct tag const *q = taglist_find(tags, "q");

	return q == NULL || taglist_has(q, "dns/txt") || taglist_has(q, "dns");
}

static bool
is_field_name(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return len > 0;
}

static bool
parse_names(struct dkim_signature *sig, struct taglist const *tags)
{
	struct tag const *tag = taglist_find(tags, "h");
	bool is_dkim = sig->kind == DKIM_KIND_DKIM;
	char const *name;
	size_t pos = 0, len, count = 0;

	if (tag == NULL)
		return fail(sig, DKIM_NEUTRAL, "no list of fields");
	sig->names = tag->value;
	sig->names_len = tag->value_len;
	while (taglist_item(tag, &pos, &name, &len)) {
		/* ARC's public vectors have lists with nothing in them, which
		 * sign what they say; RFC 6376 3.5 has none. */
		if (len == 0 && !is_dkim)
			continue;
		if (!is_field_name(name, len) || ++count > DKIM_NAMES_MAX)
			return fail(sig, DKIM_NEUTRAL,
				"the list of fields is malformed");
	}
	/* RFC 6376 6.1.1. */
	if (is_dkim && !taglist_has(tag, "from"))
		return fail(sig, DKIM_PERMERROR, "From is not signed");
	return true;
}

static bool
parse_hash(struct dkim_signature *sig, struct taglist const *tags)
{
	struct tag const *bh = taglist_find(tags, "bh");
	struct tag const *l = taglist_find(tags, "l");
	unsigned long long limit;
	size_t len;

	if (bh == NULL ||
		!taglist_base64(bh, sig->hash, sizeof sig->hash, &len) ||
		len != sizeof sig->hash)
		return fail(sig, DKIM_NEUTRAL, "no body hash");
	sig->limit = UINT64_MAX;
	if (l != NULL && !taglist_number(l, &limit))
		return fail(sig, DKIM_NEUTRAL, "l= is no number");
	if (l != NULL)
		sig->limit = limit < UINT64_MAX ? limit : UINT64_MAX - 1;
	return true;
}

static bool
parse_b(struct dkim_signature *sig, struct header_field const *field,
	struct taglist const *tags)
{
	struct tag const *b = taglist_find(tags, "b");
	size_t n = 0;

	if (b == NULL)
		return fail(sig, DKIM_NEUTRAL, "no signature");
	sig->b_at = sig->b_end = (size_t)(b->value - field->line);
	sig->b_end += b->value_len;
	/* RFC 6376 3.7: all between `b=` and the next `;` is taken out, so the
	 * blanks that were trimmed too. */
	while (field->line[sig->b_at - 1] != '=')
		sig->b_at--;
	while (sig->b_end < field->line_len &&
		strchr(" \t\r\n", field->line[sig->b_end]) != NULL &&
		field->line[sig->b_end] != '\0')
		sig->b_end++;
	for (size_t i = 0; i < b->value_len && n < 8; i++)
		if (strchr(" \t\r\n", b->value[i]) == NULL)
			sig->b_begin[n++] = b->value[i];
	if (!taglist_base64(b, sig->b, sizeof sig->b, &sig->b_len) ||
		sig->b_len == 0)
		return fail(sig, DKIM_NEUTRAL, "the signature is malformed");
	return true;
}

static bool
parse_cv(struct dkim_signature *sig, struct taglist const *tags)
{
	struct tag const *tag = taglist_find(tags, "cv");
	static char const *const names[] = {[DKIM_CV_NONE] = "none",
		[DKIM_CV_PASS] = "pass",
		[DKIM_CV_FAIL] = "fail"};

	for (unsigned i = 0; tag != NULL && i < 3; i++)
		if (tag->value_len == 4 &&
			strncasecmp(tag->value, names[i], 4) == 0) {
			sig->cv = i;
			return true;
		}
	return fail(sig, DKIM_NEUTRAL, "no chain status");
}

static bool
parse_instance(struct dkim_signature *sig, struct taglist const *tags)
{
	struct tag const *tag = taglist_find(tags, "i");
	unsigned long long n;

	if (tag == NULL || !taglist_number(tag, &n) || n < 1 ||
		n > ARC_SETS_MAX)
		return fail(sig, DKIM_NEUTRAL, "no instance");
	sig->instance = (unsigned)n;
	return true;
}

bool
dkim_signature_parse(enum dkim_kind kind, struct header_field const *field,
	struct dkim_signature *sig_r)
{
	struct taglist tags;
	bool is_dkim = kind == DKIM_KIND_DKIM;

	*sig_r = (struct dkim_signature){.kind = kind, .limit = UINT64_MAX};
	if (field->value_len > DKIM_FIELD_MAX ||
		!taglist_parse(field->value, field->value_len, &tags))
		return fail(sig_r, DKIM_NEUTRAL, "malformed field");
	/* Who and which first, so that a failure can be told with a name. */
	if (!parse_name(&tags, "d", sig_r->domain) ||
		strchr(sig_r->domain, '.') == NULL)
		return fail(sig_r, DKIM_NEUTRAL, "no domain");
	if (!parse_name(&tags, "s", sig_r->selector))
		return fail(sig_r, DKIM_NEUTRAL, "no selector");
	if (!parse_b(sig_r, field, &tags))
		return false;
	if (is_dkim && !taglist_is(&tags, "v", "1"))
		return fail(sig_r, DKIM_NEUTRAL, "unknown version");
	if (!is_dkim && !parse_instance(sig_r, &tags))
		return false;
	if (!parse_algorithm(sig_r, &tags) || !parse_times(sig_r, &tags))
		return false;
	if (kind == DKIM_KIND_SEAL) {
		/* RFC 8617 4.1.3: a seal with h= fails. */
		if (taglist_find(&tags, "h") != NULL)
			return fail(sig_r, DKIM_NEUTRAL, "a seal with h=");
		return parse_cv(sig_r, &tags);
	}
	if (!parse_canonicalization(sig_r, &tags))
		return fail(sig_r, DKIM_NEUTRAL, "unknown canonicalization");
	if (!parse_query(&tags))
		return fail(sig_r, DKIM_NEUTRAL, "unknown query method");
	if (is_dkim && !parse_identity(sig_r, &tags))
		return false;
	return parse_names(sig_r, &tags) && parse_hash(sig_r, &tags);
}

bool
dkim_signature_covers(struct dkim_signature const *sig, char const *name)
{
	struct tag h = {.value = sig->names, .value_len = sig->names_len};

	return taglist_has(&h, name);
}

bool
dkim_signature_instance(
	char const *s, size_t len, unsigned *instance_r, size_t *rest_r)
{
	char const *end = memchr(s, ';', len);
	struct taglist tags;
	unsigned long long n;

	if (end == NULL || !taglist_parse(s, (size_t)(end - s), &tags) ||
		tags.count != 1)
		return false;
	struct tag const *i = taglist_find(&tags, "i");
	if (i == NULL || !taglist_number(i, &n) || n < 1 || n > ARC_SETS_MAX)
		return false;
	*instance_r = (unsigned)n;
	*rest_r = (size_t)(end - s) + 1;
	return true;
}
