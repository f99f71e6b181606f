/* Counting the Received fields of a message as it comes in. */
#include <string.h>
#include "smtpd/hops.h"

static char const name[] = "received:";
#define NAME_LEN (sizeof name - 1)

/* The start of a line, octet by octet. */
static void
at_start(struct smtp_hops *h, char c)
{
	if (h->column == 0 && c == '\r') {
		h->in_body = true;
		return;
	}
	if (c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	h->matches = h->matches && c == name[h->column];
	h->column++;
	if (h->matches && h->column == NAME_LEN) {
		h->count++;
		h->matches = false;
	}
}

void
smtp_hops_push(struct smtp_hops *h, char const *s, size_t len)
{
	size_t i = 0;

	while (i < len && !h->in_body) {
		char const *lf;

		if (h->column == 0 || h->matches)
			at_start(h, s[i]);
		if (h->in_body)
			return;
		if (h->matches && s[i] != '\n') {
			i++;
			continue;
		}
		lf = memchr(s + i, '\n', len - i);
		if (lf == NULL)
			return;
		i = (size_t)(lf - s) + 1;
		h->column = 0;
		h->matches = true;
	}
}
