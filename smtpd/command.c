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
	{"BDAT", SMTP_BDAT},
	{"ETRN", SMTP_ETRN},
	{"EXPN", SMTP_EXPN},
	{"XCLIENT", SMTP_XCLIENT},
	{"BURL", SMTP_KNOWN},
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

bool
smtp_number(char const *s, size_t len, uint64_t *n_r)
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
	*n_r = n;
	return true;
}

static bool
is_8bit(char const *s, size_t len)
{
	return smtp_line_check(s, len) == SMTP_LINE_8BIT;
}

/* The words s[0..len) behind a path; each has a blank in front. */
static bool
parse_parameters(char const *s, size_t len, unsigned known,
	struct smtp_parameters *p, enum smtp_path_error *error_r)
{
	size_t i = 0;

	while (i < len) {
		enum smtp_parameter_error error;
		size_t start = i;

		*error_r = SMTP_PATH_SYNTAX;
		while (i < len && is_blank(s[i]))
			i++;
		if (i == start)
			return false;
		start = i;
		while (i < len && !is_blank(s[i]))
			i++;
		if (i > start && !smtp_parameter_parse(s + start, i - start,
					 known, p, &error)) {
			*error_r = error == SMTP_PARAMETER_UNKNOWN
					   ? SMTP_PATH_PARAMETER
					   : SMTP_PATH_VALUE;
			return false;
		}
	}
	return true;
}

bool
smtp_asks_for_utf8(char const *s, size_t len)
{
	static char const word[] = "SMTPUTF8";

	for (size_t i = 1; i < len; i++)
		if (is_blank(s[i - 1]) && smtp_word(s + i, len - i, word) &&
			(len - i == sizeof word - 1 ||
				is_blank(s[i + sizeof word - 1])))
			return true;
	return false;
}

bool
smtp_path_parse(char const *s, size_t len, char const *keyword,
	unsigned address_flags, unsigned parameters, struct smtp_path *path_r,
	enum smtp_path_error *error_r, enum addr_error *address_error_r)
{
	struct smtp_path path = {.parameters = {0}};
	size_t i = smtp_word(s, len, keyword), used;

	*error_r = SMTP_PATH_SYNTAX;
	if (i == 0)
		return false;
	while (i < len && is_blank(s[i]))
		i++;
	if (i == len)
		return false;
	if ((parameters & SMTP_PARAMETER_UTF8) && smtp_asks_for_utf8(s, len))
		address_flags |= ADDR_ALLOW_UTF8;
	if (!addr_parse_path(s + i, len - i, address_flags, &path.address,
		    &used, address_error_r)) {
		*error_r = SMTP_PATH_ADDRESS;
		return false;
	}
	i += used;
	if (!(address_flags & ADDR_ALLOW_UTF8) && is_8bit(s + i, len - i)) {
		*error_r = SMTP_PATH_8BIT;
		return false;
	}
	if (!parse_parameters(
		    s + i, len - i, parameters, &path.parameters, error_r))
		return false;
	/* The word may have stood in quotes. */
	if ((parameters & SMTP_PARAMETER_UTF8) &&
		!(path.parameters.given & SMTP_PARAMETER_UTF8) &&
		is_8bit(s, i)) {
		*error_r = SMTP_PATH_ADDRESS;
		*address_error_r = ADDR_ERR_UTF8;
		return false;
	}
	*path_r = path;
	return true;
}
