/* The order of SORT; see sort.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/base_subject.h"
#include "imapd/casemap.h"
#include "imapd/sort.h"
#include "mime/address.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/rfc2047.h"

/* What one message has for one criterion: a number, or text in the block. */
union value {
	int64_t number;
	struct {
		uint32_t offset, len;
	} text;
};

struct sorter {
	struct sort_args const *args;
	union value *values; /* a row of args->count for each message */
	stralloc text;
	stralloc scratch, raw;
};

int64_t
sort_sent_date(struct search_message *m)
{
	struct lex_text const value = search_message_field(m, "Date");
	struct date date;
	int64_t seconds;

	if (date_parse(value.s, value.len, &date))
		return date.seconds;
	(void)search_message_internal(m, &seconds);
	return seconds;
}

bool
sort_subject(struct search_message *m, stralloc *scratch, stralloc *out,
	bool *reply_r)
{
	struct lex_text const value = search_message_field(m, "Subject");
	stralloc raw = STRALLOC_ZERO;
	size_t start, len;
	bool ok;

	scratch->len = 0;
	ok = stralloc_ready(&raw, value.len + 1);
	if (ok) {
		raw.len = header_unfold(value.s, value.len, raw.s);
		ok = rfc2047_decode(scratch, raw.s, raw.len) &&
		     stralloc_readyplus(scratch, 1);
	}
	if (ok) {
		len = base_subject(scratch->s, scratch->len, &start, reply_r);
		ok = casemap_append(out, scratch->s + start, len);
	}
	stralloc_free(&raw);
	return ok;
}

/* The first address of a field, as ENVELOPE has it: of a group, its name stands
 * for the mailbox. */
static bool
first_address(struct sorter *t, struct search_message *m, char const *field,
	struct address *a_r)
{
	struct lex_text const value = search_message_field(m, field);
	struct address_cursor cursor;

	*a_r = (struct address){.kind = ADDRESS_MAILBOX};
	if (value.len == 0)
		return true;
	if (!stralloc_ready(&t->raw, ADDRESS_BUF(value.len)))
		return false;
	address_init(&cursor, value.s, value.len, t->raw.s);
	if (address_next(&cursor, a_r) <= 0)
		*a_r = (struct address){.kind = ADDRESS_MAILBOX};
	if (a_r->kind == ADDRESS_GROUP_START) {
		a_r->local = a_r->name;
		a_r->name = a_r->host = (struct address_text){0};
	}
	return true;
}

static bool
mailbox_key(struct sorter *t, struct search_message *m, char const *field)
{
	struct address a;

	if (!first_address(t, m, field, &a))
		return false;
	return a.local.s == NULL ||
	       casemap_append(&t->text, a.local.s, a.local.len);
}

/* RFC 5957, 3. */
static bool
display_key(struct sorter *t, struct search_message *m, char const *field)
{
	struct address a;

	if (!first_address(t, m, field, &a))
		return false;
	t->scratch.len = 0;
	if (a.name.s != NULL &&
		!rfc2047_decode(&t->scratch, a.name.s, a.name.len))
		return false;
	if (t->scratch.len == 0 && a.local.s != NULL) {
		if (!stralloc_catb(&t->scratch, a.local.s, a.local.len))
			return false;
		if (a.host.s != NULL && (!stralloc_catb(&t->scratch, "@", 1) ||
						!stralloc_catb(&t->scratch,
							a.host.s, a.host.len)))
			return false;
	}
	return t->scratch.len == 0 ||
	       casemap_append(&t->text, t->scratch.s, t->scratch.len);
}

static bool
is_number(enum sort_key key)
{
	return key == SORT_ARRIVAL || key == SORT_DATE || key == SORT_SIZE;
}

static int64_t
number_key(struct search_message *m, enum sort_key key)
{
	uint64_t size;
	int64_t seconds;

	if (key == SORT_DATE)
		return sort_sent_date(m);
	if (key == SORT_ARRIVAL) {
		(void)search_message_internal(m, &seconds);
		return seconds;
	}
	(void)search_message_size(m, &size);
	return (int64_t)size;
}

static bool
text_key(struct sorter *t, struct search_message *m, enum sort_key key)
{
	bool reply;

	switch (key) {
	case SORT_CC:
		return mailbox_key(t, m, "Cc");
	case SORT_TO:
		return mailbox_key(t, m, "To");
	case SORT_FROM:
		return mailbox_key(t, m, "From");
	case SORT_DISPLAYFROM:
		return display_key(t, m, "From");
	case SORT_DISPLAYTO:
		return display_key(t, m, "To");
	default:
		return sort_subject(m, &t->scratch, &t->text, &reply);
	}
}

