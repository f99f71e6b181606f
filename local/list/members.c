/* Who is in a list; see members.h. */
#include "local/list/members.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sodium.h>
#include "common/addr.h"

static char const *const modes[] = {"", "digest", "nomail"};

char const *
members_mode_name(enum member_mode mode)
{
	return modes[mode];
}

bool
members_may_be(char const *address, size_t len)
{
	enum addr_error ignored;
	struct addr a;

	if (len > ADDR_PATH_MAX || *address == '"' || *address == '#' ||
		!addr_parse(address, len, ADDR_ALLOW_UTF8, &a, &ignored) ||
		a.is_literal)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)address[i] <= ' ' || address[i] == 127)
			return false;
	return true;
}

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Keyed: members choose their addresses, and must not be able to choose where
 * they come to stand. */
static size_t
slot_of(struct members const *m, char const *s, size_t len)
{
	static unsigned char key[crypto_shorthash_KEYBYTES];
	static bool has_key;
	unsigned char hash[crypto_shorthash_BYTES], folded[ADDR_PATH_MAX];
	uint64_t n;

	if (!has_key) {
		crypto_shorthash_keygen(key);
		has_key = true;
	}
	for (size_t i = 0; i < len; i++)
		folded[i] = (unsigned char)lower(s[i]);
	crypto_shorthash(hash, folded, len, key);
	memcpy(&n, hash, sizeof n);
	return (size_t)n & (m->table_size - 1);
}

char const *
members_address(struct members const *m, struct member const *one)
{
	return m->text + one->offset + one->start;
}

/* The place in the table of an address, or the free one for it. */
static size_t
place_of(struct members const *m, char const *s, size_t len)
{
	size_t i = slot_of(m, s, len);

	while (m->table[i] != 0) {
		struct member const *const one = &m->list[m->table[i] - 1];

		if (one->len == len &&
			strncasecmp(members_address(m, one), s, len) == 0)
			break;
		i = (i + 1) & (m->table_size - 1);
	}
	return i;
}

struct member const *
members_find(struct members const *m, char const *address, size_t len)
{
	uint32_t n;

	if (m->count == 0 || len == 0 || len > ADDR_PATH_MAX)
		return NULL;
	n = m->table[place_of(m, address, len)];
	return n != 0 ? &m->list[n - 1] : NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line, without its end; false: it is no member. */
static bool
read_line(char const *s, size_t len, struct member *one)
{
	size_t start = 0, end, word, word_end;

	while (start < len && is_blank(s[start]))
		start++;
	for (end = start; end < len && !is_blank(s[end]);)
		end++;
	if (end == start || !members_may_be(s + start, end - start) ||
		start > UINT16_MAX)
		return false;
	for (word = end; word < len && is_blank(s[word]);)
		word++;
	for (word_end = word; word_end < len && !is_blank(s[word_end]);)
		word_end++;
	one->start = (uint16_t)start;
	one->len = (uint16_t)(end - start);
	one->mode = MEMBER_MAIL;
	for (uint8_t i = 1; i < sizeof modes / sizeof *modes; i++)
		if (strlen(modes[i]) == word_end - word &&
			strncasecmp(modes[i], s + word, word_end - word) == 0)
			one->mode = i;
	return true;
}

bool
members_read(struct members *m, char const *text, size_t len)
{
	size_t lines = 1, pos = 0;

	members_free(m);
	m->text = text;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	errno = EFBIG;
	if (len > MEMBERS_TEXT_MAX || lines > MEMBERS_MAX)
		return false;
	for (m->table_size = 64; m->table_size < 2 * lines;)
		m->table_size *= 2;
	m->list = calloc(lines, sizeof *m->list);
	m->table = calloc(m->table_size, sizeof *m->table);
	if (m->list == NULL || m->table == NULL) {
		members_free(m);
		errno = ENOMEM;
		return false;
	}
	while (pos < len) {
		char const *const lf = memchr(text + pos, '\n', len - pos);
		size_t const n =
			lf != NULL ? (size_t)(lf - text) - pos : len - pos;
		struct member *const one = &m->list[m->count];

		if (read_line(text + pos, n, one)) {
			size_t at;

			one->offset = (uint32_t)pos;
			one->line_len = (uint32_t)(n + (lf != NULL));
			at = place_of(m, members_address(m, one), one->len);
			if (m->table[at] == 0)
				m->table[at] = (uint32_t)++m->count;
		}
		pos += n + 1;
	}
	return true;
}

void
members_free(struct members *m)
{
	free(m->list);
	free(m->table);
	*m = (struct members)MEMBERS_ZERO;
}

static bool
put_line(stralloc *out, char const *address, size_t len, enum member_mode mode)
{
	return stralloc_catb(out, address, len) &&
	       (mode == MEMBER_MAIL ||
		       (stralloc_append(out, ' ') &&
			       stralloc_cats(out, modes[mode]))) &&
	       stralloc_append(out, '\n');
}

bool
members_put(stralloc *out, struct members const *m, size_t text_len,
	char const *address, size_t len, enum member_mode mode)
{
	struct member const *const one = members_find(m, address, len);
	size_t const first = one != NULL ? one->offset : text_len;
	size_t const behind = one != NULL ? first + one->line_len : text_len;

	if (!stralloc_readyplus(out, text_len + len + 16) ||
		!stralloc_catb(out, m->text, first))
		return false;
	if (first > 0 && m->text[first - 1] != '\n' &&
		!stralloc_append(out, '\n'))
		return false;
	return put_line(out, address, len, mode) &&
	       stralloc_catb(out, m->text + behind, text_len - behind);
}

bool
members_remove(stralloc *out, struct members const *m, size_t text_len,
	char const *address, size_t len)
{
	size_t pos = 0;

	/* Wherever it stands: it may be there twice. */
	while (pos < text_len) {
		char const *const s = m->text + pos;
		char const *const lf = memchr(s, '\n', text_len - pos);
		size_t const n = lf != NULL ? (size_t)(lf - s) : text_len - pos;
		size_t const whole = n + (lf != NULL);
		struct member one = {0};

		if (!(read_line(s, n, &one) && one.len == len &&
			    strncasecmp(s + one.start, address, len) == 0) &&
			!stralloc_catb(out, s, whole))
			return false;
		pos += whole;
	}
	return true;
}
