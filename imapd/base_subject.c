/* RFC 5256's base subject; see base_subject.h. */
#include <string.h>
#include <strings.h>

#include "imapd/base_subject.h"

struct span {
	char const *s;
	size_t start, end;
};

static bool
starts_with(struct span const *p, size_t at, char const *word)
{
	size_t const len = strlen(word);

	return p->end - at >= len && strncasecmp(p->s + at, word, len) == 0;
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP at at; 0: none there, else its end. */
static size_t
blob(struct span const *p, size_t at)
{
	if (at >= p->end || p->s[at] != '[')
		return 0;
	for (at++; at < p->end && p->s[at] != '[' && p->s[at] != '\0'; at++) {
		if (p->s[at] != ']')
			continue;
		for (at++; at < p->end && p->s[at] == ' ';)
			at++;
		return at;
	}
	return 0;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static size_t
refwd(struct span const *p, size_t at)
{
	size_t after;

	if (starts_with(p, at, "re") || starts_with(p, at, "fw"))
		at += starts_with(p, at, "fwd") ? 3 : 2;
	else
		return 0;
	while (at < p->end && p->s[at] == ' ')
		at++;
	after = blob(p, at);
	if (after > 0)
		at = after;
	return at < p->end && p->s[at] == ':' ? at + 1 : 0;
}

/* Step 2: subj-trailer = "(fwd)" / WSP. */
static void
cut_trailers(struct span *p, bool *reply)
{
	for (;;) {
		if (p->end > p->start && p->s[p->end - 1] == ' ') {
			p->end--;
		} else if (p->end - p->start >= 5 &&
			   starts_with(p, p->end - 5, "(fwd)")) {
			p->end -= 5;
			*reply = true;
		} else {
			return;
		}
	}
}

/*
 * Steps 3 to 5: subj-leader = (*subj-blob subj-refwd) / WSP, and blobs that
 * leave something behind. A row of blobs is read once, whatever comes behind
 * it: with a refwd it is a leader, without one its blobs go one by one.
 */
static void
cut_leaders(struct span *p, bool *reply)
{
	for (;;) {
		size_t at = p->start, last = p->start, next;

		if (at < p->end && p->s[at] == ' ') {
			p->start++;
			continue;
		}
		while ((next = blob(p, at)) > 0) {
			last = at;
			at = next;
		}
		next = refwd(p, at);
		if (next > 0) {
			*reply = true;
			p->start = next;
			continue;
		}
		/* The last blob stays if nothing is behind it. */
		p->start = at < p->end ? at : last;
		return;
	}
}

/* Step 6. */
static bool
unwrap(struct span *p, bool *reply)
{
	if (p->end - p->start < 6 || !starts_with(p, p->start, "[fwd:") ||
		p->s[p->end - 1] != ']')
		return false;
	p->start += 5;
	p->end--;
	*reply = true;
	return true;
}

static size_t
squeeze(char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char const c = s[i] == '\t' || s[i] == '\r' || s[i] == '\n'
				       ? ' '
				       : s[i];

		if (c != ' ' || n == 0 || s[n - 1] != ' ')
			s[n++] = c;
	}
	return n;
}

size_t
base_subject(char *s, size_t len, size_t *start_r, bool *reply_r)
{
	struct span p = {.s = s, .end = squeeze(s, len)};

	*reply_r = false;
	do {
		cut_trailers(&p, reply_r);
		cut_leaders(&p, reply_r);
	} while (unwrap(&p, reply_r));
	*start_r = p.start;
	return p.end - p.start;
}
