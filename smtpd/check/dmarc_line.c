/* A message in the data of aggregate reports: see dmarc_line.h. */
#include <stdio.h>
#include <string.h>
#include "smtpd/check/dmarc_line.h"

static char const *const names[DMARC_FIELDS] = {
	[DMARC_FIELD_DOMAIN] = "domain",
	[DMARC_FIELD_POLICY] = "policy",
	[DMARC_FIELD_IP] = "ip",
	[DMARC_FIELD_DISPOSITION] = "disposition",
	[DMARC_FIELD_DKIM] = "dkim",
	[DMARC_FIELD_SPF] = "spf",
	[DMARC_FIELD_REASON] = "reason",
	[DMARC_FIELD_FROM] = "from",
	[DMARC_FIELD_MAILFROM] = "mailfrom",
	[DMARC_FIELD_SPFRESULT] = "spfresult",
	[DMARC_FIELD_SIGNATURES] = "signatures",
	[DMARC_FIELD_RUA] = "rua",
};

struct out {
	char *s;
	size_t len;
};

static void
put(struct out *o, char const *s)
{
	for (; *s != '\0' && o->len < DMARC_LINE_MAX - 1; s++)
		o->s[o->len++] = (char)(*s > ' ' && *s <= '~' ? *s : '?');
}

static void
put_field(struct out *o, enum dmarc_field field)
{
	if (o->len < DMARC_LINE_MAX - 1)
		o->s[o->len++] = ' ';
	put(o, names[field]);
	put(o, "=");
}

static void
put_policy(struct out *o, struct dmarc_record const *r)
{
	char text[80];

	put_field(o, DMARC_FIELD_POLICY);
	snprintf(text, sizeof text, "%s/%s/%s/%c/%c/%c/%s",
		dmarc_policy_name(r->p), dmarc_policy_name(r->sp),
		dmarc_policy_name(r->np), r->strict_dkim ? 's' : 'r',
		r->strict_spf ? 's' : 'r', r->testing ? 'y' : 'n', r->fo);
	put(o, text);
}

/* RFC 9990 3.1.3: those that pass first. */
static void
put_signatures(struct out *o, struct dkim_results const *dkim)
{
	bool is_first = true;

	put_field(o, DMARC_FIELD_SIGNATURES);
	for (unsigned pass = 2; pass-- > 0;)
		for (size_t i = 0; i < dkim->count; i++) {
			struct dkim_result const *r = &dkim->list[i];
			if ((r->code == DKIM_PASS) != (pass == 1) ||
				*r->domain == '\0' || *r->selector == '\0')
				continue;
			put(o, is_first ? "" : ",");
			put(o, r->domain);
			put(o, "/");
			put(o, r->selector);
			put(o, "/");
			put(o, dkim_name(r->code));
			is_first = false;
		}
}

/* URIs without the blanks between them. */
static void
put_uris(struct out *o, char const *s)
{
	char one[2] = "";

	put_field(o, DMARC_FIELD_RUA);
	for (; *s != '\0'; s++) {
		one[0] = *s;
		if (*s != ' ')
			put(o, one);
	}
}

size_t
dmarc_line_make(struct mailauth_request const *request,
	struct mailauth_results const *results, enum dmarc_policy applied,
	char const *reason, char out[DMARC_LINE_MAX])
{
	struct dmarc_result const *r = &results->dmarc;
	struct spf_result const *spf = &results->spf_from;
	struct out o = {.s = out};
	char text[32];
	bool is_passed = r->code == DMARC_PASS;

	if ((!is_passed && r->code != DMARC_FAIL) || !r->record.exists ||
		*r->record.rua == '\0')
		return 0;
	snprintf(text, sizeof text, "1 %llu", (unsigned long long)request->now);
	memcpy(out, text, strlen(text));
	o.len = strlen(text);
	put_field(&o, DMARC_FIELD_DOMAIN);
	put(&o, r->policy_domain);
	put_policy(&o, &r->record);
	put_field(&o, DMARC_FIELD_IP);
	put(&o, request->client);
	put_field(&o, DMARC_FIELD_DISPOSITION);
	/* RFC 9990 appendix A: `pass` where the policy would have done harm. */
	put(&o, is_passed && r->policy != DMARC_POLICY_NONE
			? "pass"
			: dmarc_policy_name(applied));
	put_field(&o, DMARC_FIELD_DKIM);
	put(&o, r->dkim_aligned ? "pass" : "fail");
	put_field(&o, DMARC_FIELD_SPF);
	put(&o, r->spf_aligned ? "pass" : "fail");
	put_field(&o, DMARC_FIELD_REASON);
	if (!is_passed && *reason == '\0' && r->disposition != r->policy)
		reason = "policy_test_mode";
	put(&o, reason);
	put_field(&o, DMARC_FIELD_FROM);
	put(&o, r->from);
	put_field(&o, DMARC_FIELD_MAILFROM);
	put(&o, spf->domain);
	put_field(&o, DMARC_FIELD_SPFRESULT);
	put(&o, spf_name(spf->code));
	put_signatures(&o, &results->dkim);
	put_uris(&o, r->record.rua);
	/* A line that does not fit would be read as something else. */
	if (o.len >= DMARC_LINE_MAX - 1)
		return 0;
	out[o.len++] = '\n';
	return o.len;
}

static bool
take(char const *s, size_t len, size_t *pos, char const *name,
	struct dmarc_line *line, enum dmarc_field field)
{
	size_t n = strlen(name), at = *pos, end;

	if (len - at < n + 2 || s[at] != ' ' ||
		memcmp(s + at + 1, name, n) != 0 || s[at + 1 + n] != '=')
		return false;
	at += n + 2;
	for (end = at; end < len && s[end] != ' '; end++)
		if (s[end] < ' ' || s[end] > '~')
			return false;
	line->fields[field].s = s + at;
	line->fields[field].len = end - at;
	*pos = end;
	return true;
}

bool
dmarc_line_parse(char const *s, size_t len, struct dmarc_line *line_r)
{
	size_t pos = 2;

	*line_r = (struct dmarc_line){0};
	if (len < 3 || memcmp(s, "1 ", 2) != 0)
		return false;
	for (; pos < len && s[pos] >= '0' && s[pos] <= '9'; pos++) {
		if (line_r->time > UINT64_MAX / 10 - 1)
			return false;
		line_r->time = line_r->time * 10 + (uint64_t)(s[pos] - '0');
	}
	for (unsigned i = 0; i < DMARC_FIELDS; i++)
		if (!take(s, len, &pos, names[i], line_r, i))
			return false;
	return pos == len;
}
