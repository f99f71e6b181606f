/* Options of the subcommands; see options.h. */
#include <string.h>

#include "mime/options.h"

/* spec is "t threads" or "d: dir". */
static bool
takes_value(char const *spec)
{
	return spec[1] == ':';
}

static char const *
find_letter(char const *const *spec, char letter)
{
	for (; *spec; spec++)
		if ((*spec)[0] == letter)
			return *spec;
	return NULL;
}

/* text is a long name, perhaps with "=value" behind it. */
static char const *
find_long(char const *const *spec, char const *text)
{
	size_t const len = strcspn(text, "=");

	for (; *spec; spec++) {
		char const *const name = strchr(*spec, ' ') + 1;

		if (strlen(name) == len && memcmp(name, text, len) == 0)
			return *spec;
	}
	return NULL;
}

static bool
add(struct options *o, char letter, char const *value)
{
	if (o->count == OPTIONS_MAX)
		return false;
	o->list[o->count].letter = letter;
	o->list[o->count++].value = value;
	return true;
}

/* The value of the argument at *at, which may be the next argument. */
static bool
add_with_value(struct options *o, char letter, char const *joined,
	char const *const *arguments, size_t count, size_t *at)
{
	if (joined)
		return add(o, letter, joined);
	if (*at + 1 >= count)
		return false;
	return add(o, letter, arguments[++*at]);
}

static bool
parse_long(char const *const *arguments, size_t count, size_t *at,
	char const *const *spec, struct options *o)
{
	char const *const text = arguments[*at] + 2;
	char const *const equals = strchr(text, '=');
	char const *const found = find_long(spec, text);

	if (!found)
		return false;
	if (takes_value(found))
		return add_with_value(o, found[0], equals ? equals + 1 : NULL,
			arguments, count, at);
	return !equals && add(o, found[0], NULL);
}

static bool
parse_letters(char const *const *arguments, size_t count, size_t *at,
	char const *const *spec, struct options *o)
{
	for (char const *s = arguments[*at] + 1; *s != '\0'; s++) {
		char const *const found = find_letter(spec, *s);

		if (!found)
			return false;
		if (takes_value(found))
			return add_with_value(o, *s,
				s[1] != '\0' ? s + 1 : NULL, arguments, count,
				at);
		if (!add(o, *s, NULL))
			return false;
	}
	return true;
}

bool
options_parse(char const *const *arguments, size_t count,
	char const *const *spec, struct options *o_r, size_t *used_r)
{
	size_t at = 0;

	o_r->count = 0;
	for (; at < count; at++) {
		char const *const s = arguments[at];

		if (s[0] != '-' || s[1] == '\0')
			break;
		if (strcmp(s, "--") == 0) {
			at++;
			break;
		}
		if (!(s[1] == '-' ? parse_long(arguments, count, &at, spec, o_r)
				  : parse_letters(
					    arguments, count, &at, spec, o_r)))
			return false;
	}
	*used_r = at;
	return true;
}

bool
options_has(struct options const *o, char letter)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->list[i].letter == letter)
			return true;
	return false;
}

char const *
options_value(struct options const *o, char letter, char const *otherwise)
{
	for (size_t i = o->count; i-- > 0;)
		if (o->list[i].letter == letter)
			return o->list[i].value;
	return otherwise;
}
