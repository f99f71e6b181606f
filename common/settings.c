/* The settings, as daemons see them. */
#include <string.h>
#include <skalibs/types.h>
#include "common/settings.h"

char const *
settings_text(struct table const *settings, char const *key)
{
	char const *value;
	size_t len;

	if (table_find(settings, key, strlen(key), &value, &len) <= 0 ||
		len == 0 || value[len - 1] != '\0')
		return NULL;
	return value;
}

uint64_t
settings_number(
	struct table const *settings, char const *key, uint64_t otherwise)
{
	char const *text = settings_text(settings, key);
	uint64_t n;

	return text != NULL && uint640_scan(text, &n) > 0 ? n : otherwise;
}
