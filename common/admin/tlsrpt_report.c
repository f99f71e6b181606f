/* Reports of TLS out of what sts has counted: see tlsrpt_report.h. */
#include <stdlib.h>
#include <string.h>
#include "common/admin/tlsrpt_report.h"

/* In the order of sorting: a domain's policies stand together. */
static enum tlsrpt_field const order[TLSRPT_FIELDS] = {TLSRPT_FIELD_DOMAIN,
	TLSRPT_FIELD_POLICY, TLSRPT_FIELD_RESULT, TLSRPT_FIELD_HOST,
	TLSRPT_FIELD_TO, TLSRPT_FIELD_FROM, TLSRPT_FIELD_WHY};

static int
compare_pieces(struct tlsrpt_piece const *a, struct tlsrpt_piece const *b)
{
	int r = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);

	return r != 0 ? r : (a->len > b->len) - (a->len < b->len);
}

static int
compare(void const *x, void const *y)
{
	struct tlsrpt_line const *a = x, *b = y;
	int r = 0;

	for (size_t i = 0; i < TLSRPT_FIELDS && r == 0; i++)
		r = compare_pieces(&a->fields[order[i]], &b->fields[order[i]]);
	return r;
}

static bool
is(struct tlsrpt_piece const *p, char const *word)
{
	return p->len == strlen(word) && memcmp(p->s, word, p->len) == 0;
}

bool
tlsrpt_line_parse(char const *s, size_t len, struct tlsrpt_line *l)
{
	uint64_t n = 0;
	size_t at = 0;

	while (at < len && s[at] >= '0' && s[at] <= '9' && at < 18)
		n = n * 10 + (uint64_t)(s[at++] - '0');
	if (at == 0)
		return false;
	l->count = n;
	for (size_t i = 0; i < TLSRPT_FIELDS; i++) {
		char const *tab;
		if (at == len || s[at] != '\t')
			return false;
		at++;
		tab = memchr(s + at, '\t', len - at);
		l->fields[i].s = s + at;
		l->fields[i].len =
			tab != NULL ? (size_t)(tab - s) - at : len - at;
		at += l->fields[i].len;
	}
	return at == len;
}

/* Join what is alike. */
static void
join(struct tlsrpt_report *r)
{
	size_t n = 0;

	if (r->count > 0)
		qsort(r->lines, r->count, sizeof *r->lines, compare);
	for (size_t i = 0; i < r->count; i++)
		if (n > 0 && compare(&r->lines[n - 1], &r->lines[i]) == 0)
			r->lines[n - 1].count += r->lines[i].count;
		else
			r->lines[n++] = r->lines[i];
	r->count = n;
}

bool
tlsrpt_report_read(struct tlsrpt_report *r, char const *s, size_t len)
{
	size_t room = 0;

	while (len > 0) {
		char const *lf = memchr(s, '\n', len);
		size_t n = lf != NULL ? (size_t)(lf - s) : len;
		struct tlsrpt_line line;
		/* The last line may be one that is being written. */
		if (lf == NULL || !tlsrpt_line_parse(s, n, &line)) {
			r->bad++;
		} else {
			if (r->count == room) {
				struct tlsrpt_line *more;
				room = room * 2 + 256;
				more = reallocarray(
					r->lines, room, sizeof *more);
				if (more == NULL)
					return false;
				r->lines = more;
			}
			r->lines[r->count++] = line;
		}
		n += lf != NULL;
		s += n;
		len -= n;
	}
	join(r);
	return true;
}

void
tlsrpt_report_free(struct tlsrpt_report *r)
{
	free(r->lines);
	r->lines = NULL;
	r->count = 0;
}

void
tlsrpt_report_sum(struct tlsrpt_report const *r, char const *domain,
	uint64_t *good_r, uint64_t *bad_r)
{
	*good_r = *bad_r = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct tlsrpt_line const *l = &r->lines[i];
		if (!is(&l->fields[TLSRPT_FIELD_DOMAIN], domain))
			continue;
		if (is(&l->fields[TLSRPT_FIELD_RESULT], "success"))
			*good_r += l->count;
		else
			*bad_r += l->count;
	}
}

void
tlsrpt_report_list(struct tlsrpt_report const *r, FILE *out)
{
	for (size_t i = 0, end; i < r->count; i = end) {
		struct tlsrpt_piece const *d =
			&r->lines[i].fields[TLSRPT_FIELD_DOMAIN];
		uint64_t good = 0, bad = 0;
		for (end = i;
			end < r->count &&
			compare_pieces(d,
				&r->lines[end].fields[TLSRPT_FIELD_DOMAIN]) ==
				0;
			end++)
			if (is(&r->lines[end].fields[TLSRPT_FIELD_RESULT],
				    "success"))
				good += r->lines[end].count;
			else
				bad += r->lines[end].count;
		fprintf(out, "%.*s\t%llu\t%llu\n", (int)d->len, d->s,
			(unsigned long long)good, (unsigned long long)bad);
	}
}

