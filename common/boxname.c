/* Names of mailboxes; see boxname.h. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "common/boxname.h"

static int
base64_value(char c)
{
	static char const digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+,";
	char const *const at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* A UTF-16 unit that may stand in base64: nothing that must be written
 * directly, no control character, surrogates in pairs. */
static bool
unit_ok(uint32_t unit, bool *high)
{
	bool const is_high = unit >= 0xd800 && unit <= 0xdbff;
	bool const is_low = unit >= 0xdc00 && unit <= 0xdfff;

	if (unit <= 0x9f || *high != is_low)
		return false;
	*high = is_high;
	return true;
}

/* From behind `&` to behind `-`. */
static bool
shifted(char const *s, size_t len, size_t *pos)
{
	uint32_t bits = 0;
	unsigned count = 0;
	bool high = false, any = false;

	if (*pos < len && s[*pos] == '-') {
		(*pos)++;
		return true;
	}
	for (; *pos < len && s[*pos] != '-'; (*pos)++) {
		int const v = base64_value(s[*pos]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		count += 6;
		if (count < 16)
			continue;
		count -= 16;
		if (!unit_ok(bits >> count & 0xffff, &high))
			return false;
		bits &= (UINT32_C(1) << count) - 1;
		any = true;
	}
	if (*pos == len || !any || high || count >= 6 || bits != 0)
		return false;
	(*pos)++;
	/* Two runs behind one another could have been one. */
	return *pos + 1 >= len || s[*pos] != '&' || s[*pos + 1] == '-';
}

bool
boxname_utf7(char const *s, size_t len)
{
	for (size_t pos = 0; pos < len;) {
		unsigned char const c = (unsigned char)s[pos++];

		if (c < ' ' || c > '~')
			return false;
		if (c == '&' && !shifted(s, len, &pos))
			return false;
	}
	return true;
}

bool
boxname_check(char const *s, size_t len, char *name_r)
{
	if (len == 0 || len > BOXNAME_MAX || !boxname_utf7(s, len) ||
		memchr(s, '/', len) != NULL || s[0] == BOXNAME_SEPARATOR ||
		s[len - 1] == BOXNAME_SEPARATOR)
		return false;
	for (size_t i = 1; i < len; i++)
		if (s[i] == BOXNAME_SEPARATOR && s[i - 1] == BOXNAME_SEPARATOR)
			return false;
	memcpy(name_r, s, len);
	name_r[len] = '\0';
	if (len >= 5 && strncasecmp(s, "INBOX", 5) == 0 &&
		(len == 5 || s[5] == BOXNAME_SEPARATOR))
		memcpy(name_r, "INBOX", 5);
	return true;
}

bool
boxname_is_inbox(char const *name)
{
	return strcmp(name, "INBOX") == 0;
}

void
boxname_dir(char const *name, char *dir_r)
{
	size_t const len = strlen(name);

	dir_r[0] = '.';
	if (boxname_is_inbox(name)) {
		dir_r[1] = '\0';
		return;
	}
	memcpy(dir_r + 1, name, len + 1);
}

/* All positions in the pattern that the name's start can have reached, one
 * step a character: nothing is tried twice. at: BOXNAME_PATTERN_MAX + 1. */
static void
walk(char const *pattern, size_t pattern_len, char const *name, size_t name_len,
	bool *at)
{
	size_t const inbox =
		name_len >= 5 && memcmp(name, "INBOX", 5) == 0 &&
				(name_len == 5 || name[5] == BOXNAME_SEPARATOR)
			? 5
			: 0;

	at[0] = true;
	for (size_t p = 0; p < pattern_len && at[p]; p++)
		at[p + 1] = pattern[p] == '*' || pattern[p] == '%';
	for (size_t n = 0; n < name_len; n++) {
		bool diagonal = at[0];

		at[0] = false;
		for (size_t p = 0; p < pattern_len; p++) {
			bool const here = at[p + 1];
			char const c = pattern[p];
			bool next;

			if (c == '*')
				next = here || diagonal || at[p];
			else if (c == '%')
				next = ((here || diagonal) &&
					       name[n] != BOXNAME_SEPARATOR) ||
				       at[p];
			else
				next = diagonal &&
				       (c == name[n] ||
					       (n < inbox &&
						       strncasecmp(&c, name + n,
							       1) == 0));
			at[p + 1] = next;
			diagonal = here;
		}
	}
}

bool
boxname_match(char const *pattern, size_t pattern_len, char const *name,
	size_t name_len)
{
	bool at[BOXNAME_PATTERN_MAX + 1] = {false};

	if (pattern_len > BOXNAME_PATTERN_MAX)
		return false;
	walk(pattern, pattern_len, name, name_len, at);
	return at[pattern_len];
}

bool
boxname_may_match(char const *pattern, size_t pattern_len, char const *name,
	size_t name_len)
{
	bool at[BOXNAME_PATTERN_MAX + 1] = {false};

	if (pattern_len > BOXNAME_PATTERN_MAX)
		return false;
	walk(pattern, pattern_len, name, name_len, at);
	for (size_t p = 0; p <= pattern_len; p++)
		if (at[p])
			return true;
	return false;
}
