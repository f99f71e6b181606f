/* The text files of a mailbox, as kereru fsck judges them: what it has written
 * has no fault. */
#include <stdlib.h>
#include <string.h>

#include "common/admin/fsck.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static void
uidlist(char const *s, size_t len)
{
	stralloc first = STRALLOC_ZERO, second = STRALLOC_ZERO;
	struct fsck_uidlist r;

	if (!fsck_uidlist(s, len, len % 2 ? "0123" : NULL, &r, &first))
		abort();
	if (!r.no_header) {
		if (!fsck_uidlist(first.s, first.len, NULL, &r, &second) ||
			r.no_header || r.unreadable + r.disorder > 0 ||
			r.unended || first.len != second.len ||
			memcmp(first.s, second.s, first.len) != 0)
			abort();
	}
	stralloc_free(&first);
	stralloc_free(&second);
}

static void
lines(char const *s, size_t len,
	bool (*check)(char const *, size_t, size_t *, stralloc *))
{
	stralloc first = STRALLOC_ZERO, second = STRALLOC_ZERO;
	size_t bad;

	if (!check(s, len, &bad, &first) ||
		!check(first.s, first.len, &bad, &second) || bad > 0 ||
		first.len != second.len)
		abort();
	stralloc_free(&first);
	stralloc_free(&second);
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	char *const copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	uidlist(copy, size);
	lines(copy, size, fsck_keywords);
	lines(copy, size, fsck_subscriptions);
	free(copy);
	return 0;
}
