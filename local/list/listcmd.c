/* What mail to LIST-request asks for; see listcmd.h. */
#include "local/list/listcmd.h"
#include <string.h>
#include <strings.h>

struct word {
	char const *s;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct word
next_word(char const *s, size_t len, size_t *pos)
{
	struct word w = {s, 0};

	while (*pos < len && is_blank(s[*pos]))
		++*pos;
	w.s = s + *pos;
	while (*pos < len && !is_blank(s[*pos]))
		++*pos;
	w.len = (size_t)(s + *pos - w.s);
	return w;
}

static bool
is(struct word const *w, char const *word)
{
	return w->len == strlen(word) && strncasecmp(w->s, word, w->len) == 0;
}

static bool
mode_of(struct word const *w, enum member_mode *mode)
{
	if (is(w, "digest"))
		*mode = MEMBER_DIGEST;
	else if (is(w, "nomail"))
		*mode = MEMBER_NOMAIL;
	else if (is(w, "mail"))
		*mode = MEMBER_MAIL;
	else
		return false;
	return true;
}

static struct {
	char const *word;
	enum listcmd_verb verb;
} const verbs[] = {
	{"help", LISTCMD_HELP},
	{"info", LISTCMD_HELP},
	{"subscribe", LISTCMD_SUBSCRIBE},
	{"join", LISTCMD_SUBSCRIBE},
	{"unsubscribe", LISTCMD_UNSUBSCRIBE},
	{"leave", LISTCMD_UNSUBSCRIBE},
	{"set", LISTCMD_SET},
	{"confirm", LISTCMD_CONFIRM},
	{"who", LISTCMD_WHO},
	{"add", LISTCMD_ADD},
	{"remove", LISTCMD_REMOVE},
	{"end", LISTCMD_END},
	{"stop", LISTCMD_END},
	{"--", LISTCMD_END},
};

static enum listcmd_verb
verb_of(struct word const *w)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (is(w, verbs[i].word))
			return verbs[i].verb;
	return LISTCMD_NONE;
}

/* What may follow each: else it is a sentence that begins with the word. */
static bool
is_whole(struct listcmd *c, struct word const *a, struct word const *b)
{
	switch (c->verb) {
	case LISTCMD_SUBSCRIBE:
		/* Sender's own address is meant, whatever else is named. */
		return a->len == 0 || mode_of(a, &c->mode) || b->len == 0;
	case LISTCMD_SET:
		return mode_of(a, &c->mode) && b->len == 0;
	case LISTCMD_CONFIRM:
		return a->len > 0 && b->len == 0;
	case LISTCMD_ADD:
		return a->len > 0 && (b->len == 0 || mode_of(b, &c->mode));
	case LISTCMD_REMOVE:
		return a->len > 0 && b->len == 0;
	case LISTCMD_UNSUBSCRIBE:
		return b->len == 0;
	case LISTCMD_HELP:
	case LISTCMD_WHO:
		return a->len == 0;
	case LISTCMD_END:
	case LISTCMD_NONE:
		break;
	}
	return true;
}

struct listcmd
listcmd_line(char const *s, size_t len)
{
	struct listcmd c = {.word = "", .mode = MEMBER_MAIL};
	size_t pos = 0;
	struct word const verb = next_word(s, len, &pos);
	struct word const a = next_word(s, len, &pos);
	struct word const b = next_word(s, len, &pos);

	c.verb = verb_of(&verb);
	if (!is_whole(&c, &a, &b)) {
		c.verb = LISTCMD_NONE;
		return c;
	}
	if (a.len > 0) {
		c.word = a.s;
		c.word_len = a.len;
	}
	return c;
}

/* Behind `Re:` and its kin. */
static void
skip_reply(char const **s, size_t *len)
{
	for (;;) {
		while (*len > 0 && is_blank(**s)) {
			++*s;
			--*len;
		}
		if (*len < 3 || (strncasecmp(*s, "re:", 3) != 0 &&
					strncasecmp(*s, "aw:", 3) != 0))
			return;
		*s += 3;
		*len -= 3;
	}
}

static bool
is_empty(char const *s, size_t len)
{
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	return len == 0;
}

size_t
listcmd_read(char const *subject, size_t subject_len, char const *text,
	size_t text_len, struct listcmd list[LISTCMD_MAX])
{
	size_t count = 0, pos = 0;

	skip_reply(&subject, &subject_len);
	list[0] = listcmd_line(subject, subject_len);
	if (list[0].verb != LISTCMD_NONE && list[0].verb != LISTCMD_END)
		return 1;
	while (pos < text_len && count < LISTCMD_MAX) {
		char const *const s = text + pos;
		char const *const lf = memchr(s, '\n', text_len - pos);
		size_t const n = lf != NULL ? (size_t)(lf - s) : text_len - pos;

		pos += n + 1;
		if (is_empty(s, n))
			continue;
		list[count] = listcmd_line(s, n);
		if (list[count].verb == LISTCMD_NONE ||
			list[count].verb == LISTCMD_END)
			break;
		count++;
	}
	return count;
}
