/* Taking command lines of SMTP apart. */
#include <string.h>
#include "smtpd/command.h"

static struct {
	char const *word;
	enum smtp_verb verb;
} const verbs[] = {
	{"HELO", SMTP_HELO},
	{"EHLO", SMTP_EHLO},
	{"MAIL", SMTP_MAIL},
	{"RCPT", SMTP_RCPT},
	{"DATA", SMTP_DATA},
	{"RSET", SMTP_RSET},
	{"NOOP", SMTP_NOOP},
	{"VRFY", SMTP_VRFY},
	{"HELP", SMTP_HELP},
	{"QUIT", SMTP_QUIT},
	{"STARTTLS", SMTP_STARTTLS},
	{"AUTH", SMTP_AUTH},
	{"BDAT", SMTP_KNOWN},
	{"BURL", SMTP_KNOWN},
	{"ETRN", SMTP_KNOWN},
	{"EXPN", SMTP_KNOWN},
	{"SAML", SMTP_KNOWN},
	{"SEND", SMTP_KNOWN},
	{"SOML", SMTP_KNOWN},
	{"TURN", SMTP_KNOWN},
	{"ATRN", SMTP_KNOWN},
	{"GET", SMTP_HTTP},
	{"POST", SMTP_HTTP},
	{"PUT", SMTP_HTTP},
	{"HEAD", SMTP_HTTP},
	{"DELETE", SMTP_HTTP},
	{"OPTIONS", SMTP_HTTP},
	{"CONNECT", SMTP_HTTP},
	{"TRACE", SMTP_HTTP},
	{"PATCH", SMTP_HTTP},
	{"PRI", SMTP_HTTP},
	{"HOST:", SMTP_HTTP},
	{"USER-AGENT:", SMTP_HTTP},
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

enum smtp_line_flaw
smtp_line_check(char const *s, size_t len)
{
	enum smtp_line_flaw flaw = SMTP_LINE_CLEAN;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if ((c < ' ' && c != '\t') || c == 127)
			return SMTP_LINE_CONTROL;
		if (c >= 0x80)
			flaw = SMTP_LINE_8BIT;
	}
	return flaw;
}

size_t
smtp_word(char const *s, size_t len, char const *word)
{
	size_t n = strlen(word);

	if (len < n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c != word[i])
			return 0;
	}
	return n;
}

void
smtp_command_parse(char const *s, size_t len, struct smtp_command *command_r)
{
	size_t word = 0, start;

	while (len > 0 && is_blank(s[len - 1]))
		len--;
	while (word < len && !is_blank(s[word]))
		word++;
	start = word;
	while (start < len && is_blank(s[start]))
		start++;
	*command_r = (struct smtp_command){.verb = SMTP_UNKNOWN,
		.argument = s + start,
		.argument_len = len - start};
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (word > 0 && smtp_word(s, word, verbs[i].word) == word)
			command_r->verb = verbs[i].verb;
}

/* Digits only (RFC 1870 4: at most 20 of them). */
static bool
parse_size(char const *s, size_t len, uint64_t *size_r)
{
	uint64_t n = 0;

	if (len == 0 || len > 20)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' ||
			__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, s[i] - '0', &n))
			return false;
	}
	*size_r = n;
	return true;
}

static bool
parse_body(char const *s, size_t len, enum smtp_body *body_r)
{
	if (len == 4 && smtp_word(s, len, "7BIT"))
		*body_r = SMTP_BODY_7BIT;
	else if (len == 8 && smtp_word(s, len, "8BITMIME"))
		*body_r = SMTP_BODY_8BITMIME;
	else
		return false;
	return true;
}

/* One parameter s[0..len); *seen collects which were given. */
static bool
parameter(char const *s, size_t len, unsigned known, unsigned *seen,
	struct smtp_path *path, enum smtp_path_error *error_r)
{
	static struct {
		char const *word;
		unsigned bit;
	} const names[] = {{"SIZE=", SMTP_PARAMETER_SIZE},
		{"BODY=", SMTP_PARAMETER_BODY}, {"AUTH=", SMTP_PARAMETER_AUTH}};
	unsigned bit = 0;
	size_t n = 0;
	bool ok;

	for (size_t i = 0; i < sizeof names / sizeof *names && n == 0; i++)
		if (known & names[i].bit) {
			n = smtp_word(s, len, names[i].word);
			bit = names[i].bit;
		}
	*error_r = SMTP_PATH_PARAMETER;
	if (n == 0)
		return false;
	*error_r = SMTP_PATH_VALUE;
	if (*seen & bit)
		return false;
	*seen |= bit;
	if (bit == SMTP_PARAMETER_SIZE)
		ok = parse_size(s + n, len - n, &path->size);
	else if (bit == SMTP_PARAMETER_BODY)
		ok = parse_body(s + n, len - n, &path->body);
	else
		ok = len > n;
	return ok;
}

bool
smtp_path_parse(char const *s, size_t len, char const *keyword,
	unsigned address_flags, unsigned parameters, struct smtp_path *path_r,
	enum smtp_path_error *error_r, enum addr_error *address_error_r)
{
	struct smtp_path path = {.body = SMTP_BODY_7BIT};
	size_t i = smtp_word(s, len, keyword), used;
	unsigned seen = 0;

	*error_r = SMTP_PATH_SYNTAX;
	if (i == 0)
		return false;
	while (i < len && is_blank(s[i]))
		i++;
	if (i == len)
		return false;
	if (!addr_parse_path(s + i, len - i, address_flags, &path.address,
		    &used, address_error_r)) {
		*error_r = SMTP_PATH_ADDRESS;
		return false;
	}
	i += used;
	while (i < len) {
		size_t start = i;

		while (i < len && is_blank(s[i]))
			i++;
		if (i == start)
			return false;
		start = i;
		while (i < len && !is_blank(s[i]))
			i++;
		if (i > start && !parameter(s + start, i - start, parameters,
					 &seen, &path, error_r))
			return false;
		*error_r = SMTP_PATH_SYNTAX;
	}
	*path_r = path;
	return true;
}
