/* A web server's request to leave a list; see oneclick.h. */
#include "local/list/oneclick.h"
#include <stdio.h>
#include <string.h>
#include "local/list/listtoken.h"

static bool
is_plain(char const *s, size_t len, char const *more)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			    (s[i] >= 'A' && s[i] <= 'Z') ||
			    (s[i] >= '0' && s[i] <= '9') ||
			    strchr(more, s[i]) != NULL) ||
			s[i] == '\0')
			return false;
	return len > 0;
}

bool
oneclick_path(char const *path, struct oneclick *o)
{
	size_t const len = strnlen(path, 1024);
	char const *const slash = memrchr(path, '/', len);
	char const *at;
	size_t list_len, local_len;

	if (*path != '/' || slash == path || slash == NULL)
		return false;
	path++;
	list_len = (size_t)(slash - path);
	at = memchr(path, '@', list_len);
	if (at == NULL || list_len > ONECLICK_LIST_MAX)
		return false;
	local_len = (size_t)(at - path);
	/* No dash in front: it would be an option of a program. */
	if (*path == '-' || !is_plain(path, local_len, "._-=") ||
		!is_plain(at + 1, list_len - local_len - 1, ".-") ||
		strlen(slash + 1) != LISTTOKEN_LEN ||
		!is_plain(slash + 1, LISTTOKEN_LEN, ""))
		return false;
	(void)snprintf(o->list, sizeof o->list, "%.*s", (int)list_len, path);
	(void)snprintf(o->address, sizeof o->address, "%.*s-unsubscribe+%s%.*s",
		(int)local_len, path, slash + 1, (int)(list_len - local_len),
		at);
	return true;
}

bool
oneclick_body(char const *s, size_t len)
{
	static char const name[] = "List-Unsubscribe", value[] = "One-Click";
	char const *const at = memmem(s, len, name, sizeof name - 1);

	/* `List-Unsubscribe=One-Click`, or multipart/form-data. */
	return at != NULL && memmem(at, len - (size_t)(at - s), value,
				     sizeof value - 1) != NULL;
}
