/* One POP3 command line. */
#include <string.h>
#include <strings.h>
#include "pop3d/command.h"

enum arguments { NONE, TEXT, MAY_TEXT, NUMBER, MAY_NUMBER, TWO_NUMBERS };

static struct {
	char const *word;
	enum pop3_verb verb;
	enum arguments arguments;
} const verbs[] = {
	{"APOP", POP3_APOP, TEXT},
	{"AUTH", POP3_AUTH, MAY_TEXT},
	{"CAPA", POP3_CAPA, NONE},
	{"DELE", POP3_DELE, NUMBER},
	{"LANG", POP3_LANG, MAY_TEXT},
	{"LIST", POP3_LIST, MAY_NUMBER},
	{"NOOP", POP3_NOOP, NONE},
	{"PASS", POP3_PASS, TEXT},
	{"QUIT", POP3_QUIT, NONE},
	{"RETR", POP3_RETR, NUMBER},
	{"RSET", POP3_RSET, NONE},
	{"STAT", POP3_STAT, NONE},
	{"STLS", POP3_STLS, NONE},
	{"TOP", POP3_TOP, TWO_NUMBERS},
	{"UIDL", POP3_UIDL, MAY_NUMBER},
	{"USER", POP3_USER, TEXT},
	{"UTF8", POP3_UTF8, NONE},
	{"CONNECT", POP3_HTTP, MAY_TEXT},
	{"DELETE", POP3_HTTP, MAY_TEXT},
	{"GET", POP3_HTTP, MAY_TEXT},
	{"HEAD", POP3_HTTP, MAY_TEXT},
	{"OPTIONS", POP3_HTTP, MAY_TEXT},
	{"PATCH", POP3_HTTP, MAY_TEXT},
	{"POST", POP3_HTTP, MAY_TEXT},
	{"PUT", POP3_HTTP, MAY_TEXT},
	{"TRACE", POP3_HTTP, MAY_TEXT},
};

static bool
number(char const *s, size_t len, uint32_t *n_r)
{
	uint64_t n = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s[i] - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*n_r = (uint32_t)n;
	return true;
}

/* All of s as numbers with blanks between. */
static bool
numbers(char const *s, size_t len, struct pop3_command *c)
{
	while (len > 0) {
		char const *blank = memchr(s, ' ', len);
		size_t n = blank == NULL ? len : (size_t)(blank - s);

		if (n > 0 &&
			(c->number_count == 2 ||
				!number(s, n, &c->numbers[c->number_count++])))
			return false;
		n += blank != NULL;
		s += n;
		len -= n;
	}
	return true;
}

static bool
fits(struct pop3_command *c, enum arguments arguments)
{
	size_t visible = 0;

	switch (arguments) {
	case TEXT:
		return c->text_len > 0;
	case MAY_TEXT:
		return true;
	case NONE:
		for (size_t i = 0; i < c->text_len; i++)
			visible += c->text[i] != ' ';
		return visible == 0;
	case NUMBER:
	case MAY_NUMBER:
	case TWO_NUMBERS:
		break;
	}
	if (!numbers(c->text, c->text_len, c))
		return false;
	if (arguments == MAY_NUMBER)
		return c->number_count <= 1;
	return c->number_count == (arguments == NUMBER ? 1 : 2);
}

bool
pop3_command_parse(char const *s, size_t len, struct pop3_command *command_r,
	enum pop3_command_error *err_r)
{
	char const *blank = len > 0 ? memchr(s, ' ', len) : NULL;
	size_t n = blank == NULL ? len : (size_t)(blank - s);

	*command_r = (struct pop3_command){.text = s + n};
	if (blank != NULL) {
		command_r->text++;
		command_r->text_len = len - n - 1;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (n != strlen(verbs[i].word) ||
			strncasecmp(s, verbs[i].word, n) != 0)
			continue;
		command_r->verb = verbs[i].verb;
		*err_r = POP3_ERR_ARGUMENTS;
		return fits(command_r, verbs[i].arguments);
	}
	*err_r = POP3_ERR_UNKNOWN;
	return false;
}

char const *
pop3_command_strerror(enum pop3_command_error err)
{
	return err == POP3_ERR_UNKNOWN ? "Unknown command" : "Bad arguments";
}
