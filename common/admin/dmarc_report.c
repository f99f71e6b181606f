/* Aggregate reports out of collected lines: see dmarc_report.h. */
#include <stdlib.h>
#include <string.h>
#include "common/admin/dmarc_report.h"

/* What makes messages alike, in the order of sorting. The policy and the
 * addresses of reports are the domain's: the newest counts for all. */
static enum dmarc_field const alike[] = {DMARC_FIELD_DOMAIN, DMARC_FIELD_IP,
	DMARC_FIELD_DISPOSITION, DMARC_FIELD_DKIM, DMARC_FIELD_SPF,
	DMARC_FIELD_REASON, DMARC_FIELD_FROM, DMARC_FIELD_MAILFROM,
	DMARC_FIELD_SPFRESULT, DMARC_FIELD_SIGNATURES};

static int
compare_field(struct dmarc_line const *a, struct dmarc_line const *b,
	enum dmarc_field f)
{
	size_t n = a->fields[f].len < b->fields[f].len ? a->fields[f].len
						       : b->fields[f].len;
	int r = memcmp(a->fields[f].s, b->fields[f].s, n);

	if (r != 0)
		return r;
	return (a->fields[f].len > n) - (b->fields[f].len > n);
}

static int
compare(void const *x, void const *y)
{
	int r = 0;

	for (size_t i = 0; i < sizeof alike / sizeof *alike && r == 0; i++)
		r = compare_field(x, y, alike[i]);
	return r;
}

bool
dmarc_report_read(struct dmarc_report *r, char const *s, size_t len)
{
	size_t room = 0;

	while (len > 0) {
		char const *lf = memchr(s, '\n', len);
		size_t n = lf != NULL ? (size_t)(lf - s) : len;
		struct dmarc_line line;
		/* The last line may be one that is being written. */
		if (lf == NULL || !dmarc_line_parse(s, n, &line)) {
			r->bad++;
		} else if (line.time >= r->begin && line.time <= r->end) {
			if (r->count == room) {
				room = room * 2 + 256;
				struct dmarc_line *more =
					realloc(r->lines, room * sizeof *more);
				if (more == NULL)
					return false;
				r->lines = more;
			}
			r->lines[r->count++] = line;
		}
		s += n + (lf != NULL);
		len -= n + (lf != NULL);
	}
	if (r->count > 0)
		qsort(r->lines, r->count, sizeof *r->lines, compare);
	return true;
}

void
dmarc_report_free(struct dmarc_report *r)
{
	free(r->lines);
	r->lines = NULL;
	r->count = 0;
}

bool
dmarc_report_next(struct dmarc_report const *r, size_t *at, size_t *end_r)
{
	size_t end = *at;

	while (end < r->count && compare_field(&r->lines[*at], &r->lines[end],
					 DMARC_FIELD_DOMAIN) == 0)
		end++;
	*end_r = end;
	return end > *at;
}

struct dmarc_line const *
dmarc_report_newest(struct dmarc_report const *r, size_t at, size_t end)
{
	struct dmarc_line const *newest = &r->lines[at];

	for (; at < end; at++)
		if (r->lines[at].time >= newest->time)
			newest = &r->lines[at];
	return newest;
}

static void
put_text(FILE *out, char const *s, size_t len)
{
	for (; len > 0; s++, len--)
		switch (*s) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		default:
			fputc(*s >= ' ' && *s <= '~' ? *s : '?', out);
		}
}

static void
put_element(FILE *out, int depth, char const *name, char const *s, size_t len)
{
	fprintf(out, "%*s<%s>", depth * 2, "", name);
	put_text(out, s, len);
	fprintf(out, "</%s>\n", name);
}

static void
put_field(FILE *out, int depth, char const *name, struct dmarc_line const *l,
	enum dmarc_field f)
{
	put_element(out, depth, name, l->fields[f].s, l->fields[f].len);
}

static void
put_string(FILE *out, int depth, char const *name, char const *s)
{
	put_element(out, depth, name, s, strlen(s));
}

/* Cut the piece in front of the next c off s[0..*len). */
static char const *
cut(char const **s, size_t *len, char c, size_t *piece_len)
{
	char const *piece = *s, *end = memchr(piece, c, *len);

	*piece_len = end != NULL ? (size_t)(end - piece) : *len;
	*s += *piece_len + (end != NULL);
	*len -= *piece_len + (end != NULL);
	return piece;
}

