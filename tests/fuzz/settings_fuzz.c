/* A text file of settings: lines, fields, values in normal form, which are
 * their own normal form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/admin/setting.h"
#include "common/admin/text.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
try_value(char const *key, char const *value)
{
	struct setting const *s = setting_find(key);
	stralloc once = STRALLOC_ZERO, twice = STRALLOC_ZERO;
	char const *why;

	if (s != NULL && setting_normal(s, value, &once, &why)) {
		if (once.len == 0 || once.s[once.len - 1] != '\0')
			abort();
		if (!setting_normal(s, once.s, &twice, &why) ||
			once.len != twice.len ||
			memcmp(once.s, twice.s, once.len) != 0)
			abort();
	}
	stralloc_free(&once);
	stralloc_free(&twice);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct text t = {.path = NULL};
	char *s = malloc(size + 1), *line, *key;
	size_t len, key_len;
	int r;

	if (s == NULL)
		return 0;
	memcpy(s, data, size);
	text_set(&t, s, size);
	while ((r = text_line(&t, &line, &len)) != 0) {
		if (r < 0)
			continue;
		line[len] = '\0';
		if (!text_field(&line, &len, &key, &key_len))
			abort();
		try_value(key, line + strspn(line, " \t"));
	}
	text_free(&t);
	return 0;
}
