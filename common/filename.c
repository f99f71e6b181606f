/* Names of message files; see filename.h. */
#include <string.h>

#include "common/filename.h"
#include "common/flags.h"

/* In the order of FLAG_*. */
static char const letters[FLAG_COUNT + 1] = "RFTSD";

/* Where the letters stand: behind ":2,", up to a comma or the end. */
static bool
flags_span(char const *name, size_t len, size_t *start_r, size_t *end_r)
{
	char const *const colon = memchr(name, ':', len);
	size_t at;

	if (colon == NULL)
		return false;
	at = (size_t)(colon - name);
	if (len - at < 3 || colon[1] != '2' || colon[2] != ',')
		return false;
	*start_r = *end_r = at + 3;
	while (*end_r < len && name[*end_r] != ',')
		(*end_r)++;
	return true;
}

static void
add(struct filename *f, char c)
{
	char const *const letter = c != '\0' ? strchr(letters, c) : NULL;

	if (letter != NULL)
		f->system |= 1u << (letter - letters);
	else if (c >= 'a' && c <= 'z')
		f->keywords |= UINT32_C(1) << (c - 'a');
}

void
filename_parse(char const *name, size_t len, struct filename *f_r)
{
	char const *const colon = memchr(name, ':', len);
	size_t start, end;

	*f_r = (struct filename){
		.base_len = colon != NULL ? (size_t)(colon - name) : len};
	if (flags_span(name, len, &start, &end))
		for (; start < end; start++)
			add(f_r, name[start]);
}

/* Whether the name should have the letter c. */
static bool
wanted(char c, char const *old, size_t old_len, unsigned system,
	uint32_t keywords)
{
	char const *const letter = strchr(letters, c);

	if (letter != NULL)
		return system >> (letter - letters) & 1;
	if (c >= 'a' && c <= 'z')
		return keywords >> (c - 'a') & 1;
	return memchr(old, c, old_len) != NULL;
}

size_t
filename_make(char const *name, size_t len, unsigned system, uint32_t keywords,
	char *out)
{
	struct filename f;
	size_t start = len, end = len, n;

	filename_parse(name, len, &f);
	(void)flags_span(name, len, &start, &end);
	if (len > FILENAME_MAX_LEN ||
		f.base_len + 3 + 52 + (len - end) > FILENAME_MAX_LEN)
		return 0;
	memcpy(out, name, f.base_len);
	n = f.base_len;
	memcpy(out + n, ":2,", 3);
	n += 3;
	for (char c = 'A'; c <= 'z'; c++)
		if ((c <= 'Z' || c >= 'a') &&
			wanted(c, name + start, end - start, system, keywords))
			out[n++] = c;
	memcpy(out + n, name + end, len - end);
	n += len - end;
	out[n] = '\0';
	return n;
}

bool
filename_size(char const *name, size_t base_len, char which, uint64_t *size_r)
{
	for (size_t i = 0; i + 3 < base_len; i++) {
		uint64_t n = 0;
		size_t k = i + 3;

		if (name[i] != ',' || name[i + 1] != which ||
			name[i + 2] != '=')
			continue;
		for (; k < base_len && name[k] >= '0' && name[k] <= '9'; k++) {
			if (n > UINT32_MAX)
				return false;
			n = n * 10 + (uint64_t)(name[k] - '0');
		}
		if (k == i + 3 || (k < base_len && name[k] != ','))
			return false;
		*size_r = n;
		return true;
	}
	return false;
}
