/* What the header of a posting says of where it comes from; see listhead.h. */
#include <string.h>
#include <strings.h>
#include "local/list/listhead.h"
#include "local/list/listrole.h"
#include "mime/dkim/authres.h"
#include "mime/header.h"

/* The first word of a value. */
static bool
says(struct header_field const *f, char const *word)
{
	size_t start = 0, n = 0;

	while (start < f->value_len && strchr(" \t\r\n", f->value[start]))
		start++;
	while (start + n < f->value_len &&
		strchr(" \t\r\n;,(", f->value[start + n]) == NULL)
		n++;
	return n == strlen(word) && strncasecmp(f->value + start, word, n) == 0;
}

char const *
listhead_automatic(char const *header, size_t len)
{
	struct header_field f;
	size_t pos = 0;

	while (header_next(header, len, &pos, &f) > 0) {
		/* What a program sends by itself (auto-generated) may be just
		 * what a list is for. */
		if (header_is(&f, "auto-submitted") &&
			(says(&f, "auto-replied") || says(&f, "auto-notified")))
			return "it is an automatic answer";
		if (header_is(&f, "precedence") &&
			(says(&f, "auto_reply") || says(&f, "junk")))
			return "it is an automatic answer";
		if ((header_is(&f, "x-autoreply") ||
			    header_is(&f, "x-autorespond")) &&
			!says(&f, "no"))
			return "it is an automatic answer";
		if (header_is(&f, "content-type") &&
			says(&f, "multipart/report"))
			return "it is a report";
	}
	return NULL;
}

/* Whether a value holds s between < and >, or alone. */
static bool
names(struct header_field const *f, char const *s, size_t len)
{
	char const *v = f->value;
	size_t n = f->value_len;
	char const *const open = memrchr(v, '<', n);

	if (open != NULL) {
		n -= (size_t)(open + 1 - v);
		v = open + 1;
	}
	while (n > 0 && strchr(" \t\r\n", *v) != NULL) {
		v++;
		n--;
	}
	while (n > 0 && strchr(" \t\r\n>", v[n - 1]) != NULL)
		n--;
	return n == len && strncasecmp(v, s, len) == 0;
}

char const *
listhead_loop(struct listset const *set, char const *header, size_t len)
{
	stralloc id = STRALLOC_ZERO;
	struct header_field f;
	char const *why = NULL;
	size_t pos = 0;

	if (!listrole_id(&id, set))
		why = "memory is out";
	while (why == NULL && header_next(header, len, &pos, &f) > 0) {
		if (header_is(&f, "list-id") && names(&f, id.s, id.len))
			why = "it has been through this list";
		else if ((header_is(&f, "delivered-to") ||
				 header_is(&f, "x-loop")) &&
			 names(&f, set->address.s, set->address.len))
			why = "it has been here before";
	}
	stralloc_free(&id);
	return why;
}

static bool
is(struct authres_text const *t, char const *word)
{
	return t->len == strlen(word) && strncasecmp(t->s, word, t->len) == 0;
}

/* Whether one of two domains is the other, or lies in it. */
static bool
aligned(struct authres_text const *a, struct authres_text const *b)
{
	if (a->len > b->len)
		return aligned(b, a);
	return a->len > 0 &&
	       strncasecmp(b->s + (b->len - a->len), a->s, a->len) == 0 &&
	       (a->len == b->len || b->s[b->len - a->len - 1] == '.');
}

/* The policy stands in a comment, which readers of results skip: our own check
 * writes `dmarc=fail (p=reject) ..`. */
static bool
asks(char const *s, size_t len)
{
	static char const *const words[] = {"(p=reject", "(p=quarantine"};
	char const *const at = memmem(s, len, "dmarc=", 6);

	if (at == NULL)
		return false;
	len -= (size_t)(at - s);
	for (size_t i = 0; i < 2; i++) {
		char const *const p =
			memmem(at, len, words[i], strlen(words[i]));

		/* Of this result, not of one behind it. */
		if (p != NULL && memchr(at, ';', (size_t)(p - at)) == NULL)
			return true;
	}
	return false;
}

static void
read_results(struct listhead_auth *auth, char const *s, size_t len)
{
	struct authres_reader r, again;
	struct authres_result one;
	struct authres_text id, from = {"", 0}, domain;

	if (!authres_start(&r, s, len, &id))
		return;
	again = r;
	while (authres_next(&r, &one) > 0) {
		if (!is(&one.method, "dmarc"))
			continue;
		auth->is_there = true;
		auth->has_passed = is(&one.result, "pass");
		auth->has_failed = is(&one.result, "fail");
		if (!authres_property(&r, &one, "header", "from", &from))
			from.len = 0;
	}
	while (authres_next(&again, &one) > 0)
		if (is(&one.method, "dkim") && is(&one.result, "pass") &&
			authres_property(
				&again, &one, "header", "d", &domain) &&
			aligned(&domain, &from))
			auth->has_dkim = true;
}

struct listhead_auth
listhead_auth(char const *hostname, char const *header, size_t len)
{
	struct listhead_auth auth = {0};
	struct header_field f;
	size_t pos = 0;

	while (header_next(header, len, &pos, &f) > 0) {
		if (!header_is(&f, "authentication-results") ||
			!authres_claims(f.value, f.value_len, hostname))
			continue;
		read_results(&auth, f.value, f.value_len);
		auth.asks = auth.is_there && asks(f.value, f.value_len);
		break;
	}
	return auth;
}
