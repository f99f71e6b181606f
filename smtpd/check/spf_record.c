/* Reading an SPF record: see spf_record.h. */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include "smtpd/check/spf_macro.h"
#include "smtpd/check/spf_record.h"

#define VERSION "v=spf1"
#define VERSION_LEN 6

enum { ARG_NONE = 1, ARG_DOMAIN = 2, ARG_NEEDED = 4, ARG_PREFIX = 8 };

static struct {
	char const *name;
	enum spf_kind kind;
	unsigned takes;
} const mechanisms[] = {
	{"all", SPF_KIND_ALL, ARG_NONE},
	{"include", SPF_KIND_INCLUDE, ARG_DOMAIN | ARG_NEEDED},
	{"a", SPF_KIND_A, ARG_DOMAIN | ARG_PREFIX},
	{"mx", SPF_KIND_MX, ARG_DOMAIN | ARG_PREFIX},
	{"ptr", SPF_KIND_PTR, ARG_DOMAIN},
	{"ip4", SPF_KIND_IP4, ARG_NEEDED},
	{"ip6", SPF_KIND_IP6, ARG_NEEDED},
	{"exists", SPF_KIND_EXISTS, ARG_DOMAIN | ARG_NEEDED},
};

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
spf_record_is(char const *s, size_t len)
{
	return len >= VERSION_LEN &&
	       strncasecmp(s, VERSION, VERSION_LEN) == 0 &&
	       (len == VERSION_LEN || s[VERSION_LEN] == ' ');
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static size_t
name_length(char const *s, size_t len)
{
	size_t i = 0;

	if (len == 0 || !is_alpha(*s))
		return 0;
	while (i < len && (is_alpha(s[i]) || is_digit(s[i]) || s[i] == '-' ||
				  s[i] == '_' || s[i] == '.'))
		i++;
	return i;
}

/* Bits behind a slash at the end of s: no leading zero, at most max. */
static bool
prefix_value(char const *s, size_t len, unsigned max, unsigned *bits_r)
{
	unsigned n = 0;

	if (len == 0 || len > 3 || (len > 1 && *s == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(s[i]))
			return false;
		n = n * 10 + (unsigned)(s[i] - '0');
	}
	*bits_r = n;
	return n <= max;
}

static size_t
digits_at_end(char const *s, size_t len)
{
	size_t n = 0;

	while (n < len && is_digit(s[len - n - 1]))
		n++;
	return n;
}

/*
 * Cut `[/N][//N]` off the end of s[0..*len) (RFC 7208 5.3). A domain-spec may
 * hold slashes too, so it is read from the end.
 */
static bool
cut_prefixes(char const *s, size_t *len, struct spf_term *t)
{
	size_t n = digits_at_end(s, *len);

	if (n < *len && *len - n >= 2 && s[*len - n - 1] == '/' &&
		s[*len - n - 2] == '/') {
		if (!prefix_value(s + *len - n, n, 128, &t->prefix6))
			return false;
		*len -= n + 2;
		n = digits_at_end(s, *len);
		if (n == 0)
			return *len == 0 || s[*len - 1] != '/';
	}
	if (n < *len && s[*len - n - 1] == '/') {
		if (!prefix_value(s + *len - n, n, 32, &t->prefix4))
			return false;
		*len -= n + 1;
	}
	return true;
}

static bool
parse_ip4(char const *s, size_t len, struct spf_term *t)
{
	char text[INET_ADDRSTRLEN];
	char const *slash = memchr(s, '/', len);
	size_t n = slash != NULL ? (size_t)(slash - s) : len;

	if (slash != NULL &&
		!prefix_value(slash + 1, len - n - 1, 32, &t->prefix4))
		return false;
	if (n >= sizeof text)
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET, text, t->network) == 1;
}

