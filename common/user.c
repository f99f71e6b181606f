/* See user.h. The value is `UID NUL HOME NUL`. */
#include <string.h>
#include <skalibs/types.h>
#include "common/user.h"

int
user_find(struct table const *users, char const *name, size_t len,
	uint64_t uid_min, uint64_t uid_max, uid_t *uid_r, char const **home_r)
{
	char const *value;
	size_t value_len, uid_len;
	uint64_t uid;
	int found = table_find(users, name, len, &value, &value_len);

	if (found <= 0)
		return found;
	if (value_len == 0 || value[value_len - 1] != '\0' ||
		(uid_len = uint640_scan(value, &uid)) == 0 ||
		value[uid_len + 1] != '/' || uid == 0 || uid < uid_min ||
		uid > uid_max || uid >= UINT32_MAX)
		return -1;
	*uid_r = (uid_t)uid;
	*home_r = value + uid_len + 1;
	return 1;
}
