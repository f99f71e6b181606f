/* Any message, in any pieces: what is repaired has CRLF lines without NUL, what
 * goes through the header's filter has no Bcc, and pieces change nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "smtpd/fields.h"
#include "smtpd/repair.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

struct text {
	char *s;
	size_t len, max;
};

static void
append(void *data, char const *s, size_t len)
{
	struct text *t = data;

	if (len > t->max - t->len)
		abort();
	memcpy(t->s + t->len, s, len);
	t->len += len;
}

static void
make(struct text *t, size_t max)
{
	*t = (struct text){.s = malloc(max + 1), .max = max};
	if (t->s == NULL)
		abort();
}

static void
repair(char const *s, size_t len, size_t step, struct text *out)
{
	struct smtp_repair r = {false};

	make(out, 2 * len + 2);
	for (size_t i = 0; i < len; i += step)
		smtp_repair_push(&r, s + i, len - i < step ? len - i : step,
			append, out);
	smtp_repair_end(&r, append, out);
}

static unsigned
filter(char const *s, size_t len, size_t step, struct text *out)
{
	struct smtp_fields f = SMTP_FIELDS_ZERO;

	make(out, len);
	for (size_t i = 0; i < len; i += step)
		smtp_fields_push(&f, s + i, len - i < step ? len - i : step,
			append, out);
	smtp_fields_end(&f, append, out);
	return f.seen;
}

static void
check_lines(struct text const *t)
{
	for (size_t i = 0; i < t->len; i++) {
		char c = t->s[i];

		if (c == '\0' ||
			(c == '\n' && (i == 0 || t->s[i - 1] != '\r')) ||
			(c == '\r' && (i + 1 == t->len || t->s[i + 1] != '\n')))
			abort();
	}
}

static int
same(struct text const *a, struct text const *b)
{
	return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct text whole, parts, kept, kept_parts, again;
	size_t step;

	if (size < 2)
		return 0;
	step = data[0] % 13 + 1u;
	repair((char const *)data + 1, size - 1, size, &whole);
	repair((char const *)data + 1, size - 1, step, &parts);
	check_lines(&whole);
	if (!same(&whole, &parts))
		abort();
	if (filter(whole.s, whole.len, whole.len + 1, &kept) !=
			filter(whole.s, whole.len, step, &kept_parts) ||
		!same(&kept, &kept_parts))
		abort();
	/* Nothing is left to take away. */
	(void)filter(kept.s, kept.len, step, &again);
	if (!same(&kept, &again))
		abort();
	free(whole.s);
	free(parts.s);
	free(kept.s);
	free(kept_parts.s);
	free(again.s);
	return 0;
}
