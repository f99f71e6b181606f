/* Message ids; see msgid.h. */
#include "imapd/msgid.h"

struct id {
	char *out;
	size_t n;
	bool has_at; /* with something before it */
};

static void
put(struct id *id, char c)
{
	if (id->n < MSGID_MAX)
		id->out[id->n++] = c;
}

/* Copy what is between the quotes that start at at; behind them, or len. */
static size_t
quoted(char const *s, size_t len, size_t at, struct id *id)
{
	for (at++; at < len && s[at] != '"'; at++) {
		if (s[at] == '\\' && at + 1 < len)
			at++;
		put(id, s[at]);
	}
	return at < len ? at + 1 : len;
}

/* Read up to the ">". Returns where it stopped: at a "<" or the end if there
 * is none. */
static size_t
take(char const *s, size_t len, size_t at, struct id *id)
{
	while (at < len && s[at] != '>' && s[at] != '<') {
		char const c = s[at];

		if (c == '"') {
			at = quoted(s, len, at, id);
			continue;
		}
		if (c == '@' && id->n > 0)
			id->has_at = true;
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			put(id, c);
		at++;
	}
	return at;
}

size_t
msgid_next(char const *s, size_t len, size_t *pos, char *out)
{
	while (*pos < len) {
		struct id id = {.out = out};

		if (s[(*pos)++] != '<')
			continue;
		*pos = take(s, len, *pos, &id);
		if (*pos < len && s[*pos] == '>' && id.has_at &&
			id.n < MSGID_MAX)
			return id.n;
	}
	return 0;
}