static void
write_string(char const *s, size_t len, FILE *out)
{
	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void
write_text(char const *s, FILE *out)
{
	write_string(s, strlen(s), out);
}

/* The lines of a policy; of those that begin with key what follows, or
 * (NULL) all. */
static void
write_lines(char const *name, char const *policy, char const *key, FILE *out)
{
	char const *before = "";

	fprintf(out, ",\"%s\":[", name);
	while (*policy != '\0') {
		size_t n = strcspn(policy, "\r\n");
		size_t skip = key != NULL ? strlen(key) : 0;
		if (n > skip &&
			(key == NULL || memcmp(policy, key, skip) == 0)) {
			char const *s = policy + skip;
			while (key != NULL && *s == ' ')
				s++;
			fputs(before, out);
			write_string(s, (size_t)(policy + n - s), out);
			before = ",";
		}
		policy += n;
		policy += strspn(policy, "\r\n");
	}
	fputc(']', out);
}

/* The failures of lines [at, end) (RFC 8460 4.2). */
static void
write_failures(struct tlsrpt_report const *r, size_t at, size_t end, FILE *out)
{
	static struct {
		enum tlsrpt_field field;
		char const *name;
	} const more[] = {{TLSRPT_FIELD_FROM, "sending-mta-ip"},
		{TLSRPT_FIELD_HOST, "receiving-mx-hostname"},
		{TLSRPT_FIELD_TO, "receiving-ip"},
		{TLSRPT_FIELD_WHY, "failure-reason-code"}};
	char const *before = "";

	fputs(",\"failure-details\":[", out);
	for (; at < end; at++) {
		struct tlsrpt_line const *l = &r->lines[at];
		struct tlsrpt_piece const *f = &l->fields[TLSRPT_FIELD_RESULT];
		if (is(f, "success"))
			continue;
		fprintf(out, "%s{\"result-type\":", before);
		write_string(f->s, f->len, out);
		for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
			f = &l->fields[more[i].field];
			if (f->len == 0)
				continue;
			fprintf(out, ",\"%s\":", more[i].name);
			write_string(f->s, f->len, out);
		}
		fprintf(out, ",\"failed-session-count\":%llu}",
			(unsigned long long)l->count);
		before = ",";
	}
	fputc(']', out);
}

static void
write_policy(struct tlsrpt_report const *r, size_t at, size_t end,
	char const *domain, char const *policy, FILE *out)
{
	struct tlsrpt_piece const *type =
		&r->lines[at].fields[TLSRPT_FIELD_POLICY];
	uint64_t good = 0, bad = 0;

	for (size_t i = at; i < end; i++)
		if (is(&r->lines[i].fields[TLSRPT_FIELD_RESULT], "success"))
			good += r->lines[i].count;
		else
			bad += r->lines[i].count;
	fputs("{\"policy\":{\"policy-type\":", out);
	write_string(type->s, type->len, out);
	if (is(type, "sts") && policy != NULL)
		write_lines("policy-string", policy, NULL, out);
	fputs(",\"policy-domain\":", out);
	write_text(domain, out);
	if (is(type, "sts") && policy != NULL)
		write_lines("mx-host", policy, "mx:", out);
	fprintf(out,
		"},\"summary\":{\"total-successful-session-count\":%llu,"
		"\"total-failure-session-count\":%llu}",
		(unsigned long long)good, (unsigned long long)bad);
	write_failures(r, at, end, out);
	fputc('}', out);
}

void
tlsrpt_report_write(struct tlsrpt_report const *r, char const *domain,
	char const *policy, FILE *out)
{
	char const *before = "";

	fputs("{\"organization-name\":", out);
	write_text(r->host, out);
	fprintf(out,
		",\"date-range\":{\"start-datetime\":\"%sT00:00:00Z\","
		"\"end-datetime\":\"%sT23:59:59Z\"},\"contact-info\":"
		"\"postmaster@%s\",\"report-id\":\"%s.%s@%s\",\"policies\":[",
		r->day, r->day, r->host, r->day, domain, r->host);
	for (size_t i = 0, end; i < r->count; i = end) {
		struct tlsrpt_line const *l = &r->lines[i];
		end = i + 1;
		if (!is(&l->fields[TLSRPT_FIELD_DOMAIN], domain))
			continue;
		while (end < r->count &&
			is(&r->lines[end].fields[TLSRPT_FIELD_DOMAIN],
				domain) &&
			compare_pieces(&l->fields[TLSRPT_FIELD_POLICY],
				&r->lines[end].fields[TLSRPT_FIELD_POLICY]) ==
				0)
			end++;
		fputs(before, out);
		write_policy(r, i, end, domain, policy, out);
		before = ",";
	}
	fputs("]}\n", out);
}