static bool
read_row(struct sorter *t, struct search_message *m, union value *row)
{
	for (size_t k = 0; k < t->args->count; k++) {
		enum sort_key const key = t->args->v[k].key;
		size_t const start = t->text.len;

		if (is_number(key)) {
			row[k].number = number_key(m, key);
			continue;
		}
		if (!text_key(t, m, key))
			return false;
		if (t->text.len > SORT_TEXT_MAX) {
			errno = ENOBUFS;
			return false;
		}
		row[k].text.offset = (uint32_t)start;
		row[k].text.len = (uint32_t)(t->text.len - start);
	}
	return true;
}

static int
compare_texts(
	struct sorter const *t, union value const *a, union value const *b)
{
	uint32_t const shorter =
		a->text.len < b->text.len ? a->text.len : b->text.len;
	int const r = shorter == 0
			      ? 0
			      : memcmp(t->text.s + a->text.offset,
					t->text.s + b->text.offset, shorter);

	if (r != 0)
		return r;
	return a->text.len < b->text.len ? -1 : a->text.len > b->text.len;
}

static int
compare_rows(struct sorter const *t, union value const *a, union value const *b)
{
	for (size_t k = 0; k < t->args->count; k++) {
		int r;

		if (is_number(t->args->v[k].key))
			r = a[k].number < b[k].number
				    ? -1
				    : a[k].number > b[k].number;
		else
			r = compare_texts(t, &a[k], &b[k]);
		if (r != 0)
			return t->args->v[k].reverse ? -r : r;
	}
	return 0;
}

static int
compare(void const *x, void const *y, void *arg)
{
	struct sorter const *const t = arg;
	uint32_t const i = *(uint32_t const *)x, j = *(uint32_t const *)y;
	int const r = compare_rows(t, t->values + i * t->args->count,
		t->values + j * t->args->count);

	return r != 0 ? r : i < j ? -1 : i > j;
}

static void
sorter_free(struct sorter *t)
{
	int const error = errno;

	free(t->values);
	stralloc_free(&t->text);
	stralloc_free(&t->scratch);
	stralloc_free(&t->raw);
	errno = error;
}

bool
sort_messages(struct search_message *m, struct sort_args const *args,
	uint32_t *v, size_t count)
{
	struct sorter t = {.args = args,
		.text = STRALLOC_ZERO,
		.scratch = STRALLOC_ZERO,
		.raw = STRALLOC_ZERO};
	uint32_t *order = NULL;
	bool ok;

	t.values = calloc(count + 1, args->count * sizeof *t.values);
	order = malloc((count + 1) * sizeof *order);
	ok = t.values != NULL && order != NULL;
	for (size_t i = 0; ok && i < count; i++) {
		order[i] = (uint32_t)i;
		search_message_start(m, v[i]);
		ok = read_row(&t, m, t.values + i * args->count);
	}
	if (ok && count > 0) {
		qsort_r(order, count, sizeof *order, compare, &t);
		for (size_t i = 0; i < count; i++)
			order[i] = v[order[i]];
		memcpy(v, order, count * sizeof *v);
	}
	free(order);
	sorter_free(&t);
	return ok;
}

/* Does message i, whose row is the first, come before message j? */
static int
compare_to(struct sorter *t, struct search_message *m, uint32_t i, uint32_t j,
	size_t text_len)
{
	union value *const row = t->values + t->args->count;
	int r;

	t->text.len = text_len;
	search_message_start(m, j);
	if (!read_row(t, m, row))
		return -1;
	r = compare_rows(t, t->values, row);
	return r < 0 || (r == 0 && i < j);
}

bool
sort_place(struct search_message *m, struct sort_args const *args,
	uint32_t const *v, size_t count, uint32_t i, size_t *place_r)
{
	struct sorter t = {.args = args,
		.text = STRALLOC_ZERO,
		.scratch = STRALLOC_ZERO,
		.raw = STRALLOC_ZERO};
	size_t low = 0, high = count, text_len;
	bool ok;

	t.values = calloc(2, args->count * sizeof *t.values);
	search_message_start(m, i);
	ok = t.values != NULL && read_row(&t, m, t.values);
	text_len = t.text.len;
	while (ok && low < high) {
		size_t const middle = low + (high - low) / 2;
		int const before = compare_to(&t, m, i, v[middle], text_len);

		ok = before >= 0;
		if (before > 0)
			high = middle;
		else
			low = middle + 1;
	}
	*place_r = low;
	sorter_free(&t);
	return ok;
}