static bool
parse_ip6(char const *s, size_t len, struct spf_term *t)
{
	char text[INET6_ADDRSTRLEN];
	char const *slash = memchr(s, '/', len);
	size_t n = slash != NULL ? (size_t)(slash - s) : len;

	if (slash != NULL &&
		!prefix_value(slash + 1, len - n - 1, 128, &t->prefix6))
		return false;
	if (n >= sizeof text)
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET6, text, t->network) == 1;
}

/* s[0..len) is what stands behind the name: empty, or from `:` or `/` on. */
static bool
parse_argument(char const *s, size_t len, unsigned takes, struct spf_term *t)
{
	if (len == 0)
		return !(takes & ARG_NEEDED);
	if (takes & ARG_NONE)
		return false;
	if (t->kind == SPF_KIND_IP4)
		return *s == ':' && parse_ip4(s + 1, len - 1, t);
	if (t->kind == SPF_KIND_IP6)
		return *s == ':' && parse_ip6(s + 1, len - 1, t);
	if (takes & ARG_PREFIX && !cut_prefixes(s, &len, t))
		return false;
	if (len == 0)
		return true;
	t->spec = s + 1;
	t->spec_len = len - 1;
	return *s == ':' &&
	       spf_macro_valid(t->spec, t->spec_len, SPF_MACRO_DOMAIN);
}

static bool
parse_modifier(char const *s, size_t len, size_t name_len, struct spf_term *t)
{
	unsigned form = SPF_MACRO_DOMAIN;

	if (name_len == 8 && strncasecmp(s, "redirect", 8) == 0) {
		t->kind = SPF_KIND_REDIRECT;
	} else if (name_len == 3 && strncasecmp(s, "exp", 3) == 0) {
		t->kind = SPF_KIND_EXP;
	} else {
		t->kind = SPF_KIND_OTHER;
		form = SPF_MACRO_STRING;
	}
	t->spec = s + name_len + 1;
	t->spec_len = len - name_len - 1;
	return spf_macro_valid(t->spec, t->spec_len, form);
}

static bool
parse_term(char const *s, size_t len, struct spf_term *t)
{
	bool is_qualified = memchr("+-?~", *s, 4) != NULL;

	*t = (struct spf_term){.qualifier = is_qualified ? *s : '+',
		.prefix4 = 32,
		.prefix6 = 128};
	if (is_qualified) {
		s++;
		len--;
	}
	size_t n = name_length(s, len);
	if (n == 0)
		return false;
	if (n < len && s[n] == '=')
		return !is_qualified && parse_modifier(s, len, n, t);
	if (n < len && s[n] != ':' && s[n] != '/')
		return false;
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
		if (strlen(mechanisms[i].name) == n &&
			strncasecmp(s, mechanisms[i].name, n) == 0) {
			t->kind = mechanisms[i].kind;
			return parse_argument(
				s + n, len - n, mechanisms[i].takes, t);
		}
	return false;
}

int
spf_record_next(char const *s, size_t len, size_t *pos, struct spf_term *term_r)
{
	size_t i = *pos, start;

	if (i == 0)
		i = VERSION_LEN;
	while (i < len && s[i] == ' ')
		i++;
	if (i >= len)
		return 0;
	start = i;
	while (i < len && s[i] != ' ')
		i++;
	*pos = i;
	return parse_term(s + start, i - start, term_r) ? 1 : -1;
}

bool
spf_record_check(char const *s, size_t len, struct spf_term *redirect_r,
	struct spf_term *exp_r)
{
	struct spf_term t;
	size_t pos = 0;
	int r;

	*redirect_r = *exp_r = (struct spf_term){.kind = SPF_KIND_OTHER};
	while ((r = spf_record_next(s, len, &pos, &t)) > 0) {
		struct spf_term *to = t.kind == SPF_KIND_REDIRECT ? redirect_r
				      : t.kind == SPF_KIND_EXP	  ? exp_r
								  : NULL;
		if (to == NULL)
			continue;
		/* RFC 7208 6: no more than once. */
		if (to->kind != SPF_KIND_OTHER)
			return false;
		*to = t;
	}
	return r == 0;
}