static void
put_published(FILE *out, struct dmarc_line const *l)
{
	static char const *const names[] = {
		"p", "sp", "np", "adkim", "aspf", "testing", "fo"};
	char const *s = l->fields[DMARC_FIELD_POLICY].s;
	size_t len = l->fields[DMARC_FIELD_POLICY].len, n;

	fputs("  <policy_published>\n", out);
	put_field(out, 2, "domain", l, DMARC_FIELD_DOMAIN);
	put_string(out, 2, "discovery_method", "treewalk");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char const *value = cut(&s, &len, '/', &n);
		put_element(out, 2, names[i], value, n);
	}
	fputs("  </policy_published>\n", out);
}

static void
put_signatures(FILE *out, struct dmarc_line const *l)
{
	char const *s = l->fields[DMARC_FIELD_SIGNATURES].s;
	size_t len = l->fields[DMARC_FIELD_SIGNATURES].len, n, part;

	while (len > 0) {
		static char const *const names[] = {
			"domain", "selector", "result"};
		char const *one = cut(&s, &len, ',', &n);
		fputs("      <dkim>\n", out);
		for (size_t i = 0; i < 3; i++) {
			char const *value = cut(&one, &n, '/', &part);
			put_element(out, 4, names[i], value, part);
		}
		fputs("      </dkim>\n", out);
	}
}

static void
put_record(FILE *out, struct dmarc_line const *l, size_t count)
{
	fputs("  <record>\n    <row>\n", out);
	put_field(out, 3, "source_ip", l, DMARC_FIELD_IP);
	fprintf(out, "      <count>%zu</count>\n", count);
	fputs("      <policy_evaluated>\n", out);
	put_field(out, 4, "disposition", l, DMARC_FIELD_DISPOSITION);
	put_field(out, 4, "dkim", l, DMARC_FIELD_DKIM);
	put_field(out, 4, "spf", l, DMARC_FIELD_SPF);
	if (l->fields[DMARC_FIELD_REASON].len > 0) {
		fputs("        <reason>\n", out);
		put_field(out, 5, "type", l, DMARC_FIELD_REASON);
		fputs("        </reason>\n", out);
	}
	fputs("      </policy_evaluated>\n    </row>\n    <identifiers>\n",
		out);
	put_field(out, 3, "header_from", l, DMARC_FIELD_FROM);
	put_field(out, 3, "envelope_from", l, DMARC_FIELD_MAILFROM);
	fputs("    </identifiers>\n    <auth_results>\n", out);
	put_signatures(out, l);
	if (l->fields[DMARC_FIELD_MAILFROM].len > 0) {
		fputs("      <spf>\n", out);
		put_field(out, 4, "domain", l, DMARC_FIELD_MAILFROM);
		put_string(out, 4, "scope", "mfrom");
		put_field(out, 4, "result", l, DMARC_FIELD_SPFRESULT);
		fputs("      </spf>\n", out);
	}
	fputs("    </auth_results>\n  </record>\n", out);
}

void
dmarc_report_write(
	struct dmarc_report const *r, size_t at, size_t end, FILE *out)
{
	struct dmarc_line const *newest = dmarc_report_newest(r, at, end);

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
	      "  <version>1.0</version>\n  <report_metadata>\n",
		out);
	put_string(out, 2, "org_name", r->organization);
	put_string(out, 2, "email", r->email);
	fprintf(out, "    <report_id>%llu.%llu.%.*s@",
		(unsigned long long)r->begin, (unsigned long long)r->end,
		(int)newest->fields[DMARC_FIELD_DOMAIN].len,
		newest->fields[DMARC_FIELD_DOMAIN].s);
	put_text(out, r->host, strlen(r->host));
	fprintf(out,
		"</report_id>\n    <date_range>\n      <begin>%llu</begin>\n"
		"      <end>%llu</end>\n    </date_range>\n",
		(unsigned long long)r->begin, (unsigned long long)r->end);
	put_string(out, 2, "generator", "Kereru " KERERU_VERSION);
	fputs("  </report_metadata>\n", out);
	put_published(out, newest);
	while (at < end) {
		size_t next = at;
		while (next < end &&
			compare(&r->lines[at], &r->lines[next]) == 0)
			next++;
		put_record(out, &r->lines[at], next - at);
		at = next;
	}
	fputs("</feedback>\n", out);
}
