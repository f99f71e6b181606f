/* The words of a text; see text_token.h. */
#include <string.h>

#include "imapd/text_token.h"

/* Letters are small: the text is folded. Capitals are for what is not. */
static bool
in_word(char c)
{
	unsigned char const u = (unsigned char)c;

	return u >= 0x80 || (u >= 'a' && u <= 'z') || (u >= '0' && u <= '9') ||
	       (u >= 'A' && u <= 'Z') || u == '_';
}

static void
append(struct text_token *t, char const *s, size_t len)
{
	while (len > 0) {
		size_t n = TEXT_TOKEN_MAX - t->len;

		if (n == 0) {
			t->take(t->arg, t->s, TEXT_TOKEN_MAX);
			memmove(t->s, t->s + TEXT_TOKEN_MAX - TEXT_OVERLAP,
				TEXT_OVERLAP);
			t->len = TEXT_OVERLAP;
			continue;
		}
		n = n < len ? n : len;
		memcpy(t->s + t->len, s, n);
		t->len += n;
		s += n;
		len -= n;
	}
}

void
text_token_end(struct text_token *t)
{
	if (t->len > 0)
		t->take(t->arg, t->s, t->len);
	t->len = 0;
}

void
text_token_push(struct text_token *t, char const *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t const start = i;

		while (i < len && in_word(s[i]))
			i++;
		if (i > start)
			append(t, s + start, i - start);
		if (i == len)
			return;
		text_token_end(t);
		while (i < len && !in_word(s[i]))
			i++;
	}
}

static void
add_piece(struct text_query *q, struct text_piece const *piece)
{
	if (q->count == TEXT_PIECES_MAX)
		return;
	q->v[q->count++] = *piece;
}

void
text_query_make(struct text_query *q, char const *s, size_t len)
{
	size_t i = 0;

	*q = (struct text_query){.count = 0};
	while (i < len) {
		size_t const start = i;

		while (i < len && in_word(s[i]))
			i++;
		if (i - start > TEXT_STRETCH) {
			for (size_t k = start; k + TEXT_STRETCH <= i;
				k += TEXT_STRETCH)
				add_piece(
					q, &(struct text_piece){s + k,
						   TEXT_STRETCH, false, false});
		} else if (i > start) {
			add_piece(q, &(struct text_piece){s + start, i - start,
					     start > 0, i < len});
		}
		while (i < len && !in_word(s[i]))
			i++;
	}
	q->exact = q->count == 1 && q->v[0].len == len;
}
