/* What hooks and milters make of a message: whatever they say, what comes out
 * has CRLF line ends and no NUL, and the lines in front are whole fields. */
#include <stdlib.h>
#include <string.h>
#include "smtpd/check/edit.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void
clean(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] == '\0' ||
			(s[i] == '\n' && (i == 0 || s[i - 1] != '\r')) ||
			(s[i] == '\r' && (i + 1 == len || s[i + 1] != '\n')))
			abort();
}

/* Whole fields: no line of their own can be slipped in. */
static void
whole(stralloc const *front, size_t fields)
{
	size_t begun = 0;

	for (size_t i = 0; i < front->len; i++)
		begun += (i == 0 || front->s[i - 1] == '\n') &&
			 front->s[i] != ' ' && front->s[i] != '\t';
	if (begun != fields)
		abort();
}

static bool
is_removed(void *data, struct header_field const *field)
{
	(void)data;
	return header_is(field, "x-spam");
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	size_t half = size / 2, name = half < 8 ? half : 8, fields = 0;
	char *s = malloc(half + 1), *more = malloc(size - half + 1);
	struct edit e;

	if (s == NULL || more == NULL)
		goto out;
	memcpy(s, data, half);
	memcpy(more, data + half, size - half);
	/* As smtpd lets messages in: with CRLF line ends. */
	edit_init(&e, "", 0);
	if (!edit_message(&e, s, half))
		goto out;
	(void)!edit_remove(&e, is_removed, NULL);
	fields += edit_front(&e, "X-One", 5, more, size - half);
	fields += edit_front_first(&e, s, name, more, size - half);
	whole(&e.front, fields);
	(void)!edit_change(&e, 1, "Subject", 7, more, size - half);
	(void)!edit_change(&e, 2, s, name, more, size - half);
	if (edit_body(&e, more, size - half))
		clean(e.s, e.len);
	if (edit_message(&e, more, size - half))
		clean(e.s, e.len);
	clean(e.front.s, e.front.len);
	edit_free(&e);
out:
	free(s);
	free(more);
	return 0;
}
