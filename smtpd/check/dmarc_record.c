/* Reading a DMARC policy record: see dmarc_record.h. */
#include <string.h>
#include <strings.h>
#include "smtpd/check/dmarc_record.h"
#include "mime/dkim/taglist.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* v = DMARC1, its case as it is, then a semicolon or the end. */
bool
dmarc_record_is(char const *s, size_t len)
{
	size_t i = 1;

	if (len == 0 || *s != 'v')
		return false;
	while (i < len && is_blank(s[i]))
		i++;
	if (i >= len || s[i++] != '=')
		return false;
	while (i < len && is_blank(s[i]))
		i++;
	if (len - i < 6 || memcmp(s + i, "DMARC1", 6) != 0)
		return false;
	for (i += 6; i < len && is_blank(s[i]); i++)
		;
	return i == len || s[i] == ';';
}

static bool
value_is(char const *s, size_t len, char const *word)
{
	return len == strlen(word) && strncasecmp(s, word, len) == 0;
}

static bool
read_policy(char const *s, size_t len, enum dmarc_policy *policy)
{
	if (value_is(s, len, "none"))
		*policy = DMARC_POLICY_NONE;
	else if (value_is(s, len, "quarantine"))
		*policy = DMARC_POLICY_QUARANTINE;
	else if (value_is(s, len, "reject"))
		*policy = DMARC_POLICY_REJECT;
	else
		return false;
	return true;
}

/* Whole URIs only: a list that is too long is cut at a comma. */
static void
read_uris(char const *s, size_t len, char out[DMARC_URIS_MAX])
{
	size_t n = len < DMARC_URIS_MAX ? len : DMARC_URIS_MAX - 1;

	while (n > 0 && n < len && s[n] != ',')
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)(s[i] > ' ' && s[i] <= '~' ? s[i] : ' ');
	out[n] = '\0';
}

/* Whether some item looks like a URI: a scheme, a colon, something. */
static bool
has_uri(char const *uris)
{
	for (char const *s = uris; *s != '\0'; s++)
		if (*s == ':' && s > uris && s[-1] > ' ' && s[-1] != ',' &&
			s[1] > ' ' && s[1] != ',')
			return true;
	return false;
}

static void
take_tag(struct dmarc_record *r, char const *name, size_t name_len,
	char const *s, size_t len)
{
	if (value_is(name, name_len, "sp")) {
		r->has_sp = read_policy(s, len, &r->sp);
		r->damaged |= !r->has_sp;
	} else if (value_is(name, name_len, "np")) {
		r->has_np = read_policy(s, len, &r->np);
		r->damaged |= !r->has_np;
	} else if (value_is(name, name_len, "p")) {
		r->damaged |= !read_policy(s, len, &r->p);
	} else if (value_is(name, name_len, "adkim")) {
		r->strict_dkim = value_is(s, len, "s");
	} else if (value_is(name, name_len, "aspf")) {
		r->strict_spf = value_is(s, len, "s");
	} else if (value_is(name, name_len, "t")) {
		r->testing = value_is(s, len, "y");
	} else if (value_is(name, name_len, "psd")) {
		r->psd = value_is(s, len, "y")	 ? 'y'
			 : value_is(s, len, "n") ? 'n'
						 : 'u';
	} else if (value_is(name, name_len, "rua")) {
		read_uris(s, len, r->rua);
	} else if (value_is(name, name_len, "ruf")) {
		read_uris(s, len, r->ruf);
	} else if (value_is(name, name_len, "fo") && len < sizeof r->fo) {
		bool is_whole = len > 0;
		for (size_t i = 0; i < len; i++)
			is_whole &= strchr("01dsDS:", s[i]) != NULL;
		if (is_whole) {
			memcpy(r->fo, s, len);
			r->fo[len] = '\0';
		}
	}
}

/* RFC 9989 4.8: what is wrong in one tag is left out, the others count. */
bool
dmarc_record_parse(char const *s, size_t len, struct dmarc_record *record_r)
{
	*record_r =
		(struct dmarc_record){.exists = true, .psd = 'u', .fo = "0"};
	for (size_t i = 0; i < len;) {
		char const *semicolon = memchr(s + i, ';', len - i);
		size_t end = semicolon != NULL ? (size_t)(semicolon - s) : len;
		struct taglist one;
		if (taglist_parse(s + i, end - i, &one))
			take_tag(record_r, one.list[0].name,
				one.list[0].name_len, one.list[0].value,
				one.list[0].value_len);
		i = end + 1;
	}
	if (!record_r->has_sp)
		record_r->sp = record_r->p;
	if (!record_r->has_np)
		record_r->np = record_r->sp;
	if (record_r->damaged && has_uri(record_r->rua)) {
		record_r->p = record_r->sp = record_r->np = DMARC_POLICY_NONE;
		return true;
	}
	return !record_r->damaged;
}
