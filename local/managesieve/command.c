/* Commands of ManageSieve; see command.h. */
#include <string.h>
#include <strings.h>
#include "local/managesieve/command.h"

/* Arguments: s a string, n a number; a small letter must be there, a capital
 * one may. */
static struct {
	char const *name, *arguments;
	enum managesieve_verb verb;
} const verbs[] = {
	{"AUTHENTICATE", "sS", MANAGESIEVE_AUTHENTICATE},
	{"CAPABILITY", "", MANAGESIEVE_CAPABILITY},
	{"CHECKSCRIPT", "s", MANAGESIEVE_CHECKSCRIPT},
	{"DELETESCRIPT", "s", MANAGESIEVE_DELETESCRIPT},
	{"GETSCRIPT", "s", MANAGESIEVE_GETSCRIPT},
	{"HAVESPACE", "sn", MANAGESIEVE_HAVESPACE},
	{"LISTSCRIPTS", "", MANAGESIEVE_LISTSCRIPTS},
	{"LOGOUT", "", MANAGESIEVE_LOGOUT},
	{"NOOP", "S", MANAGESIEVE_NOOP},
	{"PUTSCRIPT", "ss", MANAGESIEVE_PUTSCRIPT},
	{"RENAMESCRIPT", "ss", MANAGESIEVE_RENAMESCRIPT},
	{"SETACTIVE", "s", MANAGESIEVE_SETACTIVE},
	{"STARTTLS", "", MANAGESIEVE_STARTTLS},
};

struct cursor {
	char *s;
	size_t len, pos;
};

static bool
take(struct cursor *c, char wanted)
{
	if (c->pos == c->len || c->s[c->pos] != wanted)
		return false;
	c->pos++;
	return true;
}

static bool
take_number(struct cursor *c, uint32_t *n_r)
{
	uint64_t n = 0;
	size_t const start = c->pos;

	for (; c->pos < c->len && c->s[c->pos] >= '0' && c->s[c->pos] <= '9';
		c->pos++) {
		n = n * 10 + (uint64_t)(c->s[c->pos] - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*n_r = (uint32_t)n;
	return c->pos > start;
}

/* Behind its first quote. */
static bool
take_quoted(struct cursor *c, struct managesieve_argument *a)
{
	char *const start = c->s + c->pos, *out = start;

	while (c->pos < c->len) {
		char x = c->s[c->pos++];

		if (x == '"') {
			a->s = start;
			a->len = (size_t)(out - start);
			return true;
		}
		if (x == '\\') {
			if (c->pos == c->len ||
				(c->s[c->pos] != '"' && c->s[c->pos] != '\\'))
				return false;
			x = c->s[c->pos++];
		}
		if (x == '\0' || x == '\r' || x == '\n')
			return false;
		*out++ = x;
	}
	return false;
}

/* Behind its brace. */
static bool
take_literal(struct cursor *c, struct managesieve_argument *a)
{
	uint32_t size;

	if (!take_number(c, &size) || !take(c, '+') || !take(c, '}') ||
		!take(c, '\r') || !take(c, '\n') || size > c->len - c->pos)
		return false;
	a->s = c->s + c->pos;
	a->len = size;
	c->pos += size;
	return true;
}

static bool
take_argument(struct cursor *c, struct managesieve_argument *a)
{
	*a = (struct managesieve_argument){0};
	if (take(c, '"'))
		return take_quoted(c, a);
	if (take(c, '{'))
		return take_literal(c, a);
	return take_number(c, &a->number);
}

static char const *
check_types(char const *wanted, struct managesieve_command const *command)
{
	size_t i = 0;

	for (; i < command->count; i++) {
		bool const is_number = command->args[i].s == NULL;

		if (wanted[i] == '\0')
			return "Too many arguments";
		if (is_number != (wanted[i] == 'n'))
			return is_number ? "A string is wanted, not a number"
					 : "A number is wanted";
	}
	return wanted[i] == '\0' || wanted[i] == 'S' ? NULL
						     : "Arguments are missing";
}

char const *
managesieve_parse(char *s, size_t len, struct managesieve_command *command_r)
{
	struct cursor c = {.s = s, .len = len};
	char const *wanted = NULL;

	*command_r = (struct managesieve_command){0};
	while (c.pos < len && ((s[c.pos] >= 'A' && s[c.pos] <= 'Z') ||
				      (s[c.pos] >= 'a' && s[c.pos] <= 'z')))
		c.pos++;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strlen(verbs[i].name) == c.pos &&
			strncasecmp(verbs[i].name, s, c.pos) == 0) {
			command_r->verb = verbs[i].verb;
			wanted = verbs[i].arguments;
		}
	if (wanted == NULL)
		return "Unknown command";
	while (c.pos < len) {
		if (!take(&c, ' '))
			return "Arguments not understood";
		if (command_r->count == MANAGESIEVE_ARGUMENTS_MAX)
			return "Too many arguments";
		if (!take_argument(&c, &command_r->args[command_r->count++]))
			return "Arguments not understood";
	}
	return check_types(wanted, command_r);
}

bool
managesieve_string(char *s, size_t len, struct managesieve_argument *string_r)
{
	struct cursor c = {.s = s, .len = len};

	return take_argument(&c, string_r) && string_r->s != NULL &&
	       c.pos == len;
}

bool
managesieve_literal(char const *line, size_t len, uint32_t *size_r)
{
	uint64_t n = 0, factor = 1;
	size_t pos = len;

	if (len < 4 || line[len - 1] != '}' || line[len - 2] != '+')
		return false;
	for (pos = len - 2; pos > 0 && line[pos - 1] >= '0' &&
			    line[pos - 1] <= '9' && factor <= UINT32_MAX;
		pos--, factor *= 10)
		n += factor * (uint64_t)(line[pos - 1] - '0');
	*size_r = (uint32_t)n;
	return pos > 0 && pos < len - 2 && line[pos - 1] == '{' &&
	       n <= UINT32_MAX;
}
