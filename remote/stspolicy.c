/* Reading what MTA-STS publishes: see stspolicy.h. */
#include <string.h>
#include "remote/stspolicy.h"

struct text {
	char const *s;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text
trim(struct text t)
{
	while (t.len > 0 && is_blank(t.s[0])) {
		t.s++;
		t.len--;
	}
	while (t.len > 0 && is_blank(t.s[t.len - 1]))
		t.len--;
	return t;
}

static bool
is(struct text t, char const *word)
{
	return t.len == strlen(word) && memcmp(t.s, word, t.len) == 0;
}

/* A line, its LF or CRLF left out. False: there is none. */
static bool
next_line(struct text *in, struct text *line_r)
{
	char const *lf;

	if (in->len == 0)
		return false;
	lf = memchr(in->s, '\n', in->len);
	*line_r = (struct text){in->s, lf ? (size_t)(lf - in->s) : in->len};
	in->len -= line_r->len + (lf != NULL);
	in->s += line_r->len + (lf != NULL);
	if (line_r->len > 0 && line_r->s[line_r->len - 1] == '\r')
		line_r->len--;
	return true;
}

static bool
copy_name(struct text t, char name_r[DNS_NAME_SIZE])
{
	if (t.len == 0 || t.len >= DNS_NAME_SIZE)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		char c = t.s[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '.' || c == '_'))
			return false;
		name_r[i] = c;
	}
	name_r[t.len] = '\0';
	return true;
}

static bool
copy_pattern(struct text t, char name_r[DNS_NAME_SIZE])
{
	bool is_wild = t.len > 2 && t.s[0] == '*' && t.s[1] == '.';
	struct text rest = {t.s + (is_wild ? 2 : 0), t.len - (is_wild ? 2 : 0)};
	char name[DNS_NAME_SIZE];

	if (t.len >= DNS_NAME_SIZE || !copy_name(rest, name) ||
		!dns_name_valid(name) || name[rest.len - 1] == '.')
		return false;
	memcpy(name_r, "*.", 2);
	memcpy(name_r + (is_wild ? 2 : 0), name, rest.len + 1);
	return true;
}

bool
stspolicy_is_pattern(char const *s, size_t len)
{
	char name[DNS_NAME_SIZE];

	return copy_pattern((struct text){s, len}, name);
}

static bool
read_number(struct text t, uint32_t *n_r)
{
	uint64_t n = 0;

	if (t.len == 0 || t.len > 10)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(t.s[i] - '0');
	}
	*n_r = n > STSPOLICY_AGE_MAX ? STSPOLICY_AGE_MAX : (uint32_t)n;
	return true;
}

/* Which fields there were: of each but mx the first counts. */
struct seen {
	bool version, mode, max_age;
};

static bool
read_mode(struct text value, struct stspolicy *p)
{
	static struct {
		char const *word;
		enum stspolicy_mode mode;
	} const modes[] = {{"none", STSPOLICY_NONE},
		{"testing", STSPOLICY_TESTING}, {"enforce", STSPOLICY_ENFORCE}};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (is(value, modes[i].word)) {
			p->mode = modes[i].mode;
			return true;
		}
	return false;
}

static bool
read_field(struct text name, struct text value, struct seen *seen,
	struct stspolicy *p)
{
	if (is(name, "version") && !seen->version) {
		seen->version = true;
		return is(value, "STSv1");
	}
	if (is(name, "mode") && !seen->mode) {
		seen->mode = true;
		return read_mode(value, p);
	}
	if (is(name, "max_age") && !seen->max_age) {
		seen->max_age = true;
		return read_number(value, &p->max_age);
	}
	if (is(name, "mx") && p->mx_count < STSPOLICY_MX_MAX)
		return copy_pattern(value, p->mx[p->mx_count++]);
	/* What it does not know a sender passes over. */
	return true;
}

bool
stspolicy_parse(char const *s, size_t len, struct stspolicy *p)
{
	struct text in = {s, len}, line;
	struct seen seen = {0};

	p->mode = STSPOLICY_NONE;
	p->max_age = 0;
	p->mx_count = 0;
	if (len > STSPOLICY_OCTETS_MAX)
		return false;
	while (next_line(&in, &line)) {
		char const *colon = memchr(line.s, ':', line.len);
		size_t n = colon ? (size_t)(colon - line.s) : 0;
		if (trim(line).len == 0)
			continue;
		if (colon == NULL || !read_field(trim((struct text){line.s, n}),
					     trim((struct text){colon + 1,
						     line.len - n - 1}),
					     &seen, p))
			return false;
	}
	return seen.version && seen.mode && seen.max_age &&
	       (p->mx_count > 0 || p->mode == STSPOLICY_NONE);
}

bool
stspolicy_names(struct stspolicy const *p, char const *host)
{
	char const *dot = strchr(host, '.');

	for (size_t i = 0; i < p->mx_count; i++) {
		char const *mx = p->mx[i];
		/* The star is for one whole label. */
		if (mx[0] == '*' ? dot != NULL && dot != host &&
					   strcmp(dot, mx + 1) == 0
				 : strcmp(host, mx) == 0)
			return true;
	}
	return false;
}

static bool
is_id(struct text t)
{
	if (t.len == 0 || t.len >= STSPOLICY_ID_SIZE)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (!((t.s[i] >= '0' && t.s[i] <= '9') ||
			    (t.s[i] >= 'a' && t.s[i] <= 'z') ||
			    (t.s[i] >= 'A' && t.s[i] <= 'Z')))
			return false;
	return true;
}

int
stspolicy_record(char const *s, size_t len, char id_r[STSPOLICY_ID_SIZE])
{
	static char const version[] = "v=STSv1";
	size_t n = sizeof version - 1;
	struct text in = {s, len};

	if (len < n || memcmp(s, version, n) != 0)
		return 0;
	in = trim((struct text){s + n, len - n});
	if (in.len == 0 || in.s[0] != ';')
		return 0;
	id_r[0] = '\0';
	while (in.len > 0) {
		char const *end = memchr(in.s, ';', in.len);
		struct text field = {in.s, end ? (size_t)(end - in.s) : in.len};
		in.s += field.len + (end != NULL);
		in.len -= field.len + (end != NULL);
		field = trim(field);
		if (field.len < 3 || memcmp(field.s, "id=", 3) != 0)
			continue;
		field = (struct text){field.s + 3, field.len - 3};
		if (!is_id(field) || id_r[0] != '\0')
			return -1;
		memcpy(id_r, field.s, field.len);
		id_r[field.len] = '\0';
	}
	return id_r[0] != '\0' ? 1 : -1;
}
