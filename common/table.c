/* Looking things up in the compiled tables. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/table.h"

bool
table_open_fd(struct table *t, int fd)
{
	struct stat st;
	cdb map = CDB_ZERO;

	if (fstat(fd, &st) < 0 || !cdb_init_fromfd(&map, fd))
		return false;
	table_close(t);
	*t = (struct table){.map = map,
		.open = true,
		.device = st.st_dev,
		.inode = st.st_ino};
	return true;
}

bool
table_refresh(struct table *t, int folder_fd, char const *name)
{
	struct stat st;
	int fd;
	bool ok;

	if (fstatat(folder_fd, name, &st, 0) < 0)
		return false;
	if (t->open && st.st_dev == t->device && st.st_ino == t->inode)
		return true;
	fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	ok = table_open_fd(t, fd);
	close(fd);
	return ok;
}

void
table_close(struct table *t)
{
	if (t->open)
		cdb_free(&t->map);
	t->open = false;
}

int
table_find(struct table const *t, char const *key, size_t key_len,
	char const **value_r, size_t *value_len_r)
{
	cdb_data data;
	int found;

	if (!t->open || key_len > UINT32_MAX)
		return -1;
	found = cdb_find(&t->map, &data, key, (uint32_t)key_len);
	if (found > 0) {
		*value_r = data.s;
		*value_len_r = data.len;
	}
	return found;
}
