/* Sorted arrays of named things, looked up by name. */
#include <stdlib.h>
#include <string.h>
#include "common/admin/name.h"

static int
compare(void const *left, void const *right)
{
	struct name const *a = left, *b = right;
	int r = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);

	if (r != 0)
		return r;
	return (a->len > b->len) - (a->len < b->len);
}

static int
compare_with_line(void const *left, void const *right)
{
	struct name const *a = left, *b = right;
	int r = compare(a, b);

	return r != 0 ? r : (a->line > b->line) - (a->line < b->line);
}

void
name_sort(void *things, size_t count, size_t size)
{
	if (count > 0)
		qsort(things, count, size, compare_with_line);
}

void
name_check_twice(void const *things, size_t count, size_t size,
	char const *file, struct faults *f)
{
	char const *s = things;

	for (size_t i = 1; i < count; i++) {
		void const *here = s + i * size, *before = s + (i - 1) * size;
		struct name const *a = before, *b = here;
		if (compare(a, b) == 0)
			fault(f, file, b->line,
				"%.*s stands on line %u already", (int)b->len,
				b->s, a->line);
	}
}

void *
name_find(void const *things, size_t count, size_t size, char const *s,
	size_t len)
{
	struct name key = {.s = s, .len = len};

	return count == 0 ? NULL : bsearch(&key, things, count, size, compare);
}
